"""A sweep as a whole: complete, resumable, pruned."""

import dataclasses
import errno
import json
import os
import threading
from pathlib import Path

import pytest

import unspool
from tests.json_keys import keys
from unspool._errors import ArtifactError, ConfigError
from unspool._sweeping import sweep as sweeping
from unspool._sweeping.results import Run
from unspool.sweeping import Range

from .scripted import LosingPool, ScriptedPool, names, run

pytestmark = pytest.mark.usefixtures("tables")


def test_a_grid_is_complete_and_goes_on_without_repeating(tmp_path: Path) -> None:
    ended: list[Run] = []
    found = run(tmp_path / "s", ended=ended, workers=2)
    assert len(ended) == len(set(names(ended))) == 8
    assert found.complete
    assert [len(outcome.complete) for outcome in found.outcomes] == [2] * 4
    assert found.best is not None
    assert "not clearly better" in found.verdict or "Best for this text" in found.verdict
    stored = json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))
    assert stored["verdict"] == found.verdict
    assert stored["configurations"][0]["runs"][0]["curve"]
    assert (tmp_path / "s" / "sweep.svg").read_text("utf-8").startswith("<svg")
    again: list[Run] = []
    assert run(tmp_path / "s", ended=again, workers=2).to_dict() == found.to_dict()
    assert again == []
    larger = run(tmp_path / "s", ended=again, hidden_size=[4, 8, 12], workers=1)
    assert names(again) == [(cell, 12, 1, 0.02, 0.0, 4, seed) for cell in ("gru", "lstm") for seed in (0, 1)]
    assert len(larger.outcomes) == 6


def test_the_keys_of_the_document_are_those_that_users_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LosingPool, "lost", 8)
    monkeypatch.setattr(sweeping, "LocalPool", LosingPool)
    run(tmp_path / "s", cell=["gru"], seeds=1)
    tried = {"cell", "hidden_size", "num_layers", "learning_rate", "dropout", "batch_size"}
    training = {"number", "configuration", "seed", "state", "drawn", "message", "curve", "seconds",
                "characters", "parameters", "steps", "evaluation_seconds", "bits_per_character"}  # fmt: skip
    assert keys(json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))) == {
        "sweep": {field.name for field in dataclasses.fields(unspool.SweepConfig)},
        "": {"sweep", "folder", "description", "verdict", "complete", "best", "configurations",
             "failed", "running"},
        "best": tried,
        "configurations[]": {"configuration", "state", "parameters", "bits_per_character", "spread",
                             "seconds", "characters_per_second", "runs"},
        "configurations[].configuration": tried,
        "configurations[].runs[]": training,
        "configurations[].runs[].configuration": tried,
        "failed[]": training,
        "failed[].configuration": tried,
    }  # fmt: skip


def test_a_full_disk_is_one_clear_error_and_the_same_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("unspool._sweeping.sweep.atomic_write", full)
        with pytest.raises(ArtifactError, match="No space left on device; free some disk space and repeat"):
            run(tmp_path / "s", workers=2)
    ended: list[Run] = []
    assert run(tmp_path / "s", ended=ended, workers=2).complete
    assert ended == []


def test_the_sampler_draws_within_lists_and_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    space = {"cell": ["gru"], "hidden_size": Range(4, 9), "learning_rate": Range(0.001, 0.1)}
    ended: list[Run] = []
    run(tmp_path / "s", ended=ended, trials=3, finalists=1, **space)
    assert len(ended) == 4
    drawn = [each.configuration for each in ended if each.drawn]
    assert len({tuple(each.values()) for each in drawn}) == 3
    assert all(4 <= each["hidden_size"] <= 9 and 0.001 <= each["learning_rate"] <= 0.1 for each in drawn)
    more: list[Run] = []
    run(tmp_path / "s", ended=more, trials=4, finalists=1, **space)
    assert more[0].drawn
    assert more[0].configuration not in drawn
    with pytest.raises(ConfigError, match="sampled"):
        run(tmp_path / "s", trials=4, finalists=1, **{**space, "hidden_size": [4, 5]})


@pytest.mark.parametrize("pruner", ["median", "halving"])
def test_what_is_hopeless_ends_early_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruner: str
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    ended: list[Run] = []
    sizes = [2, 3, 4, 5, 9, 1]
    found = run(tmp_path / "s", ended=ended, cell=["gru"], hidden_size=sizes, pruner=pruner, seeds=2)
    states = {each.configuration["hidden_size"]: each.state for each in ended if each.seed == 0}
    assert states[1] == "complete"
    assert states[9] == "pruned"
    pruned = [each for each in ended if each.state == "pruned"]
    assert all(len(each.curve) < 3 for each in pruned)
    assert {each.seed for each in pruned} == {0}
    survivors = sorted(size for size, state in states.items() if state == "complete")
    assert sorted(each.configuration["hidden_size"] for each in ended if each.seed == 1) == survivors
    assert found.best is not None
    assert found.best.configuration["hidden_size"] == 1
    assert found.outcomes[-1].state == "pruned"


def test_it_runs_beside_the_main_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    found: list[unspool.Sweep] = []
    thread = threading.Thread(
        target=lambda: found.append(run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1))
    )
    thread.start()
    thread.join(60)
    assert found[0].complete


def test_processors_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [sweeping.threads_each(workers) for workers in (1, 2, 3, 16)] == [8, 4, 2, 1]
