import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("killable_run.py")


def start(folder: Path, mode: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "error", str(SCRIPT), str(folder), mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run_to_the_end(folder: Path, mode: str) -> float:
    """Run until it ends; tell how long it trained."""
    process = start(folder, mode)
    assert process.stdout is not None
    process.stdout.readline()
    ready = time.perf_counter()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return time.perf_counter() - ready


def run_and_kill(folder: Path, mode: str, pause: float) -> bool:
    """Start the run, kill it so many seconds after it is ready; tell whether it had ended before."""
    process = start(folder, mode)
    assert process.stdout is not None
    ready = process.stdout.readline()
    time.sleep(pause)
    process.kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGKILL), errors
    assert ready == "ready\n", errors
    return process.returncode == 0


def metrics(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    clock = ("seconds", "characters_per_second")
    return [{key: value for key, value in json.loads(line).items() if key not in clock} for line in lines]


def arrays_of_checkpoint(folder: Path) -> dict[str, bytes]:
    from safetensors.numpy import load_file

    arrays = load_file(folder / "checkpoint" / "last.safetensors")
    return {name: array.tobytes() for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("mode", "most"),
    [
        ("line", 4),
        ("document", 4),
        *(pytest.param(mode, 60, marks=pytest.mark.slow) for mode in ("line", "document")),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_as_if_nothing_had_been(
    tmp_path: Path, mode: str, most: int
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    length = run_to_the_end(whole, mode)
    rng = random.Random(mode)
    kills = 0
    while kills < most and not run_and_kill(killed, mode, rng.uniform(0.0, 1.6 * length / most)):
        kills += 1
    assert kills > 0
    run_to_the_end(killed, mode)

    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert arrays_of_checkpoint(killed) == arrays_of_checkpoint(whole)
    assert metrics(killed) == metrics(whole)
    steps = [line["step"] for line in metrics(killed) if line["kind"] == "step"]
    assert steps == list(range(1, len(steps) + 1))
    assert sorted(path.name for path in killed.rglob("*")) == sorted(path.name for path in whole.rglob("*"))
