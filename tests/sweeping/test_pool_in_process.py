"""A pool and its worker without a process: what is sent, what is awaited, and what is said of an end."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from unspool._sweeping import pool as module
from unspool._sweeping import worker
from unspool._sweeping.pool import LocalPool, LostError, _Process
from unspool._sweeping.ray_pool import Trainer
from unspool._sweeping.trial import SweepCorpus

from .test_trial import corpus, job

__all__ = ["corpus"]  # the fixture
END = object()  # what a connection shows that its other end has closed


class Connection:
    """One end of a pipe: it notes what is sent, and gives what the test has laid in."""

    def __init__(self, *received: Any) -> None:
        self.sent, self.received, self.closed = list[Any](), list(received), False

    def send(self, thing: Any) -> None:
        if self.closed:
            raise BrokenPipeError
        self.sent.append(thing)

    def recv(self) -> Any:
        thing = self.received.pop(0) if self.received else END
        if thing is END:
            raise EOFError
        return thing

    def close(self) -> None:
        self.closed = True


class Process(_Process):
    """A process that is none."""

    made: list["Process"] = []  # noqa: RUF012
    code = -9

    def __init__(self) -> None:
        self.connection: Any = Connection()
        self._knows_the_corpus = False
        self.ended = 0
        Process.made.append(self)

    def kill(self) -> None:
        self.ended += 10

    def end(self) -> int:
        self.ended += 1
        return self.code


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> LocalPool:
    monkeypatch.setattr(Process, "made", [])
    monkeypatch.setattr(module, "_Process", Process)
    waited: list[Any] = []
    monkeypatch.setattr(Process, "waited", waited, raising=False)

    def wait(connections: Any, seconds: float) -> list[Any]:
        waited.append((len(connections), seconds))
        return [each for each in connections if each.received]

    monkeypatch.setattr(module, "wait", wait)
    texts: Any = "texts"
    return LocalPool(2, texts)


def test_the_texts_are_sent_once_to_each_process(pool: LocalPool) -> None:
    first, second, third = (job(number=number) for number in range(3))
    pool.begin(first)
    pool.begin(second)
    one, other = Process.made
    assert (one.connection.sent, other.connection.sent) == (["texts", first], ["texts", second])
    assert pool.free == 0
    one.connection.received = ["an event"]
    assert pool.wait(7.0) == [(0, "an event")]
    assert Process.waited == [(2, 7.0)]  # type: ignore[attr-defined]
    pool.go_on(0)
    pool.drop(0)
    assert one.connection.sent[2:] == [True, False]
    assert pool.free == 1
    pool.begin(third)
    assert Process.made == [one, other]
    assert one.connection.sent[4:] == [third]


def test_an_error_frees_its_process_and_a_silence_says_how_it_ended(pool: LocalPool) -> None:
    for number in range(2):
        pool.begin(job(number=number))
    one, other = Process.made
    error = ValueError("x")
    one.connection.received = [error]
    assert pool.wait(1.0) == [(0, error)]
    assert pool.free == 1
    other.connection.received = [END]
    ((number, lost),) = pool.wait(1.0)
    assert (number, str(lost), other.ended) == (1, "its process was killed by signal 9", 1)
    assert isinstance(lost, LostError)
    assert pool.free == 2
    pool.begin(job(number=2))
    assert len(Process.made) == 2  # the first one is idle
    one.code = 3
    one.connection.closed = True
    pool.go_on(2)
    assert pool.free == 2
    ((number, lost),) = pool.wait(5.0)
    assert (number, str(lost)) == (2, "its process ended with code 3")
    assert Process.waited[-1] == (0, 0)  # type: ignore[attr-defined]  # what is there is not waited for
    assert pool.wait(5.0) == []


def test_what_was_dropped_is_no_longer_missed(pool: LocalPool) -> None:
    for number in range(2):
        pool.begin(job(number=number))
    for process in Process.made:
        process.connection.closed = True
    pool.go_on(0)
    pool.drop(1)
    assert [number for number, _ in pool.wait(1.0)] == [0]
    assert pool.free == 2


def test_all_are_killed_before_one_is_waited_for(pool: LocalPool) -> None:
    for number in range(2):
        pool.begin(job(number=number))
    pool.drop(0)
    pool.close()
    assert [process.ended for process in Process.made] == [11, 11]
    assert (pool.free, pool._idle, pool._busy) == (2, [], {})


def test_a_process_is_a_program_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def popen(command: Any, **options: Any) -> Any:
        started.append((command, options))
        return SimpleNamespace(poll=lambda: 0, wait=lambda limit: ("waited", limit), kill=lambda: None)

    monkeypatch.setattr(module.subprocess, "Popen", popen)
    process = _Process()
    ((program, *flags), options) = started[0]
    assert program == sys.executable
    assert flags[:3] == ["-P", "-c", module.PROGRAM]
    assert flags[3].isdigit()
    assert (options["stdin"], options["stdout"]) == (module.subprocess.DEVNULL, module.subprocess.DEVNULL)
    assert options["env"]["PYTHONPATH"].split(":")[-1] == next(p for p in reversed(sys.path) if p)
    assert process.end() == ("waited", None)  # it has ended
    assert process.connection.closed
    lively = _Process()
    lively._process.poll = lambda: None  # type: ignore[method-assign, assignment]
    assert lively.end() == ("waited", 0.1)


def test_a_job_is_served_until_nobody_asks_on(corpus: SweepCorpus) -> None:
    asked: Any = Connection(True, True, False, True)
    worker.serve(job(), corpus, asked)
    assert [report.part for report in asked.sent] == [1, 2, 3]
    whole: Any = Connection(*[True] * 9)
    worker.serve(job(), corpus, whole)
    assert [report.done for report in whole.sent] == [False, False, False, True]
    bad: Any = Connection(True)
    worker.serve(job(training=None), corpus, bad)
    ((error,)) = bad.sent
    assert isinstance(error, Exception)
    with pytest.raises(EOFError):
        worker.serve(job(), corpus, Connection())  # type: ignore[arg-type]
    gone: Any = Connection(True)
    gone.closed = True
    with pytest.raises(BrokenPipeError):
        worker.serve(job(), corpus, gone)


def test_a_worker_serves_jobs_until_its_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    watched: list[Any] = []
    connection = Connection("texts", "a job", "another")

    class Inherited:
        def __enter__(self) -> Connection:
            return connection

        def __exit__(self, *_: object) -> None:
            connection.close()

    class Thread:
        def __init__(self, **options: Any) -> None:
            watched.append(options)

        def start(self) -> None:
            watched.append("started")

    monkeypatch.setattr(
        worker, "inherited_connection", lambda number: [watched.append(number), Inherited()][1]
    )
    monkeypatch.setattr(worker.threading, "Thread", Thread)
    monkeypatch.setattr(worker.os, "getppid", lambda: 77)
    monkeypatch.setattr(worker, "serve", lambda *given: served.append(given))
    collected: list[int] = []
    monkeypatch.setattr(worker.gc, "collect", lambda: collected.append(1))
    worker.main(5)
    assert served == [("a job", "texts", connection), ("another", "texts", connection)]
    assert watched == [{"target": worker.end_with, "args": (77,), "daemon": True}, "started", 5]
    assert (collected, connection.closed) == ([1, 1], True)


def test_a_worker_ends_once_its_parent_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    parents, slept, ended = iter([7, 7, 1]), list[float](), list[int]()
    monkeypatch.setattr(worker.os, "getppid", lambda: next(parents))
    monkeypatch.setattr(worker.time, "sleep", slept.append)
    monkeypatch.setattr(worker.os, "_exit", ended.append)
    worker.end_with(7)
    assert (slept, ended) == ([1.0, 1.0], [1])


def test_an_actor_goes_from_event_to_event(corpus: SweepCorpus) -> None:
    actor = Trainer(corpus)
    first = actor.begin(job())
    second = actor.go_on()
    assert [event.part for event in (first, second)] == [1, 2]  # type: ignore[union-attr]
    again = actor.begin(job())
    assert again.part == 1  # type: ignore[union-attr]
    assert isinstance(actor.begin(job(training=None)), Exception)
    assert isinstance(Trainer(corpus).go_on(), StopIteration)
