"""A run that goes on: as it was, to the last bit, or with other values of how it learns."""

import json
import math
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._running.resuming import resume_training
from unspool._training.checkpoints import read_progress
from unspool._training.records import EvaluationRecord, StepRecord, TrainingRecord

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
TEXTS = [f"{a} {b} {c}" for a in WORDS for b in WORDS[:4] for c in WORDS[4:]]
OPTIONS: dict[str, Any] = {"hidden_size": 8, "batch_size": 4, "sequence_length": 16, "threads": 1}


def stop_at(step: int) -> Callable[[TrainingRecord], None]:
    """Press Ctrl-C when a step is done."""

    def press(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return press


def lines_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text("utf-8").splitlines())
    return [line for line in lines if line["kind"] == kind]


def same(one: unspool.Generator, other: unspool.Generator) -> bool:
    return all(np.array_equal(one.parameters[name], other.parameters[name]) for name in one.parameters)


def progress(folder: Path) -> Any:
    return read_progress(folder / "checkpoint" / "last.safetensors")


def cosine(step: int, total: int, highest: float) -> float:
    """Compute the rate of a step by the usual formula: a fiftieth of the run up, then down to a twentieth."""
    done = (step - 0.5) / total
    if done < 0.02:
        return highest * done / 0.02
    return highest * (0.05 + 0.95 * (1 + math.cos(math.pi * (done - 0.02) / 0.98)) / 2)


@pytest.mark.parametrize("stopped", [None, 7])
def test_more_epochs_go_on_with_the_schedule_of_the_whole_run(tmp_path: Path, stopped: int | None) -> None:
    out, rate = tmp_path / "run", 0.02
    if stopped is None:
        unspool.train(TEXTS, out=out, epochs=2, **OPTIONS)
    else:
        with pytest.raises(KeyboardInterrupt):
            unspool.train(TEXTS, out=out, epochs=2, on_record=stop_at(stopped), **OPTIONS)
    before = lines_of(out, "step")
    records: list[Any] = []
    model = unspool.train(TEXTS, out=out, resume=True, epochs=5, on_record=records.append)
    steps = lines_of(out, "step")
    per_epoch = sum(line["epoch"] == 1 for line in steps)
    assert [line["step"] for line in steps] == list(range(1, 5 * per_epoch + 1))
    assert steps[: len(before)] == before
    for line in steps[len(before) :]:
        assert line["learning_rate"] == pytest.approx(cosine(line["step"], 5 * per_epoch, rate))
    assert len({line["loss"] for line in steps}) == len(steps)  # no epoch reads in the order of another
    assert (
        model.training["epochs"] == json.loads((out / "config.json").read_text())["training"]["epochs"] == 5
    )
    (change,) = lines_of(out, "change")
    assert (change["step"], change["changes"]) == (len(before), {"epochs": [2, 5]})
    assert [line["reason"] for line in lines_of(out, "finish")] == ["epochs"]
    evaluations = [record for record in records if isinstance(record, EvaluationRecord)]
    for evaluation in evaluations:  # the mean over the steps of its epoch alone
        losses = [line["loss"] for line in steps if line["epoch"] == evaluation.epoch]
        assert min(losses) <= evaluation.training_loss <= max(losses)
    assert unspool.load(out).training["epochs"] == 5


def test_a_changed_run_that_is_stopped_again_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    unspool.train(TEXTS, out=whole, epochs=1, **OPTIONS)
    shutil.copytree(whole, parts)
    changes: dict[str, Any] = {"epochs": 3, "learning_rate": 0.01, "dropout": 0.1, "weight_decay": 0.0}
    one = unspool.train(TEXTS, out=whole, resume=True, **changes)
    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, out=parts, resume=True, on_record=stop_at(progress(parts).step + 3), **changes)
    assert same(one, resume_training(parts, records=TEXTS))
    assert [len(lines_of(folder, "change")) for folder in (whole, parts)] == [1, 1]
    assert unspool.load(parts).network.dropout == 0.1


def test_no_change_changes_nothing(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    one = unspool.train(TEXTS, out=whole, epochs=2, **OPTIONS)
    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, out=parts, epochs=2, on_record=stop_at(5), **OPTIONS)
    assert same(one, unspool.train(TEXTS, out=parts, resume=True, epochs=2, learning_rate=0.02, threads=2))
    assert lines_of(parts, "change") == []


def test_a_stop_after_the_change_keeps_the_best_model(tmp_path: Path) -> None:
    out = tmp_path / "run"
    best = unspool.train(TEXTS, out=out, epochs=2, **OPTIONS)
    done = progress(out)
    assert done.best_step == done.step
    with pytest.raises(KeyboardInterrupt):
        unspool.train(
            TEXTS, out=out, resume=True, epochs=4, learning_rate=0.5, on_record=stop_at(done.step + 2)
        )
    assert same(best, unspool.load(out))
    assert progress(out).step == done.step + 2
    assert (progress(out).best_step, progress(out).best) == (done.best_step, done.best)


def test_patience_does_not_begin_anew(tmp_path: Path) -> None:
    """The rate is so low that nothing improves, or so high that all is ruined: count what came of it."""
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, epochs=2, **OPTIONS)
    seen: list[EvaluationRecord] = []

    def stop(record: TrainingRecord) -> None:
        if isinstance(record, EvaluationRecord):
            seen.append(record)
            if len(seen) == 2:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        unspool.train(
            TEXTS,
            out=out,
            resume=True,
            epochs=50,
            learning_rate=1.0,
            patience=5,
            evaluate_every=3,
            on_record=stop,
        )
    assert not any(record.best for record in seen)
    resume_training(out, records=TEXTS)
    after = [line["best"] for line in lines_of(out, "evaluation")]
    assert after[-5:] == [False] * 5
    assert after[-6]
    assert lines_of(out, "finish")[0]["reason"] == "patience"


def test_minutes_are_not_granted_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, epochs=None, **OPTIONS, training=unspool.TrainingConfig(minutes=0.02))
    ended = progress(out)
    assert ended.finished == "minutes"
    records: list[TrainingRecord] = []
    resume_training(out, records=TEXTS, on_record=records.append)
    assert [record.kind for record in records] == ["finish"]
    for changes in ({"learning_rate": 0.01}, {"minutes": 0.01}):
        with pytest.raises(
            unspool.ConfigError, match=r"minutes of the run: expected more than the .*--minutes"
        ):
            unspool.train(TEXTS, out=out, resume=True, **changes)
    assert progress(out) == ended
    unspool.train(TEXTS, out=out, resume=True, minutes=0.04)
    longer = progress(out)
    assert longer.step > ended.step
    assert 0.02 * 60 <= longer.seconds < 0.04 * 60 + 1
    epochs = longer.epoch + 2
    model = unspool.train(TEXTS, out=out, resume=True, epochs=epochs)
    assert (model.training["epochs"], model.training["minutes"]) == (epochs, None)
    assert progress(out).epoch == epochs


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"epochs": 1}, r"epochs of the run: expected more than the 2 that are done.*got 1; .*--epochs 3"),
        ({"learning_rate": 0.1}, r"epochs of the run: .*--epochs 4"),
        ({"batch_size": 8}, r"batch_size is fixed .*expected 4, got 8.*--init-from"),
        ({"seed": 1}, "seed is fixed"),
        ({"optimizer": "sgd", "epochs": 4}, "optimizer is fixed"),
        ({"validation_fraction": 0.2}, "validation_fraction is fixed"),
        ({"cell": "gru"}, "cell is fixed"),
        ({"epochs": 0}, "epochs must be"),
        ({"hiden_size": 8}, "did you mean 'hidden_size'"),
    ],
)
def test_what_cannot_be_changed_is_refused_and_leaves_the_run_as_it_was(
    tmp_path: Path, changes: dict[str, Any], match: str
) -> None:
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, epochs=2, **OPTIONS)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(unspool.ConfigError, match=match):
        unspool.train(TEXTS, out=out, resume=True, **changes)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


class Killed(BaseException):
    """The end of a process at this place."""


def test_a_change_that_is_killed_anywhere_leaves_a_good_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = tmp_path / "start"
    unspool.train(TEXTS, out=start, epochs=1, **OPTIONS)
    shutil.copytree(start, tmp_path / "whole")
    whole = unspool.train(TEXTS, out=tmp_path / "whole", resume=True, epochs=2)
    steps, replace = lines_of(tmp_path / "whole", "step"), os.replace
    outcomes = set()
    for place in range(5):
        out = tmp_path / str(place)
        shutil.copytree(start, out)
        calls = 0

        def replace_or_die(*names: Any, place: int = place, **keywords: Any) -> None:
            nonlocal calls
            calls += 1
            if calls > place:
                raise Killed
            replace(*names, **keywords)

        monkeypatch.setattr(os, "replace", replace_or_die)
        with pytest.raises(Killed):
            unspool.train(TEXTS, out=out, resume=True, epochs=2, on_record=stop_at(progress(out).step + 1))
        monkeypatch.undo()
        assert unspool.load(out).generate(max_new_tokens=3)
        plain = resume_training(out, records=TEXTS)
        outcomes.add(plain.training["epochs"])
        assert same(whole, plain if plain.training["epochs"] == 2 else
                    unspool.train(TEXTS, out=out, resume=True, epochs=2))  # fmt: skip
        assert len(lines_of(out, "change")) == 1
        assert [line["loss"] for line in lines_of(out, "step")] == [line["loss"] for line in steps]
    assert outcomes == {1, 2}


def test_other_texts_are_refused_by_what_they_are(tmp_path: Path) -> None:
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, epochs=1, **OPTIONS)
    with pytest.raises(unspool.ArtifactError, match=r"texts of the run in .*expected .* texts to learn from"):
        unspool.train(TEXTS[1:], out=out, resume=True, epochs=2)
    with pytest.raises(unspool.ArtifactError, match="but others or in another order"):
        unspool.train(TEXTS[::-1], out=out, resume=True, epochs=2)
    with pytest.raises(unspool.ArtifactError) as caught:
        unspool.train([*TEXTS, "Ж"], out=out, resume=True, epochs=2)
    assert caught.value.got == f"an unknown symbol 'Ж' (U+0416) at character 1 of record {len(TEXTS) + 1}"
    assert caught.value.hint == (
        "resume with the same texts, or start another run from this model (--init-from)"
    )  # and not --unknown, which a training has not


def test_a_prompt_of_the_samples_with_an_unknown_symbol_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        unspool.UnknownSymbolError, match=r"^the prompt of the samples, 'Ж': unknown .*; change it$"
    ):
        unspool.train(TEXTS, out=tmp_path / "run", epochs=1, sample_prompts=["", "Ж"], **OPTIONS)


def test_a_whole_index_of_the_texts_is_not_made_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    unspool.train(TEXTS, out=run, epochs=1, novelty_index=True, **OPTIONS)
    index = run / "novelty.safetensors"
    before = index.stat().st_ino, index.stat().st_mtime_ns
    unspool.train(TEXTS, out=run, resume=True, epochs=2)
    assert (index.stat().st_ino, index.stat().st_mtime_ns) == before
    index.write_bytes(b"broken")
    assert unspool.train(TEXTS, out=run, resume=True, epochs=3).novelty_index is not None
