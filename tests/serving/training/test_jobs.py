"""How a training is started, found, stopped and forgotten: its files and its command, without a process."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unspool._serving.training import jobs as room
from unspool._serving.training import trainings
from unspool._serving.training.desk import TrainingDesk
from unspool._serving.training.jobs import JOB, LOG, SETTINGS, Jobs, TakenError, TrainingJob, read_job
from unspool._serving.training.planned import planned
from unspool._serving.training.reading import Wishes
from unspool._system import lock


def job(**changes: Any) -> TrainingJob:
    facts: dict[str, Any] = {"format_version": 1, "corpus": "c", "file": ".corpora/c.txt", "text": "t",
                             "minutes": 2.0, "begun": 5.0,
                             "settings": {"document": True, "text": ["a"]}}  # fmt: skip
    return TrainingJob(**facts | changes)


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, Any]]]:
    """Keep the commands that would be started."""
    calls = list[tuple[list[str], dict[str, Any]]]()

    def popen(command: list[str], **how: Any) -> Any:
        calls.append((command, how))
        return SimpleNamespace(pid=4711, wait=lambda: calls.append(("waited", {})))

    (tmp_path / ".corpora").mkdir()
    (tmp_path / ".corpora" / "c.txt").write_text("a\n", "utf-8")
    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(room, "on_its_own", lambda: {"start_new_session": True})
    return calls


def test_a_training_is_a_command_with_its_settings(tmp_path: Path, started: list[Any]) -> None:
    Jobs(tmp_path).begin("-a", job())
    (command, how), (waited, _) = started
    words = ["train", "./-a/checkpoint/text/t", "--out", "./-a", "--config", f"./-a/{SETTINGS}"]
    assert command == [sys.executable, "-P", "-m", "unspool", *words]
    assert waited == "waited", "a process that ends leaves nothing in the system's table"
    assert (how["cwd"], how["stdin"], how["start_new_session"]) == (tmp_path, subprocess.DEVNULL, True)
    assert how["stdout"] is how["stderr"]
    assert how["env"] == {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    folder = tmp_path / "-a"
    assert (folder / LOG).read_text("utf-8") == f"$ unspool {' '.join(words)}\n"
    assert tomllib.loads((folder / SETTINGS).read_text("utf-8")) == {
        "minutes": 2.0, "document": True, "text": ["a"],
    }  # fmt: skip
    assert read_job(folder) == job(process=4711)
    assert Jobs(tmp_path).all() == {"-a": job(process=4711)}
    assert Jobs(tmp_path).named() == {"c"}


@pytest.mark.parametrize(
    ("minutes", "more"), [(None, []), (3.0, ["--minutes", "3"]), (0.25, ["--minutes", "0.25"])]
)
def test_a_training_goes_on_for_as_long_as_is_asked(
    minutes: float | None,
    more: list[str],
    tmp_path: Path,
    started: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room.time, "time", lambda: 77.0)
    (tmp_path / "a" / "checkpoint").mkdir(parents=True)
    (tmp_path / "a" / "config.json").write_text("{}", "utf-8")
    (tmp_path / "a" / LOG).write_text("what was said before", "utf-8")
    Jobs(tmp_path).resume("a", job(process=1, stopped=True), minutes)
    words = ["train", "--resume", "a", *more]
    assert started[0][0][4:] == words
    assert (tmp_path / "a" / LOG).read_text("utf-8") == f"$ unspool {' '.join(words)}\n"
    assert read_job(tmp_path / "a") == job(minutes=minutes or 2.0, begun=77.0, process=4711)


def test_one_that_never_began_begins(tmp_path: Path, started: list[Any]) -> None:
    (tmp_path / "a").mkdir()
    Jobs(tmp_path).resume("a", job(stopped=True), 9.0)
    assert started[0][0][4:6] == ["train", "a/checkpoint/text/t"]
    found = read_job(tmp_path / "a")
    assert (found.minutes, found.stopped, found.process) == (9.0, False, 4711)


def test_a_run_and_one_that_is_running_are_not_begun_again(
    tmp_path: Path, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "config.json").write_text("{}", "utf-8")
    with pytest.raises(TakenError):
        Jobs(tmp_path).begin("a", job())
    pauses: list[float] = []
    monkeypatch.setattr(room.time, "sleep", pauses.append)
    monkeypatch.setattr(room, "lock", lambda *_, wait: wait)
    (tmp_path / "a" / "checkpoint").mkdir()
    (tmp_path / "a" / LOG).write_text("said", "utf-8")
    with pytest.raises(TakenError):
        Jobs(tmp_path).resume("a", job(), None)
    assert (started, pauses) == ([], [0.01] * 20)
    assert (tmp_path / "a" / LOG).read_text("utf-8") == "said", "what it says is kept"


def running(folder: Path) -> Any:
    """Lock the log of a training, as its process does."""
    (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
    log = (folder / LOG).open("ab")
    assert lock(log.fileno(), wait=False)
    return log


def test_what_runs_is_found_and_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(room, "interrupt", asked.append)
    places = Jobs(tmp_path)
    for name in ("b", "a", ".hidden"):
        (tmp_path / name / "checkpoint").mkdir(parents=True)
        (tmp_path / name / JOB).write_text(json.dumps(vars(job(process=7, settings={}))), "utf-8")
    (tmp_path / "broken" / "checkpoint").mkdir(parents=True)
    (tmp_path / "broken" / JOB).write_text("{", "utf-8")
    (tmp_path / "file").write_text("x", "utf-8")
    assert list(places.all()) == ["a", "b"]
    with running(tmp_path / "a"):
        assert places.running() == ["a"]
        assert not places.forget("a")
        assert places.stop("a", job(process=7))
        assert not places.stop("a", job(process=None))
        assert not places.stop("b", job(process=7))
    assert (asked, read_job(tmp_path / "a").stopped) == ([7], True)
    assert places.running() == []
    assert places.forget("a")
    assert not (tmp_path / "a").exists()
    (tmp_path / "b" / "config.json").write_text("{}", "utf-8")
    assert not places.forget("b")
    assert Jobs(tmp_path / "nothing").all() == {}


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("My names (all).txt", "my-names-all"), ("a.b.c", "a"), ("É_x", "é_x"), ("--", "training"),
        ("CON.txt", "training"), ("", "training"), ("x" * 47 + "-yz", "x" * 47), ("x" * 60, "x" * 48),
        ("taken", "taken-3"),
    ],
)  # fmt: skip
def test_a_run_is_named_after_its_text(wanted: str, name: str, tmp_path: Path) -> None:
    for taken in ("taken", "taken-2"):
        (tmp_path / taken).mkdir()
    assert Jobs(tmp_path).free_name(wanted) == name


def test_a_training_that_is_asked_to_stop_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = TrainingDesk(tmp_path)
    (tmp_path / "a" / "checkpoint").mkdir(parents=True)
    (tmp_path / "a" / JOB).write_text(json.dumps(vars(job())), "utf-8")
    assert trainings._stop(desk, "a") == {"name": "a", "state": "removed", "running": False}
    (tmp_path / "a" / "checkpoint").mkdir(parents=True)
    (tmp_path / "a" / JOB).write_text(json.dumps(vars(job(stopped=True))), "utf-8")
    (tmp_path / "a" / "config.json").write_text("{}", "utf-8")
    assert (trainings._stop(desk, "a")["state"], (tmp_path / "a").exists()) == ("stopped", True)


def test_the_states_come_by_when_they_began(tmp_path: Path) -> None:
    for name, begun in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        (tmp_path / name / "checkpoint").mkdir(parents=True)
        (tmp_path / name / JOB).write_text(json.dumps(vars(job(begun=begun))), "utf-8")
    states = TrainingDesk(tmp_path).states()
    assert [state["name"] for state in states] == ["b", "c", "a"]


def test_what_keeps_a_training_from_its_start_is_told() -> None:
    from unspool._serving.refusals import RefusedError

    for error, status, message, code in (
        (TakenError("a"), 409, "there is a run called 'a' already: choose another name", "name_taken"),
        (OSError(28, "No space"), 507, "the training cannot begin: No space", "no_space"),
        (OSError("odd"), 507, "the training cannot begin: odd", "no_space"),
    ):
        with pytest.raises(RefusedError) as refused, trainings._told("a"):
            raise error
        found = refused.value
        assert (found.status, found.message, found.code) == (status, message, code)
        assert found.param == ("name" if status == 409 else None)
    with pytest.raises(KeyError), trainings._told("a"):
        raise KeyError


def test_a_plan_says_what_a_training_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspool import NetworkConfig, TrainingConfig
    from unspool._network.parameters import count_parameters
    from unspool._serving.training import planned as place

    asked: dict[str, Any] = {}
    network = NetworkConfig(cell="gru", hidden_size=9, num_layers=2)
    basis = SimpleNamespace(facts=SimpleNamespace(vocab_size=31))
    plan = SimpleNamespace(network=network, training=TrainingConfig(validation_fraction=0.25), basis=basis,
                           best=SimpleNamespace(passes=3.5), reasons=("a", "b"))  # fmt: skip

    def plan_training(records: Any, **options: Any) -> Any:
        asked.update(options, texts=[record.text for record in records])
        return plan

    monkeypatch.setattr(place, "plan_training", plan_training)
    (tmp_path / "a.csv").write_text("x,y\n1,one\n2,two\n", "utf-8")
    wishes = Wishes(column="y", minutes=2.0, tokenizer="word", document=False)
    parameters = count_parameters(NetworkConfig(cell="gru", hidden_size=9, num_layers=2, vocab_size=31))
    assert planned(tmp_path / "a.csv", wishes) == {
        "minutes": 2.0, "cell": "gru", "hidden_size": 9, "num_layers": 2, "symbols": 31,
        "parameters": parameters, "passes": 3.5, "held_out": 0.25, "reasons": ["a", "b"],
    }  # fmt: skip
    assert asked == {"minutes": 2.0, "tokenizer": "word", "texts": ["one", "two"]}
