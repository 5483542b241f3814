"""A sweep tells of itself in sweep.json while it runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from unspool._sweeping import sweep as sweeping

from .scripted import run

pytestmark = pytest.mark.usefixtures("tables")


def test_whoever_watches_sees_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[tuple[int, int]], list[int]]] = []
    write = sweeping.keep_up

    def watched(folder: Path, *rest: Any) -> None:
        write(folder, *rest)
        stored = json.loads((folder / "sweep.json").read_text("utf-8"))
        ended = [run["number"] for one in stored["configurations"] for run in one["runs"]]
        seen.append(([(run["number"], len(run["curve"])) for run in stored["running"]], sorted(ended)))

    monkeypatch.setattr(sweeping, "LIVE_SECONDS", 0.0)
    monkeypatch.setattr(sweeping, "keep_up", watched)
    run(tmp_path / "s", cell=["gru"], seeds=1)  # two trainings, one after another, of three evaluations
    assert seen[0] == ([(0, 0)], [])
    assert ([(0, 1)], []) in seen
    assert ([(1, 2)], [0]) in seen
    stored = json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))
    assert stored["running"] == []
