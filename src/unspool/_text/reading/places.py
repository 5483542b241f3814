"""Places that bytes come from: files, pipes and standard input."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from unspool._errors import CorpusError
from unspool._system import NO_WAIT
from unspool._text.reading.notes import Notes

PATIENCE = 10.0  # seconds in which somebody has to begin to write into a named pipe


class Meter:
    """A counter of the bytes that are read from files.

    Attributes:
        done: Number of bytes read in this pass.
        total: Number of bytes of all files.
        report: Function that is called with `done` and `total` after each block, or None.
    """

    def __init__(self) -> None:
        self.done, self.total = 0, 0
        self.report: Callable[[int, int], None] | None = None

    def begin(self, total: int) -> None:
        """Begin a pass over `total` bytes."""
        self.done, self.total = 0, total

    def add(self, count: int) -> None:
        """Add the number of bytes read, and report it."""
        self.done += count
        if self.report is not None:
            self.report(min(self.done, self.total), self.total)


@dataclass(frozen=True)
class FilePlace:
    """A place that bytes can be read from: a file, a pipe or standard input.

    Args:
        name: The name in messages: the path as the user wrote it.
        open: Function that opens the place for reading bytes.
        gzipped: Whether the suffix of the name is that of gzip data.
        meter: Counts the bytes that are read, or None.
        encoding: The encoding of its text; None for UTF-8, or the one that a byte order mark names.
        notes: What is said about its reading.
    """

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    gzipped: bool = False
    meter: Meter | None = None
    encoding: str | None = None
    notes: Notes = field(default_factory=Notes)


def file_place(
    path: Path, meter: Meter | None = None, *, encoding: str | None = None, notes: Notes | None = None
) -> FilePlace:
    """Return the place of a file."""
    return FilePlace(
        str(path),
        lambda: path.open("rb"),
        gzipped=path.suffix == ".gz",
        meter=meter,
        encoding=encoding,
        notes=notes or Notes(),
    )


def standard_input() -> FilePlace:
    """Return the place of standard input; it is an error to open it a second time."""

    def take() -> AbstractContextManager[BinaryIO]:
        if sys.stdin is None:
            raise CorpusError("there is no standard input", hint="save the text to a file first")
        return nullcontext(sys.stdin.buffer)

    return _read_once(FilePlace("standard input", take))


def pipe_place(path: Path) -> FilePlace:
    """Return the place of a named pipe; it is an error to open it a second time, or if nobody writes."""
    return _read_once(FilePlace(str(path), lambda: _opened_pipe(path)))


def _read_once(place: FilePlace) -> FilePlace:
    spent = False

    def take() -> AbstractContextManager[BinaryIO]:
        nonlocal spent
        if spent:
            what, hint = f"{place.name} can be read once", "save it to a file first"
            raise CorpusError(what, got="it has been read already", hint=hint)
        spent = True
        return place.open()

    return replace(place, open=take)


def _opened_pipe(path: Path) -> BinaryIO:
    """Open a pipe, which waits until somebody writes into it."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - slow to import, and seldom needed

    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(path.open, "rb")
        try:
            return opening.result(PATIENCE)
        except BaseException as error:
            with suppress(OSError):  # a writer that goes at once ends the waiting of the thread
                os.close(os.open(path, os.O_WRONLY | NO_WAIT))
                opening.result().close()
            if not isinstance(error, TimeoutError):
                raise
            what, hint = f"{path} is a pipe", "start what writes into it first"
            got = f"nobody who did within {PATIENCE:g} seconds"
            raise CorpusError(what, expected="somebody who writes into it", got=got, hint=hint) from None


def is_pipe(path: Path) -> bool:
    """Return whether a path leads to a pipe, which can be read once.

    Raises:
        CorpusError: If it leads to a device, which may never end, or to a socket.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False  # the reader reports the error
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        kind = "a socket" if stat.S_ISSOCK(mode) else "a device"
        hint = "to read what is typed or piped in, write - in its place"
        raise CorpusError(f"{path} is {kind}", expected="a file, a folder or a pipe", hint=hint)
    return stat.S_ISFIFO(mode)


@contextmanager
def refuse_unreadable(name: str) -> Iterator[None]:
    """Convert an error of the operating system about a file to a CorpusError."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CorpusError(f"{name} cannot be read", got=reason, hint="check its path and rights") from error
