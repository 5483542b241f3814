"""The result of a sweep: its trainings, the outcome of each configuration, and the whole."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from unspool._screen.wording import counted
from unspool._sweeping.space import PARAMETERS, Configuration, key
from unspool._views.frames import data_frame
from unspool._views.html import Cell, html_table
from unspool._views.short_repr import repr_block, short_repr

SETTLED = ("complete", "pruned", "diverged")
RUN_COLUMNS = (
    "number", "seed", "state", "bits_per_character", "parameters", "steps", "characters", "seconds",
    "evaluation_seconds", "message"
)  # fmt: skip
FIGURES = ("bits per character", "spread", "parameters", "seconds", "state")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training of a sweep.

    Args:
        number: Number of the trial in the storage.
        configuration: A value for each parameter.
        seed: Number of the seed, from 0.
        state: "complete", "pruned", "diverged", "failed" (to be tried again) or "running".
        drawn: Whether the sampler drew the configuration for this training.
        curve: Seconds of learning and bits per character of the held-out text at each evaluation.
        parameters: Number of parameters of the network; None before the first evaluation.
        steps: Number of steps.
        characters: Number of characters read.
        seconds: Time of learning.
        evaluation_seconds: Time of the evaluations.
        message: The reason why it diverged or failed.
    """

    number: int
    configuration: Configuration
    seed: int
    state: str
    drawn: bool = False
    curve: tuple[tuple[float, float], ...] = ()
    parameters: int | None = None
    steps: int = 0
    characters: int = 0
    seconds: float = 0.0
    evaluation_seconds: float = 0.0
    message: str | None = None

    @property
    def bits_per_character(self) -> float:
        """The best of its evaluations, since a training keeps its best model; infinite without any."""
        return min((bits for _, bits in self.curve), default=math.inf)


@dataclass(frozen=True, kw_only=True)
class SweepOutcome:
    """The outcome of one configuration over all its trainings.

    Args:
        configuration: A value for each parameter.
        runs: Its settled trainings, by seed.
    """

    configuration: Configuration
    runs: tuple[Run, ...]

    __repr__ = short_repr

    @property
    def complete(self) -> list[Run]:
        """The trainings that reached the end of their budget."""
        return [run for run in self.runs if run.state == "complete"]

    @property
    def state(self) -> str:
        """The state: "complete", or the state of its last training."""
        return "complete" if self.complete else self.runs[0].state

    @property
    def bits_per_character(self) -> float | None:
        """The mean over the seeds of complete trainings, or None."""
        return fmean(run.bits_per_character for run in self.complete) if self.complete else None

    @property
    def spread(self) -> float | None:
        """The standard deviation between seeds (of a sample), or None for fewer than two seeds."""
        values = [run.bits_per_character for run in self.complete]
        return stdev(values) if len(values) > 1 else None

    @property
    def parameters(self) -> int | None:
        """Number of parameters of the network."""
        return next((run.parameters for run in self.runs if run.parameters), None)

    @property
    def seconds(self) -> float:
        """The mean time of learning, in seconds."""
        return fmean(run.seconds for run in self.complete or self.runs)

    @property
    def characters_per_second(self) -> float:
        """The mean speed of learning, without the evaluations."""
        seconds = sum(run.seconds for run in self.runs)
        return sum(run.characters for run in self.runs) / seconds if seconds else 0.0


def outcomes(runs: Iterable[Run]) -> list[SweepOutcome]:
    """Return the outcome of each configuration, the lowest mean first, those without a mean last."""
    gathered: dict[Any, list[Run]] = {}
    for run in runs:
        if run.state in SETTLED:
            gathered.setdefault(key(run.configuration), []).append(run)
    grouped = [
        SweepOutcome(
            configuration=several[0].configuration, runs=tuple(sorted(several, key=lambda run: run.seed))
        )
        for several in gathered.values()
    ]
    return sorted(grouped, key=_rank)


def _rank(outcome: SweepOutcome) -> tuple[float, float]:
    bits = outcome.bits_per_character
    best = min(run.bits_per_character for run in outcome.runs)
    return (math.inf if bits is None else bits, best)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The result of a sweep.

    Args:
        folder: The folder of the sweep.
        description: A short description of the texts, for people.
        outcomes: The outcomes of the configurations, the best first.
        best: The best configuration of those trained with all seeds; None if no training was completed.
        verdict: A sentence on the best configuration, and whether its lead is more than noise.
        complete: Whether all planned trainings were run.
        failed: The trainings that were given up after several tries.

    Example:
        >>> from pathlib import Path
        >>> from unspool import Sweep
        >>> facts = {"description": "names.txt", "outcomes": (), "best": None, "verdict": ""}
        >>> Sweep(folder=Path("sweep"), **facts, complete=True).train_flags()
        []
    """

    folder: Path
    description: str
    outcomes: tuple[SweepOutcome, ...]
    best: SweepOutcome | None
    verdict: str
    complete: bool
    failed: tuple[Run, ...] = field(default=())

    def train_flags(self) -> list[str]:
        """Return the best configuration as flags of ``unspool train``; empty if there is none.

        Example:
            >>> from pathlib import Path
            >>> facts = {"description": "", "outcomes": (), "best": None, "verdict": "", "complete": True}
            >>> unspool.Sweep(folder=Path("sweep"), **facts).train_flags()
            []
        """
        return [] if self.best is None else flags(self.best.configuration)

    def to_dict(self) -> dict[str, Any]:
        """Return the result in plain JSON types.

        Example:
            >>> from pathlib import Path
            >>> facts = {"description": "", "outcomes": (), "best": None, "verdict": "", "complete": True}
            >>> unspool.Sweep(folder=Path("sweep"), **facts).to_dict()["folder"]
            'sweep'
        """
        return {
            "folder": str(self.folder),
            "description": self.description,
            "verdict": self.verdict,
            "complete": self.complete,
            "best": None if self.best is None else dict(self.best.configuration),
            "configurations": [_outcome_to_dict(outcome) for outcome in self.outcomes],
            "failed": [run_to_dict(run) for run in self.failed],
        }

    def to_frame(self, library: str | None = None) -> Any:
        """Return the trainings as a data frame, a row for each, those of the best configuration first.

        Args:
            library: "pandas" or "polars"; None for the first of them that is installed.

        Raises:
            ConfigError: If the library is not installed.

        Example:
            >>> from pathlib import Path
            >>> facts = {"description": "", "outcomes": (), "best": None, "verdict": "", "complete": True}
            >>> len(unspool.Sweep(folder=Path("sweep"), **facts).to_frame())
            0
        """
        runs = [run for outcome in self.outcomes for run in outcome.runs] + list(self.failed)
        rows = [{**run_to_dict(run), **run.configuration} for run in runs]
        return data_frame((*PARAMETERS, *RUN_COLUMNS), rows, library)

    def __repr__(self) -> str:
        """Return the verdict and the number of configurations."""
        head = f"{type(self).__name__} of {self.description}: {counted(len(self.outcomes), 'configuration')}"
        return repr_block(head, [self.verdict] if self.verdict else [])

    def _repr_html_(self) -> str:
        """Return the configurations as a table for a notebook, the best first."""
        rows = (
            (*(outcome.configuration[name] for name in PARAMETERS), *_figures(outcome))
            for outcome in self.outcomes
        )
        heads = (*(name.replace("_", " ") for name in PARAMETERS), *FIGURES)
        title = f"Sweep of {self.description}"
        return html_table(heads, rows, title=title, count=len(self.outcomes), notes=[self.verdict])


def _figures(outcome: SweepOutcome) -> tuple[Cell, ...]:
    return outcome.bits_per_character, outcome.spread, outcome.parameters, outcome.seconds, outcome.state


def flags(configuration: Configuration) -> list[str]:
    """Return a configuration as flags of ``unspool train``."""
    return [word for name in PARAMETERS for word in ("--" + name.replace("_", "-"), str(configuration[name]))]


def _outcome_to_dict(outcome: SweepOutcome) -> dict[str, Any]:
    return {
        "configuration": dict(outcome.configuration),
        "state": outcome.state,
        "parameters": outcome.parameters,
        "bits_per_character": outcome.bits_per_character,
        "spread": outcome.spread,
        "seconds": outcome.seconds,
        "characters_per_second": outcome.characters_per_second,
        "runs": [run_to_dict(run) for run in outcome.runs],
    }


def run_to_dict(run: Run) -> dict[str, Any]:
    """Return a training in plain JSON types."""
    bits = run.bits_per_character
    return {**asdict(run), "bits_per_character": bits if math.isfinite(bits) else None}
