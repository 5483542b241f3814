"""What the server has for trainings: the folder of the runs, the uploaded texts, the trainings."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unspool._artifacts.model_folder import CONFIG, has_file
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError
from unspool._serving.training.jobs import Jobs, TrainingJob
from unspool._serving.training.reader import UploadReader
from unspool._serving.training.states import state_of
from unspool._serving.training.uploads import FOLDER, Uploads


class TrainingDesk:
    """The place where trainings are asked for.

    Args:
        root: The folder of the runs.
        limits: The limits of the server; None for the usual ones.
    """

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.root, self.most_running = root.resolve(), limits.max_trainings
        self.jobs = Jobs(self.root)
        self.uploads = Uploads(self.root / FOLDER, self.jobs.named, most_bytes=limits.max_upload)
        self.reader = UploadReader(limits)
        self.starting = threading.Lock()  # so that two do not count the running ones at once

    def states(self) -> list[dict[str, Any]]:
        """Return the states of all trainings, the one that was begun last first."""
        jobs = sorted(self.jobs.all().items(), key=lambda item: item[1].begun, reverse=True)
        return [self.state(name, job) for name, job in jobs]

    def state(self, name: str, job: TrainingJob) -> dict[str, Any]:
        """Return the state of a training; see `state_of`."""
        return state_of(name, self.root / name, job)

    def job(self, name: str) -> TrainingJob:
        """Return what was asked for when a training began.

        Raises:
            RefusedError: If no training of this name was begun here.
        """
        job = self.jobs.all().get(name)
        if job is None:
            raise RefusedError(404, f"no training here is called {name!r}", code="training_not_found")
        return job

    def refuse_more(self) -> None:
        """Refuse a training if as many as allowed are running.

        Raises:
            RefusedError: If they are.
        """
        running = self.jobs.running()
        if len(running) >= self.most_running:
            shown = ", ".join(running)
            message = f"too many trainings are running: at most {self.most_running} at once, now {shown}"
            raise RefusedError(429, f"{message}; stop one, or wait until it ends", code="too_many_trainings")


def folder_of_runs(roots: Sequence[Path]) -> Path | None:
    """Return the first folder that a server was started with which is no model itself, or None."""
    return next((root for root in roots if root.is_dir() and not has_file(root, CONFIG)), None)
