"""Find the spans that a few texts share with a long one, with the native suffix automaton.

All functions work on token ids; arrays are C-contiguous.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool import _native

UNSIGNED = (np.uint8, np.uint16, np.uint32)
MOST_IDS = 1 << 30


class Matcher:
    """A search for the longest spans that a few texts share with a long one, which is read once, in parts.

    Memory: about 70 bytes for each id of the few texts, for any length of the long one.

    Args:
        texts: The texts one after the other, int32, with a 0, which never matches, between two.  # (N,)
    """

    def __init__(self, texts: NDArray[np.int32]) -> None:
        _check("texts", texts, np.int32)
        if texts.size >= MOST_IDS or (texts.size and texts.min() < 0):
            raise ValueError(f"texts: expected fewer than {MOST_IDS:,} ids ≥ 0, got {texts.size:,}")
        self._count, self._native = texts.size, _native.Matcher(texts)

    def scan(self, ids: NDArray[Any]) -> None:
        """Read the next part of the long text, uint8, uint16 or uint32; a match may cross parts."""
        _check("ids", ids, *UNSIGNED)
        self._native.scan(ids)

    def matches(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the longest span of the part read so far that ends at each position of the texts.

        Returns:
            The length of the span, and the position after one place of it in the long text; 0 for
            none.  # (N,), (N,)
        """
        lengths, ends = np.empty(self._count, np.int32), np.empty(self._count, np.int64)
        self._native.matches(lengths, ends)
        return lengths, ends


def hash_records(ids: NDArray[Any], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of ids[starts[r]:ends[r]] for each record r; it does not depend on their dtype.

    Args:
        ids: The ids of all records, uint8, uint16 or uint32.  # (N,)
        starts: The start of each record.  # (R,)
        ends: The end of each record.  # (R,)
    """
    _check("ids", ids, *UNSIGNED)
    _check("starts", starts, np.int64)
    _check("ends", ends, np.int64)
    fits = starts.shape == ends.shape and (starts <= ends).all()
    if not fits or (starts.size and not 0 <= starts.min() <= ends.max() <= ids.size):
        raise ValueError(f"records: expected them inside {ids.size} ids")
    out = np.empty(starts.size, np.uint64)
    _native.hash_records(ids, starts, ends, out)
    return out


def _check(name: str, array: NDArray[Any], *dtypes: type[np.generic]) -> None:
    """Raise ValueError unless the array is one that the native side can read."""
    if array.dtype not in dtypes or array.ndim != 1 or not array.flags.c_contiguous:
        allowed = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise ValueError(f"{name}: expected {allowed} in one row, got {array.dtype} {array.shape}")
