"""Sweeps of the tests: short, and with trainings that follow a script."""

import shutil
from pathlib import Path
from typing import Any

import unspool
from unspool._sweeping.pool import LostError
from unspool._sweeping.results import Run
from unspool._sweeping.trial import Job, TrialReport

from .test_trial import TEXTS

QUICK = {"symbols_per_trial": 1000, "evaluations": 3, "learning_rate": [0.02], "pruner": None}
TABLES: list[Path] = []
SHORT = unspool.TrainingConfig(sequence_length=16, threads=1)


def run(out: Path, *, ended: list[Run] | None = None, **changes: Any) -> unspool.Sweep:
    options = {name: changes.pop(name) for name in ("workers", "training", "storage") if name in changes}
    config = unspool.SweepConfig(**{**QUICK, "hidden_size": [4, 8], "seeds": 2, "batch_size": [4], **changes})
    kept = [] if ended is None else ended
    out.mkdir(exist_ok=True)
    if not (out / "sweep.db").exists() and "storage" not in options:
        shutil.copy(TABLES[0], out / "sweep.db")
    return unspool.sweep(
        TEXTS, out=out, config=config, on_run=lambda run, left: kept.append(run),
        **{"training": SHORT, **options},
    )  # fmt: skip


def names(runs: list[Run]) -> list[tuple[object, ...]]:
    return sorted((*run.configuration.values(), run.seed) for run in runs)


class ScriptedPool:
    """Run nothing: every training reaches what its hidden size says, in three evaluations."""

    def __init__(self, size: int, corpus: object) -> None:
        self._jobs: dict[int, Job] = {}
        self._due: list[tuple[int, int]] = []

    @property
    def free(self) -> int:
        return 1 - len(self._jobs)

    def begin(self, job: Job) -> None:
        self._jobs[job.number] = job
        self._due = [(job.number, 1)]

    def go_on(self, number: int) -> None:
        self._due = [(number, self._last + 1)]

    def drop(self, number: int) -> None:
        del self._jobs[number]

    def wait(self, seconds: float) -> list[tuple[int, Any]]:
        ((number, part),) = self._due
        self._last = part
        bits = (
            float(self._jobs[number].network.hidden_size) - part / 10 + self._jobs[number].training.seed / 100
        )
        return [(number, TrialReport(part=part, done=part == 3, bits_per_character=bits, parameters=1,
                                steps=part,
                                characters=part, seconds=float(part), evaluation_seconds=0.0))]  # fmt: skip

    def close(self) -> None:
        pass


class LosingPool(ScriptedPool):
    """Lose every training of as many units as `lost` says."""

    lost = 4

    def wait(self, seconds: float) -> list[tuple[int, Any]]:
        ((number, _),) = self._due
        if self._jobs[number].network.hidden_size == self.lost:
            self.drop(number)
            return [(number, LostError("its process was killed"))]
        return super().wait(seconds)
