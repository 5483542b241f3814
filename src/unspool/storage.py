"""Write files so that a reader sees the old content or the new one, never half of each."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


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
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def atomic_write(path: Path, data: bytes | str) -> None:
    """Replace a file as a whole, or leave it as it was; see `atomic_file`.

    Args:
        path: The file to write; its folder must exist.
        data: The new content; text is written as UTF-8, line ends as they are.

    Raises:
        OSError: If the folder cannot be written to or the disk is full.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    with atomic_file(path) as file:
        file.write(raw)


def append_line(path: Path, text: str) -> None:
    """Add one line to the end of a file in a single write, so that lines of two writers never mix.

    Args:
        path: The file; it is created if it is not there.
        text: The line without its line end; it must not have one inside.
    """
    if "\n" in text:
        raise ValueError("append_line takes one line, and this text has a line end inside")
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, (text + "\n").encode("utf-8"))
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, so that a new name survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
