"""The processes that run the trainings of a sweep on this machine."""

import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Protocol, TypeAlias

from unspool._sweeping.trial import Event, Job, SweepCorpus
from unspool._system import apart, inheriting

PROGRAM = "import sys; from unspool._sweeping.worker import main; main(int(sys.argv[1]))"


PATIENCE = 0.1  # seconds in which a process whose connection is closed ends by itself


class LostError(Exception):
    """The worker of a training ended without an answer; the message says how."""


# An event of a training, or the error that ended it: LostError if its worker is gone.
Answer: TypeAlias = Event | Exception


class Pool(Protocol):
    """A pool of workers, which run jobs in parallel; each job runs to its next event and waits there."""

    @property
    def free(self) -> int:
        """Number of jobs that can begin now."""
        ...

    def begin(self, job: Job) -> None:
        """Begin a job; at least one worker must be free."""
        ...

    def go_on(self, number: int) -> None:
        """Run a waiting job to its next event."""
        ...

    def drop(self, number: int) -> None:
        """Drop a waiting job."""
        ...

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the events of jobs, each with the number of its job, as soon as there is one.

        Args:
            seconds: Longest time to wait.
        """
        ...

    def close(self) -> None:
        """End all workers at once."""
        ...


class LocalPool:
    """A pool of processes on this machine; a process that dies is replaced.

    Args:
        size: Number of processes, ≥ 1.
        corpus: The texts; they are sent to each process once.
    """

    def __init__(self, size: int, corpus: SweepCorpus) -> None:
        self._size, self._corpus = size, corpus
        self._idle: list[_Process] = []
        self._busy: dict[int, _Process] = {}
        self._lost: list[tuple[int, Answer]] = []

    @property
    def free(self) -> int:
        """Number of jobs that can begin now."""
        return self._size - len(self._busy)

    def begin(self, job: Job) -> None:
        """Begin a job on an idle process, or on a new one."""
        self._busy[job.number] = self._idle.pop() if self._idle else _Process()
        self._send(job.number, lambda process: process.take(job, self._corpus))

    def go_on(self, number: int) -> None:
        """Run a waiting job to its next event."""
        self._send(number, lambda process: process.connection.send(True))

    def drop(self, number: int) -> None:
        """Drop a waiting job."""
        self._send(number, lambda process: process.connection.send(False))
        if number in self._busy:
            self._idle.append(self._busy.pop(number))
        self._lost = [(lost, error) for lost, error in self._lost if lost != number]

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the events of jobs, each with the number of its job, as soon as there is one."""
        events, self._lost = self._lost, []
        ready = wait([process.connection for process in self._busy.values()], 0 if events else seconds)
        for number, process in list(self._busy.items()):
            if process.connection in ready:
                events.append((number, self._receive(number, process)))
        return events

    def close(self) -> None:
        """End all processes at once."""
        processes = [*self._idle, *self._busy.values()]
        for process in processes:  # all of them, before the first is waited for: Ctrl-C waits for the last
            process.kill()
        for process in processes:
            process.end()
        self._idle, self._busy = [], {}

    def _receive(self, number: int, process: "_Process") -> Answer:
        try:
            answer: Answer = process.connection.recv()
        except (EOFError, OSError):
            return self._bury(number)
        if isinstance(answer, Exception):
            self._idle.append(self._busy.pop(number))
        return answer

    def _send(self, number: int, send: "Callable[[_Process], None]") -> None:
        try:
            send(self._busy[number])
        except OSError:
            self._lost.append((number, self._bury(number)))

    def _bury(self, number: int) -> LostError:
        code = self._busy.pop(number).end()
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return LostError(f"its process was {how}" if code < 0 else f"its process {how}")


class _Process:
    """A process and the connection to it.

    It is started as a separate program, not by `multiprocessing`, so that it does not run the caller's main
    module again or copy its threads. It has its own process group, so that Ctrl-C reaches only the sweep,
    which then ends the process.
    """

    def __init__(self) -> None:
        self.connection, far_end = Pipe()
        with far_end:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", PROGRAM, str(far_end.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                **apart(),
                **inheriting(far_end),
            )
        self._knows_the_corpus = False

    def take(self, job: Job, corpus: SweepCorpus) -> None:
        """Send a job, and the corpus before the first one."""
        if not self._knows_the_corpus:
            self.connection.send(corpus)
            self._knows_the_corpus = True
        self.connection.send(job)

    def kill(self) -> None:
        """Kill the process, which has nothing to save, without waiting for its end."""
        self._process.kill()

    def end(self) -> int:
        """End the process, if it still runs, and return its exit code; negative for a signal."""
        self.connection.close()
        lives = self._process.poll() is None
        try:
            return self._process.wait(PATIENCE if lives else None)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
