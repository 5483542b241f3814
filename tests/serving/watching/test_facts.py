"""What is said of a run: its state in all its lives, its plan, its figures and its commands."""

import json
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.serving.watching.lines import evaluation, step, text_of
from unspool._serving.watching.facts import (
    POINTS,
    Remembered,
    RunFacts,
    newest,
    seconds_left,
    small_curve,
    state_of,
)
from unspool._training.folder.sole_writer import sole_writer


@pytest.fixture
def run(models: Path, tmp_path: Path) -> Path:
    """A copy of a run that has finished."""
    return Path(shutil.copytree(models / "tiny", tmp_path / "tiny"))


def row_of(path: Path) -> dict[str, Any]:
    facts = RunFacts("tiny", path)
    facts.log.update()
    row = facts.row()
    json.dumps(row, allow_nan=False)
    return row


def unfinish(path: Path) -> None:
    metrics = path / "metrics.jsonl"
    metrics.write_bytes(
        b"".join(line for line in metrics.read_bytes().splitlines(True) if b'"finish"' not in line)
    )


@pytest.mark.parametrize(
    ("at_work", "trouble", "finished", "silence", "state"),
    [
        (True, None, False, 1e6, "training"),
        (True, "half a file", False, 0, "training"),  # it is being written
        (True, None, True, 0, "training"),  # it is about to be resumed
        (False, None, True, 0, "finished"),
        (False, None, False, 0, "stopped"),
        (False, "half a file", True, 0, "broken"),
        (None, None, False, 5, "training"),
        (None, None, False, 500, "stopped"),
        (None, None, True, 5, "finished"),
    ],
)
def test_states(
    at_work: bool | None, trouble: str | None, finished: bool, silence: float, state: str
) -> None:
    assert state_of(at_work, trouble, finished=finished, silence=silence) == state


def test_a_finished_run(run: Path) -> None:
    row = row_of(run)
    assert (row["state"], row["trouble"], row["resumable"], row["has_model"]) == (
        "finished",
        None,
        True,
        True,
    )
    assert row["network"]["cell"] == "lstm"
    assert row["network"]["hidden_size"] == 8
    assert (row["epoch"], row["epochs"], row["progress"], row["seconds_left"]) == (2, 2, 1.0, None)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    evaluations = [line for line in lines if line["kind"] == "evaluation"]
    assert row["best"] == min(line["bits_per_character"] for line in evaluations)
    assert row["held_out"] == evaluations[-1]["bits_per_character"]
    assert row["step"] == evaluations[-1]["step"]
    assert row["fit"]["verdict"] in ("underfitting", "fitting", "overfitting")
    assert row["changed"] == pytest.approx((run / "metrics.jsonl").stat().st_mtime, abs=1e-3)
    assert row["began"] <= row["changed"]


def test_a_run_is_training_as_long_as_its_process_has_the_folder(run: Path) -> None:
    unfinish(run)
    with sole_writer(run):
        row = row_of(run)
        assert row["state"] == "training"
        assert not row["resumable"]
    assert row_of(run)["state"] == "stopped"


def test_a_stopped_run_says_where_it_goes_on(run: Path) -> None:
    unfinish(run)
    row = row_of(run)
    assert (row["state"], row["resumable"], row["saved_step"]) == ("stopped", True, row["step"])
    (run / "checkpoint" / "last.safetensors").unlink()
    row = row_of(run)
    assert (row["resumable"], row["saved_step"]) == (True, None)  # it begins anew
    shutil.rmtree(run / "checkpoint")
    assert not row_of(run)["resumable"]  # a model that was saved elsewhere


@pytest.mark.parametrize("name", ["config.json", "checkpoint/last.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 99, b"[" * 9999])
def test_a_damaged_run_is_broken_in_words(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    row = row_of(run)
    assert row["state"] == "broken"
    assert Path(name).name in row["trouble"]
    assert not row["resumable"]
    assert row["best"] is not None  # its curve is whole


def test_a_hostile_configuration_does_no_harm(run: Path) -> None:
    config = json.loads((run / "config.json").read_text())
    config["data"]["description"] = "<b>" * 10_000
    (run / "config.json").write_text(json.dumps(config))
    assert len(row_of(run)["text"]) <= 300
    config["data"] = {"sizes": "many", "records": 7}
    (run / "config.json").write_text(json.dumps(config))
    assert row_of(run)["state"] == "broken"


def test_details_have_configuration_and_commands(run: Path) -> None:
    details = RunFacts("tiny", run).details()
    json.dumps(details, allow_nan=False)
    assert details["configuration"]["network"]["hidden_size"] == 8
    assert details["configuration"]["training"]["epochs"] == 2
    assert details["configuration"]["data"]["tokenizer"] == "char"
    assert details["configuration"]["data"]["training_records"] > 0
    assert details["finish"]["reason"] == "epochs"
    assert details["commands"]["more"] == f"unspool train --resume {run} CORPUS --epochs 4"
    assert details["commands"]["resume"] == f"unspool train --resume {run} CORPUS"


def test_a_command_is_safe_for_a_shell(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "-a 'b' $(c)"
    run.rename(path)
    command = RunFacts("x", path).details()["commands"]["resume"]
    assert shlex.split(command) == ["unspool", "train", "--resume", str(path), "CORPUS"]


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    path, reads = tmp_path / "file", []
    path.write_text("1")

    def read() -> str:
        reads.append(1)
        return path.read_text()

    remembered = Remembered(read, path)
    assert [remembered.get(), remembered.get(), len(reads)] == ["1", "1", 1]
    path.write_text("22")
    assert [remembered.get(), len(reads)] == ["22", 2]


def test_time_left() -> None:
    assert seconds_left(30, 0.25, 0) == 90
    assert seconds_left(30, 0.25, 40) == 50
    assert seconds_left(30, 0.25, 400) == 0
    assert seconds_left(30, None, 0) is None
    assert seconds_left(30, 0.0, 0) is None
    assert seconds_left(30, 7.0, 0) is None


def test_the_newest_loss_is_a_mean_of_the_last_steps() -> None:
    spans = [(1, number, 0.0, 0.0, float(number), 0.0, 0.0) for number in range(1, 101)]
    assert newest(spans) == pytest.approx(sum(range(85, 101)) / 16)
    assert newest(spans[:3]) == pytest.approx(2)
    assert newest([]) is None


@pytest.mark.parametrize("count", [0, 1, POINTS, POINTS + 1, 1000])
def test_a_small_curve_ends_where_the_curve_ends(count: int) -> None:
    spans = [(1, number, 0.0, 0.0, float(number), 0.0, 0.0) for number in range(1, count + 1)]
    points = small_curve(spans)
    assert len(points) <= POINTS
    width = -(-count // POINTS)  # the mean of neighbours is at their middle, the point at their end
    assert all(bits == step - (width - 1) / 2 for step, bits in points[:-1])
    assert [step for step, _ in points[-1:]] == [count][: len(points)]


def test_evaluations_without_held_out_text(run: Path) -> None:
    unfinish(run)
    (run / "metrics.jsonl").write_bytes(text_of(step(1), evaluation(1, None)))
    row = row_of(run)
    assert (row["held_out"], row["best"], row["held_out_curve"]) == (None, None, [])
    assert row["fit"]["verdict"] == "unknown"


def test_a_run_that_was_copied_began_at_the_latest_when_its_time_says(run: Path) -> None:
    places, now = run / "checkpoint" / "corpus.json", time.time()
    places.write_text("{}")
    os.utime(places, (now + 500, now + 500))
    row = row_of(run)
    assert row["began"] == pytest.approx(row["changed"] - row["seconds"], abs=1)
    os.utime(places, (now - 50_000, now - 50_000))
    assert row_of(run)["began"] == pytest.approx(now - 50_000, abs=1)
