"""A training in memory: what it leaves and keeps, beside the same training in a folder."""

import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.test_pipeline import FILES, TEXTS, TINY, same_parameters, short, stop_at, without_time
from unspool._progress.plan_lines import plan_lines
from unspool._training.announcement import Announcement


def test_a_model_in_memory_is_saved_as_a_run_would_have_left_it(tmp_path: Path) -> None:
    options: dict[str, Any] = {"network": TINY, "training": short(), "novelty_index": True}
    plans: list[Announcement] = []
    run = unspool.train(TEXTS, out=tmp_path / "run" / "words", **options)
    model = unspool.train(TEXTS, **options, on_start=plans.append)
    model.save(tmp_path / "saved" / "words")
    saved = sorted(path.name for path in (tmp_path / "saved" / "words").iterdir())
    assert saved == sorted((*FILES, "novelty.safetensors", "metrics.jsonl"))
    for name in (*FILES, "novelty.safetensors"):
        one, other = ((tmp_path / part / "words" / name).read_bytes() for part in ("run", "saved"))
        assert without_time(one) == without_time(other), name
    assert plans[0].out is None
    assert "folder   none" in plan_lines(plans[0])[-1]
    again = unspool.load(tmp_path / "saved" / "words").history
    assert again == [line for line in model.history if line["kind"] in ("evaluation", "finish")]
    for kind in ("step", "evaluation", "finish"):
        steps = [[line["step"] for line in one.history if line["kind"] == kind] for one in (run, model)]
        assert steps[0] == steps[1] != []


def test_a_run_in_memory_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    model = unspool.train(TEXTS, network=TINY, training=short(epochs=1))
    with pytest.raises(unspool.ConfigError, match="the folder of a run to resume, and it is None"):
        unspool.train(TEXTS, resume=True)
    assert list(tmp_path.iterdir()) == []
    assert model.history[-1]["kind"] == "finish"
    assert model.conditioned_on().history is model.history


def test_a_stopped_training_in_memory_returns_what_it_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    options: dict[str, Any] = {"network": TINY, "training": short()}
    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, out=tmp_path / "run", on_record=stop_at(2), **options)
    with pytest.warns(RuntimeWarning, match="stopped at step 2: the best model so far is returned"):
        model = unspool.train(TEXTS, on_record=stop_at(2), **options)
    assert same_parameters(model, unspool.load(tmp_path / "run"))  # not measured yet: those of step 2
    assert [line["step"] for line in model.history] == [1, 2]
    (tmp_path / "run").rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_a_training_in_memory_that_was_stopped_before_it_began_has_no_model() -> None:
    def stop(plan: Announcement) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, network=TINY, training=short(), on_start=stop, on_record=print)
