"""Group many separate texts into padded batches, for scoring them side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_whole
from unspool.text.streams.lanes import Window
from unspool.text.tokenizers.registry import PAD_ID


@dataclass(frozen=True, eq=False)
class PaddedBatch:
    """Hold sequences of similar length side by side, the longest in the last column.

    Column b reads ``<eos> c1 ... cn`` and should predict ``c1 ... cn <eos>``; below that both are 0, which
    is not counted.

    Args:
        indices: Which of the given sequences each column is, int64.  # (B,)
        ids: The stream that they stand in, one after the other, each closed by its ``<eos>``.  # (N,)
        begins: Where each column's sequence begins in it.  # (B,)
        sizes: How many ids it has there, ``<eos>`` included, ascending.  # (B,)
        first_id: What every column reads first.
    """

    indices: NDArray[np.int64]
    ids: NDArray[Any]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]
    first_id: int

    def windows(self, steps: int) -> Iterator[Window]:
        """Yield the batch in windows of at most `steps` rows, which follow each other.  # (T, B)."""
        for top in range(0, int(self.sizes[-1]), steps):
            places, counted = self._places(top, steps)
            targets = np.where(counted, self.ids[places], PAD_ID).astype(np.int32)
            ids = np.where(counted, self.ids[places - 1], PAD_ID).astype(np.int32)
            if top == 0:
                ids[0] = self.first_id
            yield Window(ids=ids, targets=targets)

    def scatter(self, values: NDArray[Any], *, top: int, out: NDArray[Any]) -> None:
        """Write what belongs to the targets of a window to where these stand in the stream.

        Args:
            values: One value for each target of the window.  # (T, B)
            top: Rows of the windows before it.
            out: As long as the stream.  # (N,)
        """
        places, counted = self._places(top, len(values))
        out[places[counted]] = values[counted]

    def _places(self, top: int, steps: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Tell where in the stream the targets of some rows stand, and which of them are no padding."""
        rows = np.arange(top, min(top + steps, int(self.sizes[-1])))[:, None]  # (T, 1)
        counted = rows < self.sizes
        return np.where(counted, self.begins + rows, 0), counted  # (T, B)


def padded_batches(
    ids: NDArray[Any], sizes: NDArray[np.int64], *, max_symbols: int, first_id: int
) -> Iterator[PaddedBatch]:
    """Yield batches of sequences sorted by length, so that little of each batch is padding.

    The results of column b belong to sequence ``indices[b]``: every index comes exactly once.

    Args:
        ids: Token ids of all sequences one after the other, each closed by its ``<eos>``.  # (N,)
        sizes: How many of them belong to each sequence, ``<eos>`` included, so 1 or more.  # (R,)
        max_symbols: Bound on T * B of a batch, 1 or more. A sequence that is longer on its own is not
            refused and not cut: it comes alone, as a batch of one column, and its reader may go through
            it in windows, carrying the state.
        first_id: What stands before the first symbol of each: the id of ``<eos>``, or the last symbol of a
            prompt that all of them go on from.

    Yields:
        Batches from the shortest sequences to the longest; equal lengths keep their order.

    Raises:
        ConfigError: If `max_symbols` is out of its range.
    """
    check("max_symbols", max_symbols, "a whole number ≥ 1", is_whole(max_symbols, least=1))
    return _batches(ids, sizes, max_symbols, first_id)


def _batches(
    ids: NDArray[Any], sizes: NDArray[np.int64], max_symbols: int, first_id: int
) -> Iterator[PaddedBatch]:
    order = np.argsort(sizes, kind="stable")
    ascending, begins = sizes[order], (np.cumsum(sizes) - sizes)[order]
    first = 0
    while first < len(order):
        areas = ascending[first : first + max_symbols] * np.arange(
            1, min(max_symbols, len(order) - first) + 1
        )
        last = first + max(1, int(np.searchsorted(areas, max_symbols, side="right")))
        some = slice(first, last)
        yield PaddedBatch(order[some], ids, begins[some], ascending[some], first_id)
        first = last
