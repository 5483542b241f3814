"""Rows of numbers that grow: in memory while they are short, in a file without a name when they are long."""

import mmap
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import CorpusError

SPILL = 1 << 25  # bytes from which on a row lies in a file


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

    def array(self, dtype: Any) -> tuple[NDArray[Any], mmap.mmap | None]:
        """Give all bytes as an array that cannot be written to, and what it is mapped by, if it is; once.

        Args:
            dtype: What the bytes are.
        """
        if self._file is None:
            whole = np.frombuffer(self._buffer, dtype)
            whole.flags.writeable = False
            return whole, None
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._file.close()  # the map has the file for itself
        return np.frombuffer(mapped, dtype), mapped

    def _spilled(self) -> IO[bytes]:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="unspool-")  # noqa: SIM115 (it lives as long as this)
            weakref.finalize(self, self._file.close)
            self._file.write(self._buffer)
            self._buffer = bytearray()
        return self._file


def give_back_pages(*mapped: mmap.mmap | None) -> None:
    """Let go of the memory that mapped files have taken up by being read, where the system can do so."""
    advice = getattr(mmap, "MADV_DONTNEED", None)
    for each in mapped:
        if each is not None and advice is not None:
            each.madvise(advice)


def _no_room(error: OSError) -> CorpusError:
    return CorpusError(
        f"the encoded corpus cannot be kept in {tempfile.gettempdir()}",
        got=(error.strerror or str(error)).lower(),
        hint="make room there, or let TMPDIR name a folder with more room",
    )
