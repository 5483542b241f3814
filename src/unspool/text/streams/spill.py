"""Rows of numbers that grow: in memory while they are short, in a file without a name when they are long."""

import contextlib
import mmap
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import CorpusError

SPILL = 1 << 25  # bytes from which on a row lies in a file
OPEN_FILES = Path("/proc/self/fd")  # where Linux lets a file be named that has no name


class MappedFile:
    """Map a file for reading, and read scattered parts of it.

    Args:
        file: The file, not empty; it may be closed afterwards.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def array(self, dtype: Any) -> NDArray[Any]:
        """Give all of it as an array that cannot be written to."""
        return np.frombuffer(self._map, dtype)

    def give_back(self) -> None:
        """Let go of the memory that it has taken up by being read, where the system can do so."""
        advice = getattr(mmap, "MADV_DONTNEED", None)
        if advice is not None:
            self._map.madvise(advice)

    def offset(self, array: NDArray[Any]) -> int:
        """Tell at which byte of this file a part of what `array` gave begins."""
        whole = self.array(np.uint8).__array_interface__["data"][0]
        return int(array.__array_interface__["data"][0]) - int(whole)

    @property
    def size(self) -> int:
        """Count the bytes."""
        return len(self._map)

    def link(self, path: Path) -> bool:
        """Give the file one more name, or its first one, so that nothing need be copied.

        Returns:
            Whether that was done: some systems cannot, and none can where the name lies on another disk.
        """
        try:
            folder = os.open(OPEN_FILES, os.O_RDONLY)
        except OSError:
            return False
        try:  # without the folder Python 3.11 would name the link in it, not the file
            os.link(str(self._descriptor), path, src_dir_fd=folder, follow_symlinks=True)
        except OSError:
            return False
        finally:
            os.close(folder)
        return True

    def gather(
        self, array: NDArray[Any], begins: NDArray[np.int64], sizes: NDArray[np.int64]
    ) -> NDArray[Any]:
        """Put parts of an array that lies in this file together, without the pages that they stand in.

        A system may bring in 2 MB for one symbol that is read through the map.

        Args:
            array: A part of what `array` gave.
            begins: Where each part begins in it.
            sizes: How many numbers each part has.
        """
        first, width = self.offset(array), array.dtype.itemsize
        places = zip((sizes * width).tolist(), (begins * width + first).tolist(), strict=True)
        raw = b"".join(os.pread(self._descriptor, size, place) for size, place in places)
        return np.frombuffer(raw, array.dtype)


class Spill:
    """Gather bytes, and give them back as one array, which is mapped where they lie in a file.

    The file is where the system keeps temporary ones (``TMPDIR``) and has no name, so nothing is left of it
    when the process ends, however it ends.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._file: IO[bytes] | None = None
        self.size = 0

    def append(self, data: NDArray[Any]) -> None:
        """Add the bytes of an array.

        Raises:
            CorpusError: If the disk is full.
        """
        raw = np.ascontiguousarray(data).view(np.uint8).data
        self.size += len(raw)
        if self._file is None and self.size <= SPILL:
            self._buffer += raw
        else:
            self._write(raw)

    def blocks(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """Yield all bytes in order, `size` at a time."""
        for place in range(0, self.size, size):
            if self._file is None:
                yield np.frombuffer(self._buffer[place : place + size], np.uint8)
            else:
                self._file.seek(place)
                yield np.frombuffer(self._file.read(size), np.uint8)

    def rewrite(self, size: int, change: Callable[[NDArray[np.uint8]], NDArray[Any]]) -> None:
        """Put other bytes where all of them are: a system takes long to make room for a file anew.

        Args:
            size: How many are changed at once.
            change: Gives as many new bytes for some old ones.

        Raises:
            CorpusError: If the disk is full.
        """
        place = 0
        for block in self.blocks(size):
            raw = np.ascontiguousarray(change(block)).view(np.uint8).data
            if self._file is None:
                self._buffer[place : place + len(raw)] = raw
            else:
                self._file.seek(place)
                self._write(raw)
            place += len(raw)

    def array(self, dtype: Any) -> tuple[NDArray[Any], MappedFile | None]:
        """Give all bytes as an array that cannot be written to, and the file that it lies in, if any; once.

        Args:
            dtype: What the bytes are.
        """
        if self._file is None:
            whole = np.frombuffer(self._buffer, dtype)
            whole.flags.writeable = False
            return whole, None
        mapped = MappedFile(self._file)
        self._file.close()
        return mapped.array(dtype), mapped

    def _write(self, raw: memoryview) -> None:
        """Write where the file stands, at once: what waits in a buffer fails where nobody expects it."""
        try:
            if self._file is None:
                self._file = _unnamed_file()
                weakref.finalize(self, self._file.close)
                self._file.write(self._buffer)
                self._buffer = bytearray()
            self._file.write(raw)
            self._file.flush()
        except OSError as error:
            if self._file is not None:
                with contextlib.suppress(OSError):  # it tries once more to write the rest
                    self._file.close()
            raise _no_room(error) from error


def _unnamed_file() -> IO[bytes]:
    """Open a temporary file without a name, one that may get a name later where the system has such files."""
    if OPEN_FILES.exists():
        with contextlib.suppress(OSError):  # the folder's disk has none
            return os.fdopen(os.open(tempfile.gettempdir(), os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")
    return tempfile.TemporaryFile(prefix="unspool-")


def _no_room(error: OSError) -> CorpusError:
    return CorpusError(
        f"the encoded corpus cannot be kept in {tempfile.gettempdir()}",
        got=(error.strerror or str(error)).lower(),
        hint="make room there, or let TMPDIR name a folder with more room",
    )
