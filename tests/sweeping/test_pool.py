"""Where trainings run: processes that are told what to do, and replaced when they die."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

import unspool
from unspool._errors import ConfigError
from unspool._extras import install_command
from unspool._sweeping.pool import Answer, LocalPool, LostError, Pool, _Process
from unspool._sweeping.ray_pool import RayPool
from unspool._sweeping.trial import Job, SweepCorpus, TrialReport

from . import ray_in_process
from .test_trial import corpus, job

__all__ = ["corpus"]  # the fixture
PLACES = ["processes", "ray in this process", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture(params=PLACES)
def pool(
    request: pytest.FixtureRequest, corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pool]:
    if request.param == "processes":
        made: Pool = LocalPool(2, corpus)
    else:
        if request.param == "ray":
            pytest.importorskip("ray")
        else:
            monkeypatch.setattr("unspool._sweeping.ray_pool.import_ray", ray_in_process.Ray)
        made = RayPool("local", 2, corpus, threads=1)
    with closing(made):
        yield made


def answers(pool: Pool, count: int) -> list[tuple[int, Answer]]:
    found: list[tuple[int, Answer]] = []
    while len(found) < count:
        told = pool.wait(60)
        assert told, "nothing came for a minute"
        found += told
    return found


def numbered(number: int, **changes: object) -> Job:
    return job(number=number, **changes)


def test_jobs_run_side_by_side_and_wait_to_be_asked_on(pool: Pool) -> None:
    assert pool.free == 2
    pool.begin(numbered(0))
    pool.begin(numbered(1))
    assert pool.free == 0
    found = dict(answers(pool, 2))
    assert set(found) == {0, 1}
    assert pool.wait(0.3) == [], "nobody was asked on"
    pool.drop(0)
    assert pool.free == 1
    parts = []
    for _ in range(3):
        pool.go_on(1)
        ((number, report),) = answers(pool, 1)
        assert number == 1
        assert isinstance(report, TrialReport)
        parts.append(report.part)
    assert parts == [2, 3, 4]
    pool.begin(numbered(2))
    ((number, _),) = answers(pool, 1)
    assert number == 2


def test_an_error_is_told_and_the_next_job_does_better(pool: Pool) -> None:
    bad = replace(numbered(0).training, engine="abacus")
    pool.begin(numbered(0, training=bad))
    ((number, error),) = answers(pool, 1)
    assert number == 0
    assert isinstance(error, ConfigError)
    assert "abacus" in str(error)
    assert pool.free == 2
    pool.begin(numbered(1))
    assert isinstance(dict(answers(pool, 1))[1], TrialReport)


def test_a_killed_process_is_lost_and_replaced(corpus: SweepCorpus) -> None:
    with closing(LocalPool(1, corpus)) as pool:
        endless = unspool.NetworkConfig(hidden_size=64, vocab_size=17)
        pool.begin(numbered(0, network=endless, symbols=10**12))
        os.kill(pool._busy[0]._process.pid, signal.SIGKILL)
        ((number, error),) = answers(pool, 1)
        assert number == 0
        assert isinstance(error, LostError)
        assert "killed by signal 9" in str(error)
        assert pool.free == 1
        pool.begin(numbered(1))
        assert isinstance(dict(answers(pool, 1))[1], TrialReport)


def test_a_process_killed_while_it_waits_is_lost_as_well(corpus: SweepCorpus) -> None:
    with closing(LocalPool(1, corpus)) as pool:
        pool.begin(numbered(0))
        answers(pool, 1)
        process = pool._busy[0]._process
        process.kill()
        process.wait()
        pool.go_on(0)
        ((_, error),) = answers(pool, 1)
        assert isinstance(error, LostError)


def test_a_process_that_does_not_end_by_itself_is_killed() -> None:
    process = _Process()
    os.kill(process._process.pid, signal.SIGSTOP)
    assert process.end() == -signal.SIGKILL


def test_closing_leaves_no_process(corpus: SweepCorpus) -> None:
    pool = LocalPool(1, corpus)
    pool.begin(numbered(0, symbols=10**12))
    process = pool._busy[0]._process
    pool.close()
    assert process.returncode is not None


def test_closing_waits_for_no_process_before_all_are_killed(
    corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    kill, end = _Process.kill, _Process.end

    def noted_kill(process: _Process) -> None:
        calls.append("kill")
        kill(process)

    def noted_end(process: _Process) -> int:
        calls.append("end")
        return end(process)

    pool = LocalPool(2, corpus)
    for number in range(2):
        pool.begin(numbered(number, symbols=10**12))
    processes = [process._process for process in pool._busy.values()]
    monkeypatch.setattr(_Process, "kill", noted_kill)
    monkeypatch.setattr(_Process, "end", noted_end)
    pool.close()
    assert calls == ["kill", "kill", "end", "end"]
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * 2


def test_ray_is_asked_for_by_name(corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ConfigError, match=re.escape(install_command("ray"))):
        RayPool("auto", 1, corpus, threads=1)


def test_a_cluster_that_is_not_there_is_said(corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._sweeping.ray_pool.import_ray", ray_in_process.Ray)
    with pytest.raises(ConfigError, match="'nowhere:1'"):
        RayPool("nowhere:1", 1, corpus, threads=1)


def test_a_lost_actor_is_replaced(corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._sweeping.ray_pool.import_ray", ray_in_process.Ray)
    with closing(RayPool("local", 1, corpus, threads=1)) as pool:
        pool.begin(numbered(0))
        pool._busy[0].die()
        ((_, error),) = answers(pool, 1)
        assert isinstance(error, LostError)
        assert pool.free == 1
