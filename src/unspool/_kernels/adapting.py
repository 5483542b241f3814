"""Counts of a text while it is read, native: they raise the probability of what it has said before."""

import numpy as np

from unspool import _native
from unspool._kernels.arrays import Floats, Ids, check_array, check_row


class AdaptiveCounts:
    """What one text, or several one after the other, have said so far.

    A probability p becomes 0.6 p + 0.4 q. Here q is that of counts of the contexts of 4 to 8 symbols that
    were read before, the longest first; each leaves a part to shorter ones, and the shortest to p (prediction
    by partial matching: Cleary and Witten, 1984). So what was never read before keeps its probability. The
    numbers were chosen on tiny Shakespeare's held-out tenth.

    Memory: at most 200 MB; contexts beyond it are not learnt.

    Args:
        end_id: The id that ends a text; no context reaches past it. None for no such id.
    """

    def __init__(self, end_id: int | None) -> None:
        self._native = _native.AdaptiveCounts(-1 if end_id is None else end_id)

    def adapt(self, ids: Ids, nats: Floats) -> Floats:
        """Read on, and return the nats of each id with the counts of all before it.

        Args:
            ids: The ids that are read, int32.  # (N,)
            nats: Their nats without the counts, float32.  # (N,)
        """
        check_row("ids", ids, np.int32)
        check_array("nats", nats, np.float32, ids.shape)
        out = np.empty_like(nats)
        self._native.adapt(ids, nats, out)
        return out
