"""Several processes train as one would: here two and four of them, connected by gloo."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unspool._training.stepping.ranks import NAMES, joined, own_processors, several

pytest.importorskip("torch")

NETWORK = ["--cell", "gru", "--num-layers", "2", "--hidden-size", "8"]
DROPOUTS = ["--dropout", "0.2", "--recurrent-dropout", "0.1"]
WINDOW = ["--batch-size", "6", "--sequence-length", "8"]
RATE = ["--learning-rate", "0.01", "--threads", "1", "--evaluate-every", "20"]
TINY = [*NETWORK, *DROPOUTS, *WINDOW, *RATE]
STEPS = 49  # of an epoch
WORDS = ("oil", "team", "rain", "price", "rises", "wins", "falls", "ends", "slowly", "again")
ENDED = "a process of this training has ended before the others; the last checkpoint is kept"

Process = "subprocess.Popen[str]"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small corpus."""
    random = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("corpus") / "texts.txt"
    path.write_text("".join(" ".join(random.choice(WORDS, 3)) + "\n" for _ in range(160)), "utf-8")
    return path


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def start(count: int, *arguments: str | Path, own: dict[int, list[str]] | None = None) -> "list[Any]":
    """Start processes as torchrun does; `own` has further arguments of some of them."""
    port = str(free_port())
    processes = []
    for number in range(count):
        said = {"RANK": number, "LOCAL_RANK": number, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        places = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        command = [
            sys.executable,
            "-m",
            "unspool",
            "train",
            *map(str, arguments),
            *(own or {}).get(number, []),
        ]
        processes.append(
            subprocess.Popen(
                command,
                env=os.environ | {name: str(value) for name, value in said.items()} | places,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    return processes


def ended(processes: "list[Any]") -> tuple[list[int], str, str]:
    """Wait for the end of all; return their exit codes, and what they wrote together."""
    outputs = [process.communicate(timeout=600) for process in processes]
    codes = [process.returncode for process in processes]
    return codes, "".join(out for out, _ in outputs), "".join(error for _, error in outputs)


def losses(folder: Path, kind: str = "step") -> dict[int, float]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text("utf-8").splitlines())
    return {line["step"]: line["loss"] for line in lines if line["kind"] == kind}


@pytest.mark.parametrize(("count", "engine"), [(2, "torch"), (4, "cpu")])
def test_several_processes_learn_what_one_does(count: int, engine: str, corpus: Path, tmp_path: Path) -> None:
    common = [*TINY, "--epochs", "2", "--engine", engine]
    codes, out, errors = ended(start(1, corpus, "--out", tmp_path / "alone", *common))
    assert codes == [0], errors
    codes, out, errors = ended(start(count, corpus, "--out", tmp_path / "together", *common))
    assert codes == [0] * count, errors
    assert len(re.findall("bits per character on", out)) == 1  # one process prints
    alone, together = losses(tmp_path / "alone"), losses(tmp_path / "together")
    assert len(alone) == 2 * STEPS
    assert together == pytest.approx(alone, rel=1e-3)
    measured = losses(tmp_path / "together", "evaluation")
    assert measured == pytest.approx(losses(tmp_path / "alone", "evaluation"), rel=1e-3)
    assert min(measured.values()) < 0.95 * max(measured.values())


def test_a_lost_process_ends_the_run_which_another_number_resumes(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    common = ["--out", run, *TINY, "--engine", "cpu", "--checkpoint-seconds", "0"]
    processes = start(4, corpus, *common, "--epochs", "8")
    checkpoint = run / "checkpoint" / "last.safetensors"
    while not checkpoint.exists():
        assert all(process.poll() is None for process in processes), ended(processes)
        time.sleep(0.05)
    processes[2].send_signal(signal.SIGKILL)
    codes, _, errors = ended(processes)
    assert codes[2] == -signal.SIGKILL
    assert [codes[number] for number in (0, 1, 3)] == [2, 2, 2], errors
    assert errors.count(ENDED) == 1
    assert "Traceback" not in errors
    codes, _, errors = ended(start(2, corpus, "--resume", *common[:2]))
    assert codes == [0, 0], errors
    whole = tmp_path / "whole"
    plain = [*TINY, "--engine", "cpu", "--epochs", "8"]
    codes, _, errors = ended(start(1, corpus, "--out", whole, *plain))
    assert codes == [0], errors
    assert len(losses(whole)) == 8 * STEPS
    assert losses(run) == pytest.approx(losses(whole), rel=1e-2)


def test_processes_that_disagree_are_refused_before_the_first_step(corpus: Path, tmp_path: Path) -> None:
    common = [corpus, "--out", tmp_path / "run", *TINY, "--epochs", "1"]
    refused = {
        ("--learning-rate", "0.5"): "process 1 trains something else than process 0: training.learning_rate: "
        "expected 0.01, as in process 0, got 0.5; give all processes the same texts and the same options",
        ("--validation", "nowhere.txt"): "process 1 cannot train: nowhere.txt: no such file or folder",
        ("--validation-fraction", "0.3"): "process 1 trains something else than process 0",
    }
    for more, message in refused.items():
        codes, out, errors = ended(start(2, *common, own={1: list(more)}))
        assert codes == [2, 2], errors
        assert errors.count(message) == 1
        assert len(errors.splitlines()) == 1, errors
        assert not out
        assert not (tmp_path / "run").exists()


def test_a_mistake_of_all_is_said_once(corpus: Path, tmp_path: Path) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "notes.txt").write_text("mine", "utf-8")  # the leader alone looks for such a file
    for out, more, message in (
        (
            "run",
            ["--batch-size", "1"],
            "lanes of the training text: expected at least 2, one for each process",
        ),
        ("run", ["--minutes", "1"], "minutes choose a training for one process"),
        ("used", [], "expected an empty folder for a new run, got notes.txt"),
        ("run", ["--learning-rate", "9000", "--clip-norm", "9000"], "the loss has exploded"),
    ):
        codes, _, errors = ended(start(2, corpus, "--out", tmp_path / out, *TINY, *more))
        assert codes[1] == 2, errors
        assert codes[0] in (1, 2), errors
        said = [line for line in errors.splitlines() if line.startswith("unspool: ")]
        assert [message in line for line in said] == [True], errors


def test_one_process_alone_joins_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "1")
    assert not several()
    assert joined() is None
    assert own_processors() is None
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    assert several()
    assert own_processors() == 1
