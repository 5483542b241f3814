"""Everything that decides what a sweep tries and how long."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unspool.configuration import check, is_real, is_whole
from unspool.errors import ConfigError
from unspool.sweeping.space import PARAMETERS, Configuration, Range, Values, check_values, grid

PRUNERS = ("median", "halving")


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

    cell: Sequence[str] = ("lstm", "gru")
    hidden_size: Sequence[int] | Range = (64, 128, 256)
    num_layers: Sequence[int] | Range = (1,)
    learning_rate: Sequence[float] | Range = (0.01, 0.02)
    dropout: Sequence[float] | Range = (0.0,)
    batch_size: Sequence[int] | Range = (16,)
    minutes_per_trial: float | None = None
    symbols_per_trial: int | None = None
    seeds: int = 3
    trials: int | None = None
    finalists: int | None = None
    pruner: str | None = "median"
    evaluations: int = 8

    def __post_init__(self) -> None:
        """Check every value, and fill in the usual budget."""
        for name in PARAMETERS:
            values = check_values(name, getattr(self, name))
            object.__setattr__(self, name, values)
            if isinstance(values, Range) and self.trials is None:
                hint = "list the values, or draw from the range with trials"
                raise ConfigError(
                    f"parameter {name}", expected="a list for a grid", got=repr(values), hint=hint
                )
        for name in ("seeds", "evaluations"):
            check(name, getattr(self, name), "a whole number ≥ 1", is_whole(getattr(self, name), least=1))
        for name in ("trials", "finalists", "symbols_per_trial"):
            value = getattr(self, name)
            check(name, value, "a whole number ≥ 1, or None", value is None or is_whole(value, least=1))
        allowed = f"one of {', '.join(PRUNERS)}, or None"
        check("pruner", self.pruner, allowed, self.pruner is None or self.pruner in PRUNERS)
        self._check_budget()

    def _check_budget(self) -> None:
        minutes = self.minutes_per_trial
        ok = minutes is None or (is_real(minutes) and 0 < minutes < math.inf)
        check("minutes_per_trial", minutes, "a number > 0, or None", ok)
        if minutes is not None and self.symbols_per_trial is not None:
            what = "parameters minutes_per_trial and symbols_per_trial"
            raise ConfigError(what, expected="a number in one", got="a number in both")
        if minutes is None and self.symbols_per_trial is None:
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
