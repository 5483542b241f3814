"""The configuration of a sweep."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from unspool._configuration import Allowed, OptionRow, answers_unknown_names, check_rows, one_of, whole_range
from unspool._errors import ConfigError
from unspool._sweeping.space import PARAMETERS, Configuration, Range, Values, check_values, grid
from unspool._training.config import COUNT, POSITIVE
from unspool._views.short_repr import short_repr

RUNS = whole_range(1, 100_000)
PRUNERS: tuple[str, ...] = ("median", "halving")


def _are_values(value: Any) -> bool:
    return isinstance(value, Range) or (isinstance(value, Sequence) and not isinstance(value, str))


VALUES = Allowed("a list of values, or a Range", _are_values)  # `check_values` checks each
CELLS = Allowed("a list of names", _are_values, "unspool._network.cells:CELLS")


@answers_unknown_names
@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """The configuration of a sweep: its space, its budgets and its seeds.

    The first six are lists of values, and every combination is tried. If `trials` is set, they may also be a
    `Range`, and combinations are drawn.

    Args:
        cell: Names in `CELLS`.
        hidden_size: Numbers of units in each layer.
        num_layers: Numbers of recurrent layers.
        learning_rate: Peaks of the learning rate.
        dropout: Probabilities that a unit is dropped.
        batch_size: Numbers of lanes that are read in parallel.
        minutes_per_trial: Time of every training in minutes, > 0, without its evaluations. None if
            `symbols_per_trial` is set; if neither is, 1.
        symbols_per_trial: Number of tokens that every training reads, in place of a time; the result does not
            depend on the speed of the machine.
        seeds: Number of trainings of each configuration, each with another seed, ≥ 1.
        trials: Number of configurations to draw with the sampler TPE; None to try the whole grid.
        finalists: Number of configurations that are trained with all the seeds, the best ones by their first
            training; None for all that were not pruned.
        pruner: The rule that ends a bad training early. "median": it is worse than half of the trainings
            before it were at the same share of the budget; "halving": successive halving; None: no rule.
            Only the first training of a configuration can end early.
        evaluations: Number of evaluations in each training, evenly over its budget, ≥ 1.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> from unspool import SweepConfig
        >>> SweepConfig(cell=["gru"], hidden_size=[64, 128], learning_rate=[0.01]).num_configurations
        2
    """

    # fmt: off
    cell: Annotated[Sequence[str], OptionRow(CELLS, "{choices}", several=True)] = ("lstm", "gru")
    hidden_size: Annotated[Sequence[int] | Range, OptionRow(
        VALUES, "Units in each layer", several=True)] = (64, 128, 256)
    num_layers: Annotated[Sequence[int] | Range, OptionRow(VALUES, "Recurrent layers", several=True)] = (1,)
    learning_rate: Annotated[Sequence[float] | Range, OptionRow(
        VALUES, "Highest learning rate of the schedule", several=True)] = (0.01, 0.02)
    dropout: Annotated[Sequence[float] | Range, OptionRow(
        VALUES, "Chance that the output of a unit is dropped while training", several=True)] = (0.0,)
    batch_size: Annotated[Sequence[int] | Range, OptionRow(
        VALUES, "Streams of text processed in parallel", several=True)] = (16,)
    minutes_per_trial: Annotated[float | None, OptionRow(
        POSITIVE, "Training time of each run, without evaluations", shown="1",
        takes_none=False)] = None
    symbols_per_trial: Annotated[int | None, OptionRow(
        COUNT, "Symbols that each run reads, instead of a time", takes_none=False)] = None
    seeds: Annotated[int, OptionRow(RUNS, "Runs of each configuration, to measure the noise")] = 3
    trials: Annotated[int | None, OptionRow(
        RUNS, "Try so many drawn configurations (TPE) instead of the whole grid")] = None
    finalists: Annotated[int | None, OptionRow(
        RUNS, "After the first seed, go on with so many of the best configurations only")] = None
    pruner: Annotated[str | None, OptionRow(
        one_of("unspool._sweeping.sweep_config:PRUNERS"),
        "How to end a poor run early: {choices}")] = "median"
    evaluations: Annotated[int, OptionRow(RUNS, "Evaluations in each run")] = 8
    # fmt: on

    __repr__ = short_repr

    def __post_init__(self) -> None:
        """Check every value, and set the default budget."""
        check_rows(self)
        for name in PARAMETERS:
            values = check_values(name, getattr(self, name))
            object.__setattr__(self, name, values)
            if isinstance(values, Range) and self.trials is None:
                hint = "list the values, or draw from the range with trials"
                raise ConfigError(
                    name, expected="a list of values, as trials is not set", got=repr(values), hint=hint
                )
        if self.minutes_per_trial is not None and self.symbols_per_trial is not None:
            what = "minutes_per_trial and symbols_per_trial do not work together"
            raise ConfigError(what, hint="leave one of them out")
        if self.minutes_per_trial is None and self.symbols_per_trial is None:
            object.__setattr__(self, "minutes_per_trial", 1.0)

    @property
    def space(self) -> dict[str, Values]:
        """The values of each parameter by name.

        Example:
            >>> unspool.SweepConfig(hidden_size=[64, 128]).space["hidden_size"]
            (64, 128)
        """
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def num_configurations(self) -> int:
        """The greatest number of configurations that are tried.

        Example:
            >>> unspool.SweepConfig(cell=["gru"], hidden_size=[64], trials=10).num_configurations
            10
        """
        if self.trials is not None:
            return self.trials
        return math.prod(len(v) for v in self.space.values() if not isinstance(v, Range))


def extremes(config: SweepConfig) -> Iterator[Configuration]:
    """Yield every combination of the values of the lists and of both ends of each range."""
    return grid({name: (v.low, v.high) if isinstance(v, Range) else v for name, v in config.space.items()})
