"""Write files so that a reader sees the old content or the new one, never half of each."""

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_STALLS = 8  # writes in a row that take nothing, before that is an error


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file piece by piece that takes its name when it is whole, in place of the one that has it.

    The data goes to a temporary name in the same folder, is forced to the disk, and takes the final
    name in one step; the folder is forced to the disk after it. If anything fails the temporary file
    is removed and the old file stays.

    Args:
        path: The file to write; its folder must exist.

    Yields:
        The file, open for writing bytes.

    Raises:
        OSError: If the folder cannot be written to or the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong first is what counts
            temporary.unlink()
        raise
    sync_folder(path.parent)


def atomic_write(path: Path, data: bytes | str) -> None:
    """Replace a file as a whole, or leave it as it was; see `atomic_file`.

    Args:
        path: The file to write; its folder must exist.
        data: The new content; text is written as UTF-8, line ends as they are.

    Raises:
        OSError: If the folder cannot be written to or the disk is full; it names the file.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    try:
        with atomic_file(path) as file:
            file.write(raw)
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def append_line(path: Path, text: str) -> None:
    """Add one line to the end of a file, whole or not at all; lines of two writers never mix.

    What the system takes in parts is written on until all of it is there. Where it refuses the rest, as a
    full disk does, the file is cut back to what it held before. Writers wait for each other by a lock on the
    file; where the file system knows no locks, nothing is cut, since it could be the line of another.

    If half a line is left all the same, by a process that was killed or a disk that allows no cutting, the
    next line begins on a line of its own: what was there before stays, and a reader finds one broken line
    before the whole one.

    Args:
        path: The file; it is created if it is not there.
        text: The line without its line end; it must not have one inside.

    Raises:
        OSError: If the line cannot be written, a full disk for one.
    """
    if "\n" in text:
        raise ValueError("append_line takes one line, and this text has a line end inside")
    raw = (text + "\n").encode("utf-8")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        alone = _lock(descriptor)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            raw = b"\n" + raw
        try:
            _write_whole(descriptor, raw)
        except BaseException:
            if alone:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Wait until no other process appends, and tell whether that is sure."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _write_whole(descriptor: int, raw: bytes) -> None:
    """Write all of it, in as many parts as the system takes it in."""
    left, stalls = memoryview(raw), 0
    while left:
        count = os.write(descriptor, left)
        stalls = 0 if count else stalls + 1
        if stalls == MOST_STALLS:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        left = left[count:]


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, so that a new name survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
