"""A file that is read where it lies, without a copy in memory."""

import mmap
import os
import weakref
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unspool._system import link_open_file, read_at, release_pages


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
        """Return the whole file as a read-only array."""
        return np.frombuffer(self._map, dtype)

    def give_back(self) -> None:
        """Release the memory that reading has filled, where the system can do so."""
        release_pages(self._map)

    def offset(self, array: NDArray[Any]) -> int:
        """Return the byte of this file at which a part of its array begins."""
        whole = self.array(np.uint8).__array_interface__["data"][0]
        return int(array.__array_interface__["data"][0]) - int(whole)

    @property
    def size(self) -> int:
        """Count the bytes."""
        return len(self._map)

    def link(self, path: Path) -> bool:
        """Link the file to a name, so that nothing need be copied.

        Returns:
            Whether that was done: some systems cannot, and none can where the name lies on another disk.
        """
        return link_open_file(self._descriptor, path)

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
        raw = b"".join(read_at(self._descriptor, place, size) for size, place in places)
        return np.frombuffer(raw, array.dtype)
