import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures.labels import check_labels
from tests.training.folder.test_loss_curve import points
from unspool._artifacts import load_model
from unspool._errors import ArtifactError
from unspool._pictures.colours import BLUE, ORANGE
from unspool._text.tokenizers.registry import CharTokenizer
from unspool._training.checkpoints import Checkpoint
from unspool._training.folder.model_card import stream_sizes
from unspool._training.folder.run_folder import RunFolder
from unspool._training.loop import train_loop
from unspool._training.records import EvaluationRecord, StopRecord
from unspool._training.task import TrainingTask

TOKENIZER = CharTokenizer(tuple("abcdefgh"))
MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]
FILES = {
    "README.md",
    "checkpoint",
    "config.json",
    "generation_config.json",
    "loss.svg",
    "metrics.jsonl",
    "model.safetensors",
    "tokenizer.json",
}


def create(folder: Path, task: TrainingTask, **options: Any) -> RunFolder:
    data = {"description": "the alphabet, drawn", "sizes": stream_sizes(task.training, task.validation)}
    return RunFolder.create(
        folder, network=task.engine.config, training=task.config, tokenizer=TOKENIZER, data=data, **options
    )


def train(run: RunFolder, task: TrainingTask, start: Checkpoint, **options: Any) -> None:
    for record in train_loop(task, run.start(start), sink=run, **options):
        run.record(record)


def test_a_finished_run_is_a_model_folder(make_task: MakeTask, begin: Begin, tmp_path: Path) -> None:
    task = make_task()
    folder = tmp_path / "runs" / "alphabet"
    train(create(folder, task), task, begin(task))
    assert {path.name for path in folder.iterdir()} == FILES
    saved = load_model(folder)
    assert saved.network == task.engine.config
    assert saved.tokenizer.symbols == TOKENIZER.symbols
    assert saved.training["learning_rate"] == task.config.learning_rate
    assert saved.data["description"] == "the alphabet, drawn"
    assert saved.generation_config["temperature"] == 0.8
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert [line["kind"] for line in lines][-2:] == ["evaluation", "finish"]
    assert 'class="curve"' in (folder / "loss.svg").read_text("utf-8")


@pytest.mark.parametrize("stop", [None, 6])
def test_the_picture_has_a_point_of_each_curve_where_it_was_measured(
    make_task: MakeTask, begin: Begin, tmp_path: Path, stop_at: Any, stop: int | None
) -> None:
    task, folder = make_task(epochs=2, evaluate_every=5), tmp_path / "run"
    if stop is None:
        train(create(folder, task), task, begin(task))
    else:
        train(create(folder, task), task, begin(task), stop_requested=stop_at(stop))
        train(RunFolder.reopen(folder), task, begin(task))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    picture = check_labels((folder / "loss.svg").read_text("utf-8"))
    for kind, colour in (("step", BLUE), ("evaluation", ORANGE)):
        bits = [line["bits_per_character"] for line in lines if line["kind"] == kind]
        heights = [-y for _, y in points(picture, colour)]
        assert len(heights) == len(bits)
        assert np.argsort(heights).tolist() == np.argsort(bits).tolist()


def test_the_card_says_what_the_model_is(make_task: MakeTask, begin: Begin, tmp_path: Path) -> None:
    task = make_task(network={"embedding_size": 8, "residual": True, "tied_output": True})
    train(create(tmp_path / "alphabet", task), task, begin(task))
    card = (tmp_path / "alphabet" / "README.md").read_text("utf-8")
    evaluations = [
        line
        for line in map(json.loads, (tmp_path / "alphabet" / "metrics.jsonl").read_text().splitlines())
        if line["kind"] == "evaluation" and line["best"]
    ]
    for part in (
        "# alphabet",
        "LSTM",
        "(lstm, 2 × 8, residual, tied output)",
        "character by character",
        "the alphabet, drawn",
        f"| training | 40 | {len(task.training.ids)} | {task.training.characters} |",
        "unspool sample alphabet",
        f"| held-out text, bits per character | {evaluations[-1]['bits_per_character']:.3f} |",
        "## Limits",
    ):
        assert part in card


def test_a_reopened_run_goes_on_as_if_it_had_not_stopped(
    make_task: MakeTask, begin: Begin, stop_at: Any, tmp_path: Path
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    task = make_task()
    train(create(whole, task), task, begin(task))
    train(create(stopped, task), task, begin(task), stop_requested=stop_at(17))
    assert load_model(stopped).network == task.engine.config  # what is there can be used
    again = RunFolder.reopen(stopped)
    assert (again.network, again.training, again.data["description"]) == (
        task.engine.config,
        task.config,
        "the alphabet, drawn",
    )
    train(again, task, begin(task))
    assert (stopped / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (stopped / "loss.svg").read_bytes() == (whole / "loss.svg").read_bytes()


def test_a_run_without_a_checkpoint_starts_again(make_task: MakeTask, begin: Begin, tmp_path: Path) -> None:
    task = make_task()
    run = create(tmp_path / "run", task)
    for record in list(train_loop(task, begin(task), sink=run))[:5]:
        run.record(record)
    (tmp_path / "run" / "checkpoint" / "last.safetensors").unlink()
    again = RunFolder.reopen(tmp_path / "run")
    assert again.start(begin(task)).progress.step == 0
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == b""


def test_a_folder_in_use_is_refused_unless_it_may_be_overwritten(
    make_task: MakeTask, begin: Begin, tmp_path: Path
) -> None:
    task = make_task(epochs=1)
    folder = tmp_path / "run"
    train(create(folder, task), task, begin(task))
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match=r"already holds a run; .*--overwrite"):
        create(folder, task)
    create(folder, task, overwrite=True)
    assert {path.name for path in folder.iterdir()} == {
        "checkpoint",
        "config.json",
        "generation_config.json",
        "notes.txt",
        "tokenizer.json",
    }
    assert not any((folder / "checkpoint").iterdir())


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["b.txt"], "b.txt"),
        (["c", "b", "a"], "a, b, c"),
        (["d", "c", "b", "a"], "a, b, c and more"),
    ],
)
def test_strangers_in_a_folder_are_named(
    make_task: MakeTask, tmp_path: Path, names: list[str], shown: str
) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ArtifactError) as raised:
        create(tmp_path, make_task())
    assert str(raised.value) == (
        f"{tmp_path}: expected an empty folder for a new run, got {shown}; use another --out, or --overwrite"
    )


def test_what_a_run_left_that_died_at_its_birth_is_no_obstacle(make_task: MakeTask, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / ".config.json.0a1b2c3d4e5f.tmp").write_text("{")
    create(tmp_path, make_task())
    written = {"config.json", "generation_config.json", "tokenizer.json"}
    assert {path.name for path in tmp_path.iterdir()} == written


def test_a_folder_without_a_run_cannot_be_reopened(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no run to resume"):
        RunFolder.reopen(tmp_path)
    with pytest.raises(ArtifactError, match="no run to resume"):
        RunFolder.reopen(tmp_path / "nowhere")


def test_a_file_in_the_place_of_the_folder_is_one_clear_error(make_task: MakeTask, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(ArtifactError, match="cannot write"):
        create(tmp_path / "run", make_task())


def test_a_full_disk_stops_the_run_and_what_was_saved_goes_on(
    make_task: MakeTask, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task(checkpoint_seconds=0.0)
    whole, full = tmp_path / "whole", tmp_path / "full"
    train(create(whole, task), task, begin(task))
    run = create(full, task)
    honest, calls = os.fsync, iter(range(1000))

    def fill(descriptor: int) -> None:
        if next(calls) >= 40:
            raise OSError(errno.ENOSPC, "No space left on device")
        honest(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fill)
        with pytest.raises((ArtifactError, OSError), match="No space left") as caught:
            train(run, task, begin(task))
    assert isinstance(caught.value, ArtifactError)
    again = RunFolder.reopen(full)
    assert again.start(begin(task)).progress.step > 3
    train(again, task, begin(task))
    assert (full / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


EVALUATION = EvaluationRecord(
    step=1, epoch=1, training_loss=1.0, training_bits_per_character=1.0, loss=None, bits_per_character=None,
    perplexity=None, best=True, seconds=0.1,
)  # fmt: skip


@pytest.mark.parametrize(
    "write",
    [
        lambda run, start: run.record(EVALUATION),
        lambda run, start: run.record(StopRecord(step=1, epoch=1, seconds=0.1)),  # only the picture
        lambda run, start: run.save_checkpoint(start),
        lambda run, start: run.save_model(start.parameters, EVALUATION),
    ],
    ids=["metrics", "picture", "checkpoint", "model"],
)
def test_a_folder_that_is_gone_is_said_to_be_and_not_made_again(
    make_task: MakeTask, begin: Begin, tmp_path: Path, write: Callable[[RunFolder, Checkpoint], None]
) -> None:
    task = make_task()
    run, start = create(tmp_path / "run", task), begin(task)
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(ArtifactError, match="its folder is gone; it was removed or renamed while"):
        write(run, start)
    assert list(tmp_path.iterdir()) == []


def test_metrics_are_on_the_disk_before_the_checkpoint_that_follows_them(
    make_task: MakeTask, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task()
    run, start = create(tmp_path / "run", task), begin(task)
    run.record(EVALUATION)
    synced, honest = [], os.fsync

    def sync(descriptor: int) -> None:
        places = {path.stat().st_ino: path.name for path in tmp_path.rglob("*")}
        synced.append(places[os.fstat(descriptor).st_ino])
        honest(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    run.save_checkpoint(start)
    assert synced[:2] == ["metrics.jsonl", "run"]  # in which the folder of checkpoints is new
    assert synced[2].startswith(".last.safetensors.")
    assert synced[3:] == ["checkpoint"]
