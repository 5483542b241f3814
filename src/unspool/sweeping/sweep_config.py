"""Everything that decides what a sweep tries and how long."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from unspool.configuration import Allowed, OptionRow, check_rows, one_of
from unspool.errors import ConfigError
from unspool.sweeping.space import PARAMETERS, Configuration, Range, Values, check_values, grid
from unspool.training.config import COUNT, POSITIVE

PRUNERS: tuple[str, ...] = ("median", "halving")


def _are_values(value: Any) -> bool:
    return isinstance(value, Range) or (isinstance(value, Sequence) and not isinstance(value, str))


VALUES = Allowed("a list of values, or a Range", _are_values)  # `check_values` looks at each
CELLS = Allowed("a list of names", _are_values, "unspool.network.cells:CELLS")


@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """Decide what a sweep tries and how long.

    The first six are lists of values, of which every combination is tried; or, where `trials` is set, lists
    or a `Range` that combinations are drawn from.

    Args:
        cell: Names in `CELLS`.
        hidden_size: Units in each layer.
        num_layers: Recurrent layers.
        learning_rate: Peaks of the schedule.
        dropout: Chances that a unit is dropped.
        batch_size: Lanes that are read side by side.
        minutes_per_trial: Time that every training gets, > 0; evaluations do not count. None where
            `symbols_per_trial` is set; where neither is, a minute.
        symbols_per_trial: Symbols that every training reads, in place of a time; the same on a busy machine.
        seeds: Trainings of each configuration, each with another seed, ≥ 1.
        trials: Configurations to draw with the sampler TPE; None to try the whole grid.
        finalists: How many configurations are trained with all the seeds, the best by their first
            training; None for all that were not pruned.
        pruner: "median": a training ends early where it is worse than half of those before it were at the
            same share of the budget; "halving": successive halving; None: all go on to the end.
            Only the first training of a configuration can end early.
        evaluations: Measurements of the held-out text in each training, evenly over its budget, ≥ 1.

    Raises:
        ConfigError: If a value is out of its range.
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
    seeds: Annotated[int, OptionRow(COUNT, "Runs of each configuration, to measure the noise")] = 3
    trials: Annotated[int | None, OptionRow(
        COUNT, "Try so many drawn configurations (TPE) instead of the whole grid")] = None
    finalists: Annotated[int | None, OptionRow(
        COUNT, "After the first seed, go on with so many of the best configurations only")] = None
    pruner: Annotated[str | None, OptionRow(
        one_of("unspool.sweeping.sweep_config:PRUNERS"),
        "How to end a poor run early: {choices}")] = "median"
    evaluations: Annotated[int, OptionRow(COUNT, "Evaluations in each run")] = 8
    # fmt: on

    def __post_init__(self) -> None:
        """Check every value, and fill in the usual budget."""
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
        """Give the values of each parameter by name."""
        return {name: getattr(self, name) for name in PARAMETERS}

    @property
    def num_configurations(self) -> int:
        """Count the configurations that will be tried, at most."""
        if self.trials is not None:
            return self.trials
        return math.prod(len(v) for v in self.space.values() if not isinstance(v, Range))


def extremes(config: SweepConfig) -> Iterator[Configuration]:
    """Yield every combination of what the lists hold and of both ends of each range."""
    return grid({name: (v.low, v.high) if isinstance(v, Range) else v for name, v in config.space.items()})
