"""What a sweep found out: its trainings, what they say of each configuration, and the whole."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from unspool.sweeping.space import PARAMETERS, Configuration, key

SETTLED = ("complete", "pruned", "diverged")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Tell of one training.

    Args:
        number: Number of the trial in the storage.
        configuration: A value for each parameter.
        seed: Which of the seeds, from 0.
        state: "complete", "pruned", "diverged", "failed" (to be tried again) or "running".
        drawn: Whether the sampler drew the configuration for this training.
        curve: Seconds of learning and bits per character of the held-out text at each evaluation.
        parameters: Parameters of the network; None before the first evaluation.
        steps: Steps made.
        characters: Characters read.
        seconds: Time spent learning.
        evaluation_seconds: Time spent on evaluations beside it.
        message: Why it diverged or failed.
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
        """Give the best of its evaluations, as a training keeps its best model; infinite without any."""
        return min((bits for _, bits in self.curve), default=math.inf)


@dataclass(frozen=True, kw_only=True)
class SweepOutcome:
    """Tell what the trainings of one configuration say together.

    Args:
        configuration: A value for each parameter.
        runs: Its trainings that were settled, by seed.
    """

    configuration: Configuration
    runs: tuple[Run, ...]

    @property
    def complete(self) -> list[Run]:
        """Give the trainings that went on to the end of their budget."""
        return [run for run in self.runs if run.state == "complete"]

    @property
    def state(self) -> str:
        """Say "complete", or what became of it."""
        return "complete" if self.complete else self.runs[0].state

    @property
    def bits_per_character(self) -> float | None:
        """Give the mean over the seeds of complete trainings, or None."""
        return fmean(run.bits_per_character for run in self.complete) if self.complete else None

    @property
    def spread(self) -> float | None:
        """Give the standard deviation between seeds (that of a sample), or None below two."""
        values = [run.bits_per_character for run in self.complete]
        return stdev(values) if len(values) > 1 else None

    @property
    def parameters(self) -> int | None:
        """Count the parameters of the network."""
        return next((run.parameters for run in self.runs if run.parameters), None)

    @property
    def seconds(self) -> float:
        """Give the mean time of learning."""
        return fmean(run.seconds for run in self.complete or self.runs)

    @property
    def characters_per_second(self) -> float:
        """Give the mean speed of learning, evaluations left out."""
        seconds = sum(run.seconds for run in self.runs)
        return sum(run.characters for run in self.runs) / seconds if seconds else 0.0


def outcomes(runs: Iterable[Run]) -> list[SweepOutcome]:
    """Put trainings of the same configuration together, the lowest mean first, those without one last."""
    gathered: dict[Any, list[Run]] = {}
    for run in runs:
        if run.state in SETTLED:
            gathered.setdefault(key(run.configuration), []).append(run)
    found = [
        SweepOutcome(
            configuration=several[0].configuration, runs=tuple(sorted(several, key=lambda run: run.seed))
        )
        for several in gathered.values()
    ]
    return sorted(found, key=_rank)


def _rank(outcome: SweepOutcome) -> tuple[float, float]:
    bits = outcome.bits_per_character
    best = min(run.bits_per_character for run in outcome.runs)
    return (math.inf if bits is None else bits, best)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Hold what a sweep found out.

    Args:
        folder: Where its files are.
        description: What was read, for people.
        outcomes: The configurations, the best first.
        best: The best of those that were trained with all seeds; None if none was trained to the end.
        verdict: One sentence: which is best for this text, and by how much more than the noise.
        complete: Whether everything that was planned was tried.
        failed: Trainings that were given up after several tries.
    """

    folder: Path
    description: str
    outcomes: tuple[SweepOutcome, ...]
    best: SweepOutcome | None
    verdict: str
    complete: bool
    failed: tuple[Run, ...] = field(default=())

    def train_flags(self) -> list[str]:
        """Write the best configuration as flags of ``unspool train``; empty if there is none."""
        return [] if self.best is None else flags(self.best.configuration)

    def to_dict(self) -> dict[str, Any]:
        """Write it in plain JSON types."""
        return {
            "folder": str(self.folder),
            "description": self.description,
            "verdict": self.verdict,
            "complete": self.complete,
            "best": None if self.best is None else dict(self.best.configuration),
            "configurations": [_outcome_to_dict(outcome) for outcome in self.outcomes],
            "failed": [_run_to_dict(run) for run in self.failed],
        }


def flags(configuration: Configuration) -> list[str]:
    """Write a configuration as flags."""
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
        "runs": [_run_to_dict(run) for run in outcome.runs],
    }


def _run_to_dict(run: Run) -> dict[str, Any]:
    bits = run.bits_per_character
    return {**asdict(run), "bits_per_character": bits if math.isfinite(bits) else None}
