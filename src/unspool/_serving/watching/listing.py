"""Which runs there are below the served folders, by name: no name of a request ever becomes a path."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from unspool._artifacts.model_folder import CONFIG
from unspool._errors import spelled
from unspool._serving.watching.facts import RunFacts
from unspool._training.folder.metrics import METRICS
from unspool._training.folder.run_folder import CHECKPOINT

DEPTH = 4  # folders below a served one
MOST_FOLDERS, MOST_RUNS = 5_000, 1_000
SECONDS = 0.9  # in which a list is not made anew
PATIENCE = 1.0  # seconds of reading for a list; what is left of long files is read for the next one


class OfFolder(Protocol):
    """What is known of a folder.

    Attributes:
        path: The folder.
    """

    @property
    def path(self) -> Path:
        """The folder."""


Known = TypeVar("Known", bound=OfFolder)


class Runs:
    """The runs below some folders.

    Any number of threads may use it.

    Args:
        roots: The folders.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._runs: dict[str, RunFacts] = {}
        self._rows: list[dict[str, Any]] = []
        self._made = -SECONDS
        self._lock = threading.Lock()

    def rows(self) -> list[dict[str, Any]]:
        """Return the row of every run: those that train first, then by their last change."""
        with self._lock:
            if time.monotonic() - self._made >= SECONDS:
                self._look()
                deadline = time.monotonic() + PATIENCE
                for run in sorted(self._runs.values(), key=lambda run: run.log.unread):
                    run.log.update(deadline)
                rows = [run.row() for run in self._runs.values()]
                self._rows = newest_first(rows)
                self._made = time.monotonic()
            return self._rows

    def details(self, name: str) -> dict[str, Any] | None:
        """Return all that is known of a run; None if there is none of that name."""
        with self._lock:
            run = self._find(name)
            return None if run is None else run.details()

    def path(self, name: str) -> Path | None:
        """Return the folder of a run; None if there is none of that name."""
        with self._lock:
            run = self._find(name)
            return None if run is None else run.path

    def _find(self, name: str) -> RunFacts | None:
        run = self._runs.get(name)
        if run is None or not is_run(run.path):
            self._look()
            run = self._runs.get(name)
        return run

    def _look(self) -> None:
        """Look which runs there are; those that were there keep what was read of them."""
        self._runs = kept_or_new(self._runs, runs_below(self._roots), RunFacts)


def newest_first(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of a list in their order: what trains comes first, then what was changed last."""
    return sorted(rows, key=lambda row: (row["state"] != "training", -row["changed"]))


def kept_or_new(
    kept: Mapping[str, Known], found: Mapping[str, Path], make: Callable[[str, Path], Known]
) -> dict[str, Known]:
    """Return what is known of the folders that were found; those that were there keep what was read of them.

    Args:
        kept: What was known, by name.
        found: The folders that there are, by name.
        make: Function that makes what is known of a new one, of its name and its path.
    """
    return {
        name: kept[name] if name in kept and kept[name].path == path else make(name, path)
        for name, path in found.items()
    }


def is_run(path: Path) -> bool:
    """Return whether a folder is that of a run."""
    return (path / METRICS).is_file() or ((path / CONFIG).is_file() and (path / CHECKPOINT).parent.is_dir())


def runs_below(roots: Sequence[Path], is_one: Callable[[Path], bool] = is_run) -> dict[str, Path]:
    """Return the folders of the runs below some folders, by their names.

    A name is the path below the served folder, or the name of that folder if it is a run itself.

    Args:
        roots: The folders.
        is_one: Whether a folder is one of them; there are none below it.
    """
    runs: dict[str, Path] = {}
    seen: set[Path] = set()
    for root in roots:
        for path in _below(root, is_one):
            place = path.resolve()
            if place in seen:  # by a link, or below two of the folders
                continue
            seen.add(place)
            below = path.relative_to(root).as_posix()
            base = spelled(root.resolve().name)
            name = base if below == "." else spelled(below)
            if name in runs and below != ".":
                name = f"{base}/{name}"
            number = 2
            while name in runs:
                name = f"{name.rpartition('~')[0] or name}~{number}"
                number += 1
            runs[name] = path
            if len(runs) == MOST_RUNS:
                return runs
    return runs


def _below(root: Path, is_one: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield the folders of runs at a folder and below it, nearest first; a run has none below it."""
    level, looked_at = [root], 0
    for _ in range(DEPTH + 1):
        following: list[Path] = []
        for folder in level:
            looked_at += 1
            if looked_at > MOST_FOLDERS:
                return
            try:
                if is_one(folder):
                    yield folder
                    continue
                names = [one for one in folder.iterdir() if not one.name.startswith(".") and one.is_dir()]
            except OSError:
                continue
            following += sorted(names)
        level = following
