"""Group many separate texts into padded batches, for scoring them side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_whole
from unspool.text.lanes import Window
from unspool.text.tokenizers import PAD_ID


@dataclass(frozen=True, eq=False)
class PaddedBatch:
    """Hold sequences of similar length side by side.

    Args:
        indices: Which of the given sequences each column is, int64.  # (B,)
        window: Column b reads ``<eos> c1 ... cn`` and should predict ``c1 ... cn <eos>``; below that both
            are 0, which is not counted.  # (T, B), T = the longest sequence + 1
    """

    indices: NDArray[np.int64]
    window: Window


def padded_batches(
    sequences: Sequence[NDArray[Any]], *, max_symbols: int, eos_id: int
) -> Iterator[PaddedBatch]:
    """Yield batches of sequences sorted by length, so that little of each batch is padding.

    The results of column b belong to sequence ``indices[b]``: every index comes exactly once.

    Args:
        sequences: Token ids without ``<eos>``, one array for each text; an empty one is allowed.
        max_symbols: Bound on T * B of a batch, 1 or more. A sequence that is longer on its own is not
            refused and not cut: it comes alone, as a batch of one column, and its reader may go through
            the window in parts, carrying the state.
        eos_id: The id of ``<eos>``.

    Yields:
        Batches from the shortest sequences to the longest; equal lengths keep their order.

    Raises:
        ConfigError: If `max_symbols` is out of its range.
    """
    check("max_symbols", max_symbols, "a whole number ≥ 1", is_whole(max_symbols, least=1))
    return _batches(sequences, max_symbols, eos_id)


def _batches(sequences: Sequence[NDArray[Any]], max_symbols: int, eos_id: int) -> Iterator[PaddedBatch]:
    rows = np.fromiter((len(sequence) + 1 for sequence in sequences), np.int64, len(sequences))
    order = np.argsort(rows, kind="stable")
    first = 0
    while first < len(order):
        last = first + 1
        while last < len(order) and rows[order[last]] * (last + 1 - first) <= max_symbols:
            last += 1
        indices = order[first:last]
        yield PaddedBatch(indices, _padded([sequences[i] for i in indices], eos_id))
        first = last


def _padded(sequences: Sequence[NDArray[Any]], eos_id: int) -> Window:
    """Stand sequences side by side, the longest of which is the last."""
    shape = (len(sequences[-1]) + 1, len(sequences))  # (T, B)
    ids, targets = np.full(shape, PAD_ID, np.int32), np.full(shape, PAD_ID, np.int32)
    ids[0] = eos_id
    for column, sequence in enumerate(sequences):
        ids[1 : len(sequence) + 1, column] = sequence
        targets[: len(sequence), column] = sequence
        targets[len(sequence), column] = eos_id
    return Window(ids, targets)
