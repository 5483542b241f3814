"""A disk that fails once, at a chosen system call, and works again afterwards."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

HALF, NOTHING = "half", "nothing"
Fault = tuple[str | int, ...]  # what happens at the chosen call, and at those that follow

WRITE_FAULTS: dict[str, Fault] = {
    "short": (HALF,),
    "shorter and shorter": (HALF, HALF, HALF),
    "short, then full": (HALF, errno.ENOSPC),
    "short, then interrupted": (HALF, errno.EINTR),
    "short, then broken": (HALF, errno.EIO),
    "full": (errno.ENOSPC,),
    "interrupted": (errno.EINTR,),
    "nothing": (NOTHING,),
    "nothing for long": (NOTHING,) * 20,
}


class FailingDisk:
    """Count the calls that go to the disk, and let some of them fail.

    Args:
        turn: Number of the first call that fails, from 0; None for an honest disk.
        fault: What happens there.
    """

    def __init__(self, turn: int | None = None, fault: Fault = ()) -> None:
        self.turn, self.calls = turn, 0
        self.left = list(fault)

    def next(self, size: int) -> int:
        """Tell how many bytes of a call's `size` the disk takes.

        Raises:
            OSError: If it refuses.
        """
        due = self.turn is not None and self.calls >= self.turn and bool(self.left)
        self.calls += 1
        action = self.left.pop(0) if due else None
        if isinstance(action, int):
            raise OSError(action, os.strerror(action))
        return {HALF: size // 2, NOTHING: 0}.get(action or "", size)

    @contextmanager
    def appending(self) -> Iterator[None]:
        """Stand between the program and `os.write`, with which lines are added to a file."""
        honest = os.write
        with mock.patch("os.write", lambda descriptor, raw: honest(descriptor, raw[: self.next(len(raw))])):
            yield

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Stand between the program and everything else that saving asks of the system."""
        with (
            mock.patch("os.fsync", self._before(os.fsync)),
            mock.patch("os.truncate", self._before(os.truncate)),
            mock.patch.object(Path, "replace", self._before(Path.replace)),
            mock.patch.object(Path, "mkdir", self._before(Path.mkdir)),
            mock.patch.object(Path, "open", self._open),
        ):
            yield

    def _before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.next(1)
            return function(*args, **options)

        return call

    @property
    def _open(self) -> Callable[..., Any]:
        disk, honest = self, Path.open

        class Raw(io.FileIO):
            def write(self, raw: Any) -> int:
                return super().write(memoryview(raw)[: disk.next(len(raw))]) or 0

        def call(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
            if mode != "xb":
                return honest(path, mode, *args, **options)
            disk.next(1)
            return io.BufferedWriter(Raw(path, mode))

        return call
