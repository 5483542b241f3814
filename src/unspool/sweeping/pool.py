"""Where the trainings of a sweep run: processes on this machine."""

import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Protocol, TypeAlias

from unspool.sweeping.trial import Event, Job, SweepCorpus

PROGRAM = "import sys; from unspool.sweeping.worker import main; main(int(sys.argv[1]))"


class LostError(Exception):
    """Tell that whoever ran a training is gone, and how."""


# What a training told, or the error that ended it: LostError where its worker is gone.
Answer: TypeAlias = Event | Exception


class Pool(Protocol):
    """Run jobs side by side; each runs to its next event and waits there."""

    @property
    def free(self) -> int:
        """Count the jobs that can begin now."""
        ...

    def begin(self, job: Job) -> None:
        """Begin a job; at least one place must be free."""
        ...

    def go_on(self, number: int) -> None:
        """Let a job that told an event run to its next one."""
        ...

    def drop(self, number: int) -> None:
        """Give up a job that told an event."""
        ...

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Give what the jobs told, by number, as soon as one tells something.

        Args:
            seconds: How long to wait for it.
        """
        ...

    def close(self) -> None:
        """End everything at once."""
        ...


class LocalPool:
    """Run jobs on processes of this machine; a process that dies is replaced.

    Args:
        size: Processes, ≥ 1.
        corpus: Sent to each once.
    """

    def __init__(self, size: int, corpus: SweepCorpus) -> None:
        self._size, self._corpus = size, corpus
        self._idle: list[_Process] = []
        self._busy: dict[int, _Process] = {}
        self._lost: list[tuple[int, Answer]] = []

    @property
    def free(self) -> int:
        """Count the jobs that can begin now."""
        return self._size - len(self._busy)

    def begin(self, job: Job) -> None:
        """Begin a job on an idle process, or on a new one."""
        self._busy[job.number] = self._idle.pop() if self._idle else _Process()
        self._speak(job.number, lambda process: process.take(job, self._corpus))

    def go_on(self, number: int) -> None:
        """Let a job that told an event run to its next one."""
        self._speak(number, lambda process: process.connection.send(True))

    def drop(self, number: int) -> None:
        """Give up a job that told an event."""
        self._speak(number, lambda process: process.connection.send(False))
        if number in self._busy:
            self._idle.append(self._busy.pop(number))
        self._lost = [(lost, error) for lost, error in self._lost if lost != number]

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Give what the jobs told, as soon as one tells something."""
        told, self._lost = self._lost, []
        ready = wait([process.connection for process in self._busy.values()], 0 if told else seconds)
        for number, process in list(self._busy.items()):
            if process.connection in ready:
                told.append((number, self._receive(number, process)))
        return told

    def close(self) -> None:
        """End all processes at once."""
        for process in [*self._idle, *self._busy.values()]:
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

    def _speak(self, number: int, say: "Callable[[_Process], None]") -> None:
        try:
            say(self._busy[number])
        except OSError:
            self._lost.append((number, self._bury(number)))

    def _bury(self, number: int) -> LostError:
        code = self._busy.pop(number).end()
        how = f"killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return LostError(f"its process was {how}" if code < 0 else f"its process {how}")


class _Process:
    """Hold a process and the connection to it.

    It is started as a program of its own, not by `multiprocessing`, so that it neither runs the caller's main
    module again nor takes over its threads; and in a process group of its own, so that Ctrl-C reaches the
    sweep alone, which then ends it.
    """

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", PROGRAM, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                process_group=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self._knows_the_corpus = False

    def take(self, job: Job, corpus: SweepCorpus) -> None:
        """Send a job, and the corpus before the first one."""
        if not self._knows_the_corpus:
            self.connection.send(corpus)
            self._knows_the_corpus = True
        self.connection.send(job)

    def end(self) -> int:
        """End the process, if it still lives, and give its exit code; negative for a signal."""
        self.connection.close()
        lives = self._process.poll() is None
        try:
            return self._process.wait(0.5 if lives else None)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
