"""Find the spans that a few texts share with a long one, with the native suffix automaton.

All functions work on token ids; arrays are C-contiguous.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool._kernels.arrays import UNSIGNED, check_row

MOST_IDS = 1 << 30


class Matcher:
    """A search for the longest spans that a few texts share with a long one, which is read once, in parts.

    Memory: about 70 bytes for each id of the few texts, for any length of the long one.

    Args:
        texts: The texts one after the other, int32, with a 0, which never matches, between two.  # (N,)
    """

    def __init__(self, texts: NDArray[np.int32]) -> None:
        check_row("texts", texts, np.int32)
        least, most = (texts.min(), texts.max()) if texts.size else (0, 0)
        if texts.size >= MOST_IDS or not 0 <= least <= most < MOST_IDS:
            got = f"{texts.size:,} from {least:,} to {most:,}"
            raise ValueError(f"texts: expected fewer than {MOST_IDS:,} ids in [0, {MOST_IDS:,}), got {got}")
        self._count, self._native = texts.size, _native.Matcher(texts)

    def scan(self, ids: NDArray[Any]) -> None:
        """Read the next part of the long text, uint8, uint16 or uint32; a match may cross parts."""
        check_row("ids", ids, *UNSIGNED)
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
    check_row("ids", ids, *UNSIGNED)
    check_row("starts", starts, np.int64)
    check_row("ends", ends, np.int64)
    fits = starts.shape == ends.shape and (starts <= ends).all()
    if not fits or (starts.size and not 0 <= starts.min() <= ends.max() <= ids.size):
        raise ValueError(f"records: expected them inside {ids.size} ids")
    out = np.empty(starts.size, np.uint64)
    _native.hash_records(ids, starts, ends, out)
    return out
