"""Rows of numbers that grow: in memory while they are short, in a file without a name when they are long."""

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import CorpusError

SPILL = 1 << 25  # bytes from which on a row lies in a file


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
        first = array.__array_interface__["data"][0] - self.array(np.uint8).__array_interface__["data"][0]
        width = array.dtype.itemsize
        places = zip((sizes * width).tolist(), (begins * width + first).tolist(), strict=True)
        raw = b"".join(os.pread(self._descriptor, size, place) for size, place in places)
        return np.frombuffer(raw, array.dtype)


class Spool:
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
            return
        try:
            self._spilled().write(raw)
        except OSError as error:
            raise _no_room(error) from error

    def blocks(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """Yield all bytes in order, `size` at a time."""
        if self._file is None:
            yield from (
                np.frombuffer(self._buffer[i : i + size], np.uint8) for i in range(0, self.size, size)
            )
            return
        self._file.seek(0)
        while block := self._file.read(size):
            yield np.frombuffer(block, np.uint8)

    def array(self, dtype: Any) -> tuple[NDArray[Any], MappedFile | None]:
        """Give all bytes as an array that cannot be written to, and the file that it lies in, if any; once.

        Args:
            dtype: What the bytes are.
        """
        if self._file is None:
            whole = np.frombuffer(self._buffer, dtype)
            whole.flags.writeable = False
            return whole, None
        self._file.flush()
        mapped = MappedFile(self._file)
        self._file.close()
        return mapped.array(dtype), mapped

    def _spilled(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="unspool-")  # noqa: SIM115 (it lives as long as this)
            weakref.finalize(self, self._file.close)
            self._file.write(self._buffer)
            self._buffer = bytearray()
        return self._file


def _no_room(error: OSError) -> CorpusError:
    return CorpusError(
        f"the encoded corpus cannot be kept in {tempfile.gettempdir()}",
        got=(error.strerror or str(error)).lower(),
        hint="make room there, or let TMPDIR name a folder with more room",
    )
