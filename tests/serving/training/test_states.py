"""The state of a training by what is in its folder, worked out by hand."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from unspool._serving.training import states
from unspool._serving.training.jobs import JOB, LOG, TrainingJob, is_running, is_unborn
from unspool._serving.training.states import last_records, log_lines, state_of

STEP = {"kind": "step", "step": 7, "epoch": 2, "progress": 0.25, "seconds": 3.5, "characters_per_second": 9.0,
        "bits_per_character": 2.5}  # fmt: skip
EVALUATION = {"kind": "evaluation", "step": 6, "bits_per_character": 2.25}
SAMPLES = [{"kind": "sample", "step": 6, "temperature": t, "text": f"a{t}"} for t in (0.3, 0.8, 1.0)]
FINISH = {"kind": "finish", "step": 8, "seconds": 4.5, "best_bits_per_character": 2.125}
KILLED = "its process ended without a word, as one does that is killed or runs out of memory"
KEPT = "; what was saved is there, and the training can go on"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoint").mkdir()
    return tmp_path


def written(
    folder: Path, *lines: dict[str, Any], log: str = "", born: bool = True, when: float | None = None
) -> None:
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    (folder / LOG).write_text(log, "utf-8")
    if born:
        (folder / "config.json").write_text("{}", "utf-8")
    if when is not None:
        os.utime(folder / "metrics.jsonl", (when, when))


def job(**changes: Any) -> TrainingJob:
    facts: dict[str, Any] = {"format_version": 1, "corpus": "c", "file": "f", "text": "t", "minutes": 2.0,
                             "begun": 1000.0, "process": 77}  # fmt: skip
    return TrainingJob(**facts | changes)


def seen(folder: Path, monkeypatch: pytest.MonkeyPatch, *, running: bool, **changes: Any) -> dict[str, Any]:
    monkeypatch.setattr(states, "is_running", lambda place: running if place == folder else not running)
    return state_of("name", folder, job(**changes))


def test_a_training_that_goes_on_tells_its_figures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(folder, EVALUATION, *SAMPLES, STEP, log="$ unspool train\n\n a\x1b\n")
    (folder / "model.safetensors").write_bytes(b"x")
    assert seen(folder, monkeypatch, running=True) == {
        "name": "name", "state": "training", "running": True, "process": 77, "text": "t", "corpus": "c",
        "minutes": 2.0, "begun": 1000.0, "has_model": True, "can_resume": False, "progress": 0.25, "step": 7,
        "epoch": 2, "seconds": 3.5, "characters_per_second": 9.0, "training_bits": 2.5, "bits": 2.25,
        "samples": [{"temperature": t, "text": f"a{t}"} for t in (0.3, 0.8, 1.0)], "problem": None,
        "log": ["$ unspool train", " a␛"],
    }  # fmt: skip


def test_a_training_that_has_begun_tells_nothing_yet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(folder, monkeypatch, running=True, process=None)
    assert found == {
        "name": "name", "state": "starting", "running": True, "process": None, "text": "t", "corpus": "c",
        "minutes": 2.0, "begun": 1000.0, "has_model": False, "can_resume": False, "progress": None,
        "step": None, "epoch": None, "seconds": None, "characters_per_second": None, "training_bits": None,
        "bits": None, "samples": [], "problem": None, "log": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "log", "born", "running", "stopped", "state", "problem"),
    [
        ([STEP], "", True, True, False, "training", None),
        ([STEP], "", False, True, False, "starting", None),
        ([STEP, FINISH], "", True, True, False, "finishing", None),
        ([STEP, FINISH], "unspool: x", True, False, True, "finished", None),
        ([STEP], "", True, False, True, "stopped", None),
        ([STEP], "Stopped and saved\na\nb\n", True, False, False, "stopped", None),
        ([STEP], "Stopped and saved\na\nb\nc\n", True, False, False, "failed", KILLED + KEPT),
        ([STEP], "a Stopped\n", True, False, False, "failed", KILLED + KEPT),
        ([], "", False, False, False, "failed", KILLED),
        ([], "unspool: first\nunspool: last\nmore\n", False, False, False, "failed", "last"),
    ],
)
def test_the_state_is_told_by_the_folder(  # noqa: PLR0917 - a table
    lines: list[dict[str, Any]],
    log: str,
    born: bool,
    running: bool,
    stopped: bool,
    state: str,
    problem: str | None,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written(folder, *lines, log=log, born=born)
    found = seen(folder, monkeypatch, running=running, stopped=stopped)
    assert (found["state"], found["problem"], found["running"]) == (state, problem, running)
    assert found["can_resume"] == (not running and state != "finished")
    assert found["progress"] == (1.0 if state == "finished" else 0.25 if born else None)


def test_figures_of_the_end_come_before_those_of_steps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(folder, EVALUATION, STEP, FINISH)
    found = seen(folder, monkeypatch, running=False)
    assert (found["seconds"], found["bits"], found["step"]) == (4.5, 2.125, 7)


@pytest.mark.parametrize(("when", "state"), [(999.0, "starting"), (1000.0, "training"), (1001.0, "training")])
def test_the_figures_of_an_earlier_part_are_not_those_of_this_one(
    when: float, state: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, STEP, when=when)
    assert seen(folder, monkeypatch, running=True)["state"] == state
    (folder / "metrics.jsonl").unlink()
    assert seen(folder, monkeypatch, running=True)["state"] == "training"


def test_the_samples_are_those_of_the_last_step_that_has_any(folder: Path) -> None:
    older = [{**each, "step": 3} for each in SAMPLES]
    for last in (SAMPLES, SAMPLES[:1], [*SAMPLES, {**SAMPLES[0], "temperature": 1.5}]):
        written(folder, EVALUATION, *older, {**EVALUATION, "step": 6, "bits_per_character": 2.0}, *last, STEP)
        found = last_records(folder / "metrics.jsonl")
        assert found["samples"] == last
        assert (found["step"], found["evaluation"]["bits_per_character"]) == (STEP, 2.0)
        assert set(found) == {"samples", "sample", "step", "evaluation"}
    written(folder, *older[:1], *SAMPLES, EVALUATION, STEP)  # three are all that the page asks for
    assert last_records(folder / "metrics.jsonl")["samples"] == SAMPLES


def test_broken_lines_and_other_kinds_are_passed_over(folder: Path) -> None:
    place = folder / "metrics.jsonl"
    place.write_text(
        f'{json.dumps(STEP)}\n{{"kind": "checkpoint"}}\n{{"kind": "step", "st\n{{"kind": "other"}}', "utf-8"
    )
    assert last_records(place) == {"step": STEP, "samples": []}
    assert last_records(folder / "nothing") == {"samples": []}


def test_a_file_is_read_from_its_end_and_not_beyond_a_limit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, FINISH, *[{**STEP, "step": number} for number in range(50)])
    place = folder / "metrics.jsonl"
    size, line = place.stat().st_size, len(json.dumps({**STEP, "step": 49})) + 1
    for part in (1, 7, line, size, size + 1):
        monkeypatch.setattr(states, "PART", part)
        assert last_records(place) == {"finish": FINISH, "step": {**STEP, "step": 49}, "samples": []}
    monkeypatch.setattr(states, "MOST", size - 1)
    assert last_records(place) == {"step": {**STEP, "step": 49}, "samples": []}
    monkeypatch.setattr(states, "MOST", size)
    assert last_records(place)["finish"] == FINISH


def test_the_log_is_its_last_lines_without_control_characters(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = folder / LOG
    assert log_lines(log) == []
    log.write_bytes(b" \n\n  two \t\nb\xff\x1b\n")
    assert log_lines(log) == ["  two", "b\ufffd␛"]
    monkeypatch.setattr(states, "LOG_END", 5)
    log.write_bytes(b"one\ntwo\n")
    assert log_lines(log) == ["two"]
    monkeypatch.setattr(states, "LOG_END", 6)
    assert log_lines(log) == ["e", "two"]
    written(folder, log="".join(f"{number}\n" for number in range(20)))
    monkeypatch.undo()
    assert seen(folder, monkeypatch, running=True)["log"] == [str(number) for number in range(8, 20)]


def test_a_folder_without_a_run_has_at_most_what_a_start_left(folder: Path) -> None:
    assert is_unborn(folder)
    (folder / JOB).write_text("{}", "utf-8")
    assert is_unborn(folder)
    (folder / ".config.json.0123456789abcdef.tmp").write_text("{", "utf-8")
    (folder / "config.json").write_text("{}", "utf-8")
    assert not is_unborn(folder)
    assert not is_unborn(folder / "nothing")
    assert not is_running(folder)
