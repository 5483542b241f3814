"""Write files so that a reader sees the old content or the new one, never half of each."""

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_STALLS = 8  # writes in a row without progress before an error is raised


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces the old one only when it is whole; it can be written piece by piece.

    The data goes to a temporary file in the same folder and is forced to the disk. The file then gets its
    final name in one step, and the folder is forced to the disk too. If anything fails, the temporary file is
    removed and the old file stays.

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
        with contextlib.suppress(OSError):  # the first error is the one to report
            temporary.unlink()
        raise
    sync_folder(path.parent)


def atomic_write(path: Path, data: bytes | str) -> None:
    """Replace a file as a whole, or leave it unchanged; see `atomic_file`.

    Args:
        path: The file to write; its folder must exist.
        data: The new content; text is written as UTF-8, with its line ends unchanged.

    Raises:
        OSError: If the folder cannot be written to or the disk is full; the error names the file.
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
    """Add one line to the end of a file, as a whole or not at all; lines of two writers never mix.

    If the system accepts only a part of the line, the rest is written after it. If it refuses the rest, as a
    full disk does, the file is cut back to its old content. Writers wait for each other by a lock on the
    file. Where the file system has no locks, nothing is cut, since the end could be a line of another writer.

    Half a line can still be left by a process that was killed, or on a disk that does not allow cutting. The
    next line then begins on a new line: a reader finds one broken line before the whole one.

    Args:
        path: The file; it is created if it does not exist.
        text: The line without its line end; it must not contain one.

    Raises:
        OSError: If the line cannot be written, for example on a full disk.
    """
    if "\n" in text:
        raise ValueError("append_line takes one line, and this text has a line end inside")
    raw = (text + "\n").encode("utf-8")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        locked = _lock(descriptor)
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            raw = b"\n" + raw
        try:
            _write_whole(descriptor, raw)
        except BaseException:
            if locked:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Wait until no other process appends, and return whether the file is locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _write_whole(descriptor: int, raw: bytes) -> None:
    """Write all bytes, in as many parts as the system accepts."""
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
