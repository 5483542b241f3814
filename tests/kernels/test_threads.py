"""Where the threads of a team run."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._kernels import machine
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._system import available_processors


def tasks() -> set[str]:
    return {path.name for path in Path("/proc/self/task").iterdir()}


def processor_of(task: str) -> str:
    return Path(f"/proc/self/task/{task}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[36]


@contextmanager
def watched(team: list[str]) -> Iterator[list[bool]]:
    """Look, as long as the block lasts, at whether the threads of a team are on different processors."""
    apart: list[bool] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            apart.append(len(set(map(processor_of, team))) > 1)
            over.wait(0.001)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield apart
    finally:
        over.set()
        watcher.join()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no /proc")
@pytest.mark.skipif(available_processors() < 2, reason="there is one processor alone")
def test_threads_of_a_team_do_not_stay_on_one_processor() -> None:
    allowed = os.sched_getaffinity(0)
    two = set(sorted(allowed)[:2])
    one = {min(two)}
    config = NetworkConfig(cell="lstm", hidden_size=128, vocab_size=84)
    parameters = initialize(config, 0)
    options = GenerationOptions(max_new_tokens=5000, ignore_eos=True, seed=0)  # long enough for many looks
    machine._team.cache_clear()  # a new one, whose threads can be told from the others
    before = tasks()
    engine = CpuEngine(config, threads=2)

    def write() -> None:
        generate(engine.writer(parameters), EngineRequest([np.zeros(0, np.int32)], options))

    shares = []
    try:
        write()
        team = [str(threading.get_native_id()), *(tasks() - before)]
        for _ in range(7):
            for places in (one, two):  # together by force, then free to part
                for task in team:
                    os.sched_setaffinity(int(task), places)
                with watched(team) as apart:
                    write()
            shares.append(np.mean(apart))
    finally:
        os.sched_setaffinity(0, allowed)
        for task in tasks() - before:
            os.sched_setaffinity(int(task), allowed)
    # Others who compute may push two together again, and part two that would have stayed: both for a while.
    assert np.median(shares) > 0.5
