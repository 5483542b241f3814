"""The sweeps below the served folders, as their sweep.json tells of them, which is written while they run."""

import math
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unspool._errors import InputError, spelled
from unspool._json_files import read_json
from unspool._serving.watching.facts import Remembered, state_of
from unspool._serving.watching.listing import SECONDS, kept_or_new, newest_first, runs_below
from unspool._serving.watching.log import stamp_of
from unspool._serving.watching.stored_audit import mapping
from unspool._training.folder.sole_writer import is_at_work

RESULT = "sweep.json"
MOST_TRIALS, MOST_POINTS = 1000, 200  # of a sweep; of the curve of a trial
SETTLED = ("complete", "pruned", "diverged")


class SweepFacts(Remembered[dict[str, Any]]):
    """What the sweep.json of a folder tells, read again once it has changed.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: sweep_facts(path / RESULT), path / RESULT)
        self.path = path


class Sweeps:
    """The sweeps below some folders.

    Any number of threads may use it.

    Args:
        roots: The folders.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._found: dict[str, SweepFacts] = {}
        self._looked = -SECONDS
        self._lock = threading.Lock()

    def rows(self) -> list[dict[str, Any]]:
        """Return what the list says of every sweep: those that run first, then by their last change."""
        with self._lock:
            self._look()
            sweeps = [self._details(name) for name in self._found]
        rows = [{key: value for key, value in one.items() if key != "trials"} for one in sweeps]
        return newest_first(rows)

    def details(self, name: str) -> dict[str, Any] | None:
        """Return all that is known of a sweep; None if there is none of that name."""
        with self._lock:
            self._look()
            return self._details(name) if name in self._found else None

    def _look(self) -> None:
        if time.monotonic() - self._looked < SECONDS:
            return
        found = runs_below(self._roots, is_sweep)
        self._found = kept_or_new(self._found, found, lambda _, path: SweepFacts(path))
        self._looked = time.monotonic()

    def _details(self, name: str) -> dict[str, Any]:
        path, facts = self._found[name].path, self._found[name].get()
        changed = (stamp_of(path / RESULT) or (0,))[0] / 1e9
        finished, silence = facts["complete"], time.time() - changed
        state = state_of(is_at_work(path), facts["trouble"], finished=finished, silence=silence)
        if state != "training":  # what ran when it was killed is begun anew
            trials = [
                {**one, "state": "stopped"} if one["state"] == "running" else one for one in facts["trials"]
            ]
            facts = {**facts, "trials": trials}
        return {"name": name, "state": state, "changed": changed, **facts}


def is_sweep(path: Path) -> bool:
    """Return whether a folder is that of a sweep."""
    return (path / RESULT).is_file()


def sweep_facts(path: Path) -> dict[str, Any]:
    """Return what a sweep.json tells, in JSON types.

    Args:
        path: The file, which anybody may have written.
    """
    trouble = None
    try:
        document = mapping(read_json(path))
    except (OSError, InputError) as error:
        document, trouble = mapping(None), spelled(str(error))
    trials = sorted(_trials(document), key=lambda trial: trial["number"])[:MOST_TRIALS]
    settled = [trial for trial in trials if trial["state"] in SETTLED]
    measured = [trial for trial in settled if trial["bits_per_character"] is not None]
    best = min(measured, key=lambda trial: trial["bits_per_character"], default=None)
    return {
        "text": _text(document.get("description")),
        "verdict": _text(document.get("verdict")),
        "complete": document.get("complete") is True,
        "trouble": trouble,
        "settled": len(settled),
        "best": None if best is None else best["bits_per_character"],
        "best_trial": None if best is None else best["number"],
        "trials": trials,
    }


def _trials(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the trials of a document that have a number: those that are settled, failed, and run."""
    settled = (run for one in _list(document, "configurations") for run in _list(mapping(one), "runs"))
    for run in map(mapping, [*settled, *_list(document, "failed"), *_list(document, "running")]):
        number = run.get("number")
        if type(number) is int:
            configuration = mapping(run.get("configuration")).items()
            curve = [
                [_number(each) for each in point][:2]
                for point in _list(run, "curve")
                if isinstance(point, list)
            ]
            yield {
                "number": number,
                "state": _text(run.get("state")),
                "seed": _number(run.get("seed")),
                "configuration": {
                    name: value for name, value in configuration if isinstance(value, str | int | float)
                },
                "bits_per_character": _number(run.get("bits_per_character")),
                "parameters": _number(run.get("parameters")),
                "steps": _number(run.get("steps")),
                "seconds": _number(run.get("seconds")),
                "message": _text(run.get("message")),
                "curve": [point for point in curve if len(point) == 2 and None not in point][:MOST_POINTS],
            }


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _text(value: object) -> str | None:
    return spelled(value)[:500] if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None  # type: ignore[return-value]  # it is one
