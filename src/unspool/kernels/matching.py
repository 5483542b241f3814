"""Spans that a few texts share with a long one: the face of the native suffix automaton.

Everything here works on token ids; arrays are C-contiguous.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool import _native

UNSIGNED = (np.uint8, np.uint16, np.uint32)
MOST_IDS = 1 << 30


class Matcher:
    """Find the longest spans that a few texts share with a long one, which is read once, part by part.

    Memory: about 70 bytes for each id of the few texts, whatever the length of the long one.

    Args:
        texts: int32, the texts one after the other with a 0, which never matches, between two.  # (N,)
    """

    def __init__(self, texts: NDArray[np.int32]) -> None:
        _check("texts", texts, np.int32)
        if texts.size >= MOST_IDS or (texts.size and texts.min() < 0):
            raise ValueError(f"texts: expected fewer than {MOST_IDS:,} ids ≥ 0, got {texts.size:,}")
        self._count, self._native = texts.size, _native.Matcher(texts)

    def scan(self, ids: NDArray[Any]) -> None:
        """Read the next part of the long text: uint8, uint16 or uint32; a match goes on across parts."""
        _check("ids", ids, *UNSIGNED)
        self._native.scan(ids)

    def matches(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Tell for every position of the texts how long the longest span is that ends there and was read.

        Returns:
            Its length, and the position in the long text after a find of it; 0 for none.  # (N,), (N,)
        """
        lengths, ends = np.empty(self._count, np.int32), np.empty(self._count, np.int64)
        self._native.matches(lengths, ends)
        return lengths, ends


def hash_records(ids: NDArray[Any], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Give a 64-bit number for ids[starts[r]:ends[r]] of each record r, by the values of the ids alone."""
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
    """Raise ValueError unless the array is what the native side will take it for."""
    if array.dtype not in dtypes or array.ndim != 1 or not array.flags.c_contiguous:
        allowed = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise ValueError(f"{name}: expected {allowed} in one row, got {array.dtype} {array.shape}")
