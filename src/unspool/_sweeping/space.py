"""The space of a sweep: a table of parameters, each with a list of values or a range."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from unspool._configuration import check, is_real
from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._training.config import TrainingConfig

Value: TypeAlias = str | int | float
Configuration: TypeAlias = dict[str, Value]  # a value for each of PARAMETERS, in their order


@dataclass(frozen=True)
class Parameter:
    """The row of a parameter that a sweep can vary.

    Args:
        kind: The type of its values: str, int or float.
        network: Whether it belongs to the network and not to the training.
        logarithmic: Whether a range is drawn from evenly in the logarithm.
        words: The format of a value for people: "{} units".
    """

    kind: type
    network: bool
    logarithmic: bool
    words: str


PARAMETERS: dict[str, Parameter] = {
    "cell": Parameter(str, network=True, logarithmic=False, words="{}"),
    "hidden_size": Parameter(int, network=True, logarithmic=True, words="{} units"),
    "num_layers": Parameter(int, network=True, logarithmic=False, words="layers {}"),
    "learning_rate": Parameter(float, network=False, logarithmic=True, words="learning rate {:.4g}"),
    "dropout": Parameter(float, network=True, logarithmic=False, words="dropout {:.4g}"),
    "batch_size": Parameter(int, network=False, logarithmic=True, words="batch size {}"),
}
ALWAYS_NAMED = ("cell", "hidden_size")


@dataclass(frozen=True)
class Range:
    """A range of values, for a sweep that draws its configurations.

    Args:
        low: The least value.
        high: The greatest value, above the least.

    Example:
        >>> from unspool import Range, SweepConfig
        >>> SweepConfig(hidden_size=Range(64, 512), trials=20).trials
        20
    """

    low: float
    high: float


Values: TypeAlias = tuple[Value, ...] | Range


def check_values(name: str, values: Sequence[Value] | Range) -> Values:
    """Check the values of a parameter by the rows of the configurations.

    Args:
        name: One of `PARAMETERS`.
        values: A list of values, or a range.

    Returns:
        The values as a tuple, or the range.

    Raises:
        ConfigError: If a value is out of its range or appears twice, or there is none.
    """
    parameter = PARAMETERS[name]
    if isinstance(values, Range):
        check(name, values, "a list of names, which have no range", parameter.kind is not str)
        ordered = is_real(values.low) and is_real(values.high) and values.low < values.high
        check(name, values, "a range from low to high", ordered)
        ends = parameter.kind(values.low), parameter.kind(values.high)
        whole = (values.low, values.high) == ends
        check(name, values, "a range between whole numbers", whole)
        allowed = "a range above 0" if parameter.logarithmic else "a range from 0"
        check(name, values, allowed, values.low > 0 if parameter.logarithmic else values.low >= 0)
        taken: tuple[Value, ...] = ends
    else:
        listed = not isinstance(values, str) and isinstance(values, Sequence) and len(values) > 0
        check(name, values, "a list of values", listed)
        taken = tuple(float(v) if parameter.kind is float and is_real(v) else v for v in values)
        check(name, values, "a list without repeated values", len(set(taken)) == len(taken))
    for value in taken:
        configured(NetworkConfig(), TrainingConfig(), {name: value})
    return Range(*taken) if isinstance(values, Range) else taken  # type: ignore[arg-type]


def parse_values(name: str, texts: Sequence[str]) -> tuple[Value, ...] | Range:
    """Read the values of a parameter from the command line: several values, or one range LOW..HIGH.

    Args:
        name: One of `PARAMETERS`.
        texts: The words of the command line.

    Raises:
        ConfigError: If a value is not of the parameter's type.
    """
    kind = PARAMETERS[name].kind
    if kind is str:
        return tuple(texts)
    ends = [re.fullmatch(r"(.+?)\.\.(.+)", text) for text in texts]
    if len(texts) == 1 and ends[0]:
        return Range(*(_number(name, kind, text) for text in ends[0].groups()))
    return tuple(_number(name, kind, text) for text in texts)


def _number(name: str, kind: type, text: str) -> float:
    try:
        return kind(text)  # type: ignore[no-any-return]
    except ValueError:
        word, example = ("a whole number", "64..512") if kind is int else ("a number", "0.001..0.1")
        raise ConfigError(name, expected=f"{word} or a range such as {example}", got=repr(text)) from None


def configured(
    network: NetworkConfig, training: TrainingConfig, configuration: Mapping[str, Value]
) -> tuple[NetworkConfig, TrainingConfig]:
    """Return a network and a training with the values of a configuration.

    Args:
        network: The network, whose other values stay.
        training: The training, whose other values stay.
        configuration: A value for each parameter.

    Raises:
        ConfigError: If a value is out of its range.
    """
    changes: dict[bool, dict[str, Value]] = {True: {}, False: {}}
    for name, value in configuration.items():
        changes[PARAMETERS[name].network][name] = value
    return replace(network, **changes[True]), replace(training, **changes[False])  # type: ignore[arg-type]


def grid(space: Mapping[str, Values]) -> Iterator[Configuration]:
    """Yield every combination of lists of values, the last parameter changing fastest."""
    lists = [values for values in space.values() if not isinstance(values, Range)]
    for combination in itertools.product(*lists):
        yield dict(zip(space, combination, strict=True))


def key(configuration: Mapping[str, Value]) -> tuple[Value, ...]:
    """Return a key that equal configurations share."""
    return tuple(configuration[name] for name in PARAMETERS)


def varying(configurations: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the names of the parameters that do not have the same value in all configurations."""
    return [name for name in PARAMETERS if len({each[name] for each in configurations}) > 1]


def label(configuration: Mapping[str, Value], named: Sequence[str]) -> str:
    """Return a label of a configuration for people: its cell, its size and the parameters that vary.

    Args:
        configuration: A value for each parameter.
        named: The names of the parameters that vary.
    """
    shown = [name for name in PARAMETERS if name in named or name in ALWAYS_NAMED]
    return ", ".join(PARAMETERS[name].words.format(configuration[name]) for name in shown)
