"""The actors that run the trainings of a sweep on a Ray cluster, with unspool installed on every node."""

from collections.abc import Iterator
from typing import Any

from unspool._errors import ConfigError
from unspool._extras import install_command
from unspool._sweeping.pool import Answer, LostError
from unspool._sweeping.trial import Event, Job, SweepCorpus, run_trial


class Trainer:
    """A worker on a node of the cluster: an actor that keeps its training between two events.

    Args:
        corpus: The texts.
    """

    def __init__(self, corpus: SweepCorpus) -> None:
        self._corpus = corpus
        self._events: Iterator[Event] = iter(())

    def begin(self, job: Job) -> Event | Exception:
        """Begin a job in place of the one before, and run to its first event."""
        self._events = run_trial(job, self._corpus)
        return self.go_on()

    def go_on(self) -> Event | Exception:
        """Run to the next event."""
        try:
            return next(self._events)
        except Exception as error:  # the caller handles it; the actor continues
            return error


class RayPool:
    """A pool of actors on a Ray cluster; an actor that dies is replaced.

    Args:
        address: Address of the cluster for `ray.init`: "auto", "HOST:PORT", "ray://HOST:PORT", "local".
        size: Number of actors, ≥ 1; an actor without a free processor waits for one.
        corpus: The texts; they are stored once in the object store of the cluster.
        threads: Number of processors of each actor.

    Raises:
        ConfigError: If Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str, size: int, corpus: SweepCorpus, *, threads: int) -> None:
        self._ray = import_ray()
        self._size = size
        self._connect(address)
        self._corpus = self._ray.put(corpus)
        self._trainer = self._ray.remote(Trainer).options(num_cpus=threads)
        self._idle: list[Any] = []
        self._busy: dict[int, Any] = {}  # number of a job -> its actor
        self._pending: dict[Any, int] = {}  # reference of a result -> number of its job

    @property
    def free(self) -> int:
        """Number of jobs that can begin now."""
        return self._size - len(self._busy)

    def begin(self, job: Job) -> None:
        """Begin a job on an idle actor, or on a new one."""
        actor = self._idle.pop() if self._idle else self._trainer.remote(self._corpus)
        self._busy[job.number] = actor
        self._pending[actor.begin.remote(job)] = job.number

    def go_on(self, number: int) -> None:
        """Run a waiting job to its next event."""
        self._pending[self._busy[number].go_on.remote()] = number

    def drop(self, number: int) -> None:
        """Drop a waiting job."""
        self._idle.append(self._busy.pop(number))

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return the events of jobs, each with the number of its job, as soon as there is one."""
        references = list(self._pending)
        ready, _ = self._ray.wait(references, num_returns=1, timeout=seconds) if references else ([], [])
        return [self._receive(reference, self._pending.pop(reference)) for reference in ready]

    def close(self) -> None:
        """End all actors, and leave the cluster if this pool joined it."""
        for actor in [*self._idle, *self._busy.values()]:
            self._ray.kill(actor)
        self._idle, self._busy, self._pending = [], {}, {}
        if self._joined:
            self._ray.shutdown()

    def _connect(self, address: str) -> None:
        self._joined = not self._ray.is_initialized()
        if not self._joined:
            return
        try:
            self._ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, ValueError, RuntimeError) as error:
            got = str(error).splitlines()[0] if str(error) else type(error).__name__
            expected = 'the address of a running Ray cluster, or "local"'
            raise ConfigError(f"ray: {address!r}", expected=expected, got=got) from error

    def _receive(self, reference: Any, number: int) -> tuple[int, Answer]:
        try:
            answer: Answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            self._busy.pop(number)  # the actor is gone or cannot be reached
            return number, LostError(str(error).splitlines()[0])
        if isinstance(answer, Exception):
            self._idle.append(self._busy.pop(number))
        return number, answer


def import_ray() -> Any:
    """Import Ray.

    Raises:
        ConfigError: If it is not installed.
    """
    try:
        import ray  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        what = "a sweep on a cluster needs the package ray, which is not installed"
        raise ConfigError(what, hint=f"{install_command('ray')}, or leave ray out") from None
    return ray
