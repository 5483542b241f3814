"""Group many separate texts into padded batches, to score them in parallel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._text.streams.lanes import Window
from unspool._text.tokenizers.registry import PAD_ID


@dataclass(frozen=True, eq=False)
class PaddedBatch:
    """Sequences of similar length side by side, the longest in the last column.

    Column b reads ``<eos> c1 ... cn`` and should predict ``c1 ... cn <eos>``. The rows below are 0 in both,
    and are not counted.

    Args:
        indices: The index of each column's sequence, int64.  # (B,)
        ids: The stream of all sequences one after the other, each ended by its ``<eos>``.  # (N,)
        begins: The place in the stream where each column's sequence begins.  # (B,)
        sizes: The number of ids of each sequence, with its ``<eos>``, ascending.  # (B,)
        first_id: The id that every column reads first.
    """

    indices: NDArray[np.int64]
    ids: NDArray[Any]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]
    first_id: int

    def windows(self, steps: int) -> Iterator[Window]:
        """Yield the batch in consecutive windows of at most `steps` rows.  # (T, B)."""
        for top in range(0, int(self.sizes[-1]), steps):
            places, counted = self._places(top, steps)
            targets = np.where(counted, self.ids[places], PAD_ID).astype(np.int32)
            ids = np.where(counted, self.ids[places - 1], PAD_ID).astype(np.int32)
            if top == 0:
                ids[0] = self.first_id
            yield Window(ids=ids, targets=targets)

    def scatter(self, values: NDArray[Any], *, top: int, out: NDArray[Any]) -> None:
        """Write the values of a window's targets to the places of these targets in the stream.

        Args:
            values: One value for each target of the window.  # (T, B)
            top: Number of rows in the windows before this one.
            out: The array that is changed, as long as the stream.  # (N,)
        """
        places, counted = self._places(top, len(values))
        out[places[counted]] = values[counted]

    def _places(self, top: int, steps: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the places in the stream of the targets of some rows, and which of them are not padding."""
        rows = np.arange(top, min(top + steps, int(self.sizes[-1])))[:, None]  # (T, 1)
        counted = rows < self.sizes
        return np.where(counted, self.begins + rows, 0), counted  # (T, B)


def padded_batches(
    ids: NDArray[Any],
    sizes: NDArray[np.int64],
    *,
    max_symbols: int,
    first_id: int,
    max_columns: int | None = None,
) -> Iterator[PaddedBatch]:
    """Yield batches of sequences sorted by length, so that each batch has little padding.

    The results of column b belong to sequence ``indices[b]``; every index comes exactly once.

    Args:
        ids: The token ids of all sequences one after the other, each ended by its ``<eos>``.  # (N,)
        sizes: The number of ids of each sequence, with its ``<eos>``, so 1 or more.  # (R,)
        max_symbols: Upper bound on T * B of a batch, 1 or more. A sequence that is longer is neither refused
            nor cut: it comes alone, as a batch of one column, and can be read in windows that carry the state
            on.
        first_id: The id before the first token of each sequence: the id of ``<eos>``, or the last token of a
            prompt that all sequences continue.
        max_columns: Upper bound on B of a batch, 1 or more; None for no bound of its own.

    Yields:
        Batches from the shortest sequences to the longest; sequences of equal length keep their order.

    Raises:
        ConfigError: If `max_symbols` is out of its range.
    """
    check("max_symbols", max_symbols, "a whole number ≥ 1", is_whole(max_symbols, least=1))
    return _batches(ids, sizes, max_symbols, min(max_symbols, max_columns or max_symbols), first_id)


def _batches(
    ids: NDArray[Any], sizes: NDArray[np.int64], max_symbols: int, max_columns: int, first_id: int
) -> Iterator[PaddedBatch]:
    order = np.argsort(sizes, kind="stable")
    ascending, begins = sizes[order], (np.cumsum(sizes) - sizes)[order]
    first = 0
    while first < len(order):
        columns = min(max_columns, len(order) - first)
        areas = ascending[first : first + columns] * np.arange(1, columns + 1)
        last = first + max(1, int(np.searchsorted(areas, max_symbols, side="right")))
        batch = slice(first, last)
        yield PaddedBatch(order[batch], ids, begins[batch], ascending[batch], first_id)
        first = last
