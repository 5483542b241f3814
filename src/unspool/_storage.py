"""Files: written so that a reader sees the old content or the new one, and read only if they are files."""

import contextlib
import errno
import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from unspool._errors import ConfigError
from unspool._system import APPEND, READ, lock, lock_to_append, remove_open, replace, sync_folder

MOST_STALLS = 8  # writes in a row without progress before an error is raised
TORN = re.compile(r"\..+\.[0-9a-f]{12}\.tmp", re.DOTALL)  # names that only `atomic_file` gives
NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)  # last: Windows
KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def path_of(name: str, value: object) -> Path:
    """Return the path that a user gave.

    Args:
        name: What the argument is called.
        value: What was given.

    Raises:
        ConfigError: If it is no path; an empty one, often a variable that was not set, would be the working
            folder.
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str) or not path or "\0" in path:
        raise ConfigError(name, expected="a path", got=repr(value)[:60])
    return Path(path)


def make_folder(folder: Path, *, parents: bool = True) -> None:
    """Make a folder that is missing, so that its name survives a power cut.

    Args:
        folder: The folder.
        parents: Whether the folders that it is in are made as well.

    Raises:
        OSError: If that cannot be done.
    """
    missing = [each for each in (folder, *folder.parents) if is_missing(each)]
    folder.mkdir(parents=parents, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces the old one only when it is whole; it can be written piece by piece.

    The data goes to a temporary file in the same folder and is forced to the disk. The file then gets its
    final name in one step, and the folder is forced to the disk too. If anything fails, the temporary file is
    removed and the old file stays. The temporary files of processes that were killed are removed first.

    Args:
        path: The file to write; its folder must exist.

    Yields:
        The file, open for writing bytes.

    Raises:
        OSError: If the folder cannot be written to or the disk is full; the error names the file.
    """
    path = Path(path)
    remove_torn(path.parent)
    temporary, file = locked_file(path)
    try:
        try:
            yield _NamedFile(file, path)  # type: ignore[misc]
            with _named(path):
                file.flush()
                os.fsync(file.fileno())
        finally:
            with _named(path):
                file.close()
        with _named(path):
            replace(temporary, path)
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
    with atomic_file(path) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


def remove_torn(folder: Path) -> None:
    """Remove the temporary files that killed processes have left in a folder.

    A writer holds a lock on its file, which ends with the process. So a file that can be locked is nobody's.
    Where the file system has no locks, nothing is removed.

    Args:
        folder: The folder; it may be missing.
    """
    with contextlib.suppress(OSError):
        for name in filter(is_torn, os.listdir(folder)):  # noqa: PTH208 - `Path.iterdir` is slower
            with contextlib.suppress(OSError):
                _remove_if_free(Path(folder, name))


def is_torn(name: str) -> bool:
    """Return whether a name is that of a temporary file of `atomic_file`."""
    return TORN.fullmatch(name) is not None


def _remove_if_free(path: Path) -> None:
    """Remove a temporary file that nobody writes to.

    Raises:
        OSError: If it cannot be locked or removed.
    """
    with open_regular(path) as file:
        if lock(file.fileno(), wait=False):
            remove_open(file, path)


def locked_file(path: Path) -> tuple[Path, BinaryIO]:
    """Make a temporary file for a path, and lock it; return its path and the open file."""
    while True:
        temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
        with _named(path):
            file = temporary.open("xb")
        with contextlib.suppress(OSError):  # the file system has no locks
            lock(file.fileno(), wait=True)
        if os.fstat(file.fileno()).st_nlink:  # not removed by another process before it was locked
            return temporary, file
        file.close()


class _NamedFile(io.BufferedIOBase):
    """A file open for writing whose errors name the file that it will become.

    Args:
        file: The open file.
        path: The file that it will become.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path

    def writable(self) -> bool:
        """Return that bytes can be written."""
        return True

    def write(self, data: Any) -> int:
        """Write bytes, and return their number."""
        with _named(self._path):
            return self._file.write(data)

    def flush(self) -> None:
        """Hand the bytes to the system; without effect on a closed file, unlike elsewhere.

        Python calls it once more when nobody has this object, and from 3.13 on prints what it raises then.
        """
        if not self._file.closed:
            with _named(self._path):
                self._file.flush()


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name a file in an error of the system."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error


def open_regular(path: str | Path) -> BinaryIO:
    """Open a file for reading, without waiting for whoever writes to a pipe.

    Raises:
        OSError: If it cannot be opened, or is a folder, a pipe, a device or a socket and not a file.
    """
    descriptor = os.open(path, READ)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if not stat.S_ISREG(mode):
            kind = KINDS.get(stat.S_IFMT(mode), "something else")
            raise OSError(errno.EINVAL, f"{kind}, not a file", os.fspath(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def is_missing(path: str | Path) -> bool:
    """Whether there is nothing at a path.

    What may not be looked at is not missing: whoever opens it learns the reason from the system.

    Args:
        path: Any text; one that cannot be a path leads to nothing.
    """
    try:
        os.stat(path)  # noqa: PTH116 - Path.exists answers otherwise in each version of Python
    except ValueError:
        return True
    except OSError as error:
        return error.errno in NOWHERE
    return False


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
    descriptor = os.open(path, APPEND, 0o666)
    try:
        locked = lock_to_append(descriptor)
        size = os.fstat(descriptor).st_size
        if size and _last_byte(descriptor) != b"\n":
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


def _last_byte(descriptor: int) -> bytes:
    """Return the last byte of a file that is not empty."""
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1)


def _write_whole(descriptor: int, raw: bytes) -> None:
    """Write all bytes, in as many parts as the system accepts."""
    left, stalls = memoryview(raw), 0
    while left:
        count = os.write(descriptor, left)
        stalls = 0 if count else stalls + 1
        if stalls == MOST_STALLS:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        left = left[count:]


def sync_file(path: Path) -> None:
    """Force what was written to a file to the disk.

    Raises:
        OSError: If there is no such file, or the disk does not accept it.
    """
    descriptor = os.open(path, APPEND & ~os.O_CREAT)  # Windows does that for those only who may write
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
