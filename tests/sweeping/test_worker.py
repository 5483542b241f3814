"""A worker does not outlive the process of its sweep."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SWEEP = """
import sys
import unspool

animals = ["cat", "dog", "cow", "emu"]
texts = [f"{a} {b} {c}" for a in ("one", "two") for b in ("red", "blue", "tan") for c in animals]
config = unspool.SweepConfig(
    cell=["lstm"], hidden_size=[8, 12], learning_rate=[0.01], symbols_per_trial=10**12
)
unspool.sweep(texts, out=sys.argv[1], config=config, workers=1)
"""


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started."""
    task = Path(f"/proc/{process}/task/{process}/children")
    return [int(number) for number in task.read_text().split()] if task.exists() else []


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def test_a_worker_ends_when_its_sweep_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SWEEP, str(tmp_path / "sweep")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sweep:
        try:
            wait_for(lambda: children_of(sweep.pid))
            (worker,) = children_of(sweep.pid)
            time.sleep(2)  # it trains
            os.kill(worker, 0)
        finally:
            sweep.kill()

    def gone() -> bool:
        try:
            return Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except FileNotFoundError:
            return True

    try:
        wait_for(gone, 10)
    except AssertionError:
        os.kill(worker, signal.SIGKILL)
        raise
