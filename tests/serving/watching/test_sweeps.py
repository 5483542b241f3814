"""Sweeps as they are watched: by their sweep.json, while they run, and whatever stands in it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.conftest import PATIENCE, error_of, serving
from unspool._serving.served import Served
from unspool._serving.watching import sweeps as module
from unspool._serving.watching.sweeps import Sweeps, sweep_facts
from unspool._training.folder.sole_writer import sole_writer


def trial(number: int, state: str, *curve: tuple[float, float], size: int = 8, **more: Any) -> dict[str, Any]:
    bits = min((bits for _, bits in curve), default=None)
    facts = {
        "number": number,
        "state": state,
        "seed": 0,
        "configuration": {"cell": "gru", "hidden_size": size},
    }
    return facts | {"curve": [list(point) for point in curve], "bits_per_character": bits} | more


RUNS = [trial(0, "complete", (1, 3.5), (2, 2.5)), trial(1, "pruned", (1, 4.5)), trial(3, "diverged", size=64)]
DOCUMENT = {
    "folder": "s",
    "description": "names.txt",
    "verdict": "Best for this text: gru of 8 units.",
    "complete": False,
    "configurations": [{"runs": RUNS[:1]}, {"runs": RUNS[1:]}],
    "failed": [],
    "running": [trial(2, "running", (1, 2.25), size=16)],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "s"
    path.mkdir(parents=True)
    (path / "sweep.json").write_text(json.dumps(DOCUMENT))
    return path


def test_trials_are_told_by_their_numbers_and_the_best_settled_one_is_known(folder: Path) -> None:
    facts = sweep_facts(folder / "sweep.json")
    assert [(one["number"], one["state"]) for one in facts["trials"]] == [
        (0, "complete"), (1, "pruned"), (2, "running"), (3, "diverged"),
    ]  # fmt: skip
    assert (facts["best_trial"], facts["best"], facts["settled"]) == (0, 2.5, 3)
    assert facts["trials"][0]["curve"] == [[1, 3.5], [2, 2.5]]
    assert facts["trials"][3]["bits_per_character"] is None
    assert (facts["text"], facts["verdict"]) == ("names.txt", DOCUMENT["verdict"])


def test_the_state_is_that_of_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", -1.0)
    sweeps = Sweeps([folder.parent])
    with sole_writer(folder):
        (row,) = sweeps.rows()
        live = sweeps.details("s")
        assert live is not None
        assert (row["name"], row["state"], live["trials"][2]["state"]) == ("s", "training", "running")
        assert "trials" not in row
    stopped = sweeps.details("s")
    assert stopped is not None
    assert (stopped["state"], stopped["trials"][2]["state"]) == ("stopped", "stopped")
    (folder / "sweep.json").write_text(json.dumps(DOCUMENT | {"complete": True, "running": []}))
    assert [row["state"] for row in sweeps.rows()] == ["finished"]
    (folder / "sweep.json").unlink()
    assert sweeps.rows() == []
    assert sweeps.details("s") is None


@pytest.mark.parametrize(
    "written",
    [
        "{",
        "[]",
        "null",
        '{"configurations": 5, "running": {}, "failed": [1, null, {}], "verdict": []}',
        '{"configurations": [{"runs": [{"number": "1"}, {"number": true}]}, 3]}',
    ],
)
def test_a_damaged_file_is_a_sweep_without_trials(folder: Path, written: str) -> None:
    (folder / "sweep.json").write_text(written)
    facts = sweep_facts(folder / "sweep.json")
    assert (facts["trials"], facts["best"]) == ([], None)
    assert (facts["trouble"] is not None) == (written in ("{", "[]", "null"))


def test_values_of_the_wrong_kind_are_left_out(folder: Path) -> None:
    odd = {"number": 1, "state": 5, "seed": "x", "configuration": {"cell": ["x"], "size": 4}, "seconds": True,
           "curve": [[1], ["a", 2], [1, 2, 3], 7], "bits_per_character": "2"}  # fmt: skip
    (folder / "sweep.json").write_text(json.dumps({"failed": [odd]}))
    (found,) = sweep_facts(folder / "sweep.json")["trials"]
    assert found["configuration"] == {"size": 4}
    assert found["curve"] == [[1, 2]]
    assert {found[name] for name in ("state", "seed", "seconds", "bits_per_character", "parameters")} == {
        None
    }


def test_over_http(folder: Path) -> None:
    with (
        serving(Served(roots=(folder.parent,))) as running,
        httpx.Client(base_url=running.address, timeout=PATIENCE) as client,
    ):
        (row,) = client.get("/api/sweeps").json()["data"]
        assert (row["name"], row["best"]) == ("s", 2.5)
        assert len(client.get("/api/sweeps/s").json()["trials"]) == 4
        missing = client.get("/api/sweeps/..%2Fs")
        assert (missing.status_code, error_of(missing)["code"]) == (404, "sweep_not_found")
