"""Lay a token stream out as parallel lanes and read it in windows of shape (T, B).

The stream is ``<eos> r1 <eos> r2 <eos> ...``: every symbol is predicted from what stands before it, and
the first symbol of a record from the ``<eos>`` that ended the one before. It is cut into B equal lanes
that are read side by side, T symbols at a time. Nothing is padded. What does not fill the lanes, B - 1
symbols at most, is left out of the epoch (line mode leaves out other ones each epoch).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_whole
from unspool.errors import CorpusError
from unspool.text.reading_order import InOrder, ReadingOrder, Shuffled, record_order
from unspool.text.streams import TokenStream

BLOCK = 1 << 19  # symbols of all lanes that are gathered at once


@dataclass(frozen=True, eq=False)
class Window:
    """Hold one step's input: T symbols of each of B lanes.

    Args:
        ids: What the network reads, int32, C-contiguous.  # (T, B)
        targets: What it should predict, int32, C-contiguous; 0 is padding and not counted.  # (T, B)
    """

    ids: NDArray[np.int32]
    targets: NDArray[np.int32]


class Lanes:
    """Read a token stream in windows, epoch after epoch.

    In line mode the records are shuffled anew in each epoch; in document mode they keep their order. The
    order is a function of (seed, epoch) alone, the same on every machine, so a cursor that can be saved
    is two whole numbers: the epoch and the number of windows already read.

    The number of lanes is `batch_size`, but where the corpus is too small to give each of them a whole
    window of `sequence_length` symbols it is the number of whole windows there are, and at least 1.

    Args:
        stream: The corpus.
        batch_size: Lanes wanted, 1 or more.
        sequence_length: Symbols of a lane in one window, 1 or more; an epoch's last window may be shorter.
        seed: What the shuffling comes from, 0 or more.
        eos_id: The id of ``<eos>``.
        document: Whether the stream is read in its own order.

    Raises:
        ConfigError: If an argument is out of its range.
        CorpusError: If the stream is empty.
    """

    def __init__(
        self,
        stream: TokenStream,
        *,
        batch_size: int,
        sequence_length: int,
        seed: int,
        eos_id: int,
        document: bool,
    ) -> None:
        check("batch_size", batch_size, "a whole number ≥ 1", is_whole(batch_size, least=1))
        check("sequence_length", sequence_length, "a whole number ≥ 1", is_whole(sequence_length, least=1))
        check("seed", seed, "a whole number ≥ 0", is_whole(seed, least=0))
        if len(stream) == 0:
            raise CorpusError("the corpus is empty", expected="at least one record to make lanes of")
        self.stream = stream
        self.sequence_length = sequence_length
        self.seed = seed
        self.eos_id = eos_id
        self.document = document
        self._batch_size = max(1, min(batch_size, len(stream) // sequence_length))
        self._lane_length = len(stream) // self._batch_size

    @property
    def batch_size(self) -> int:
        """Give the number of lanes, B: what was asked for, or fewer where the corpus is tiny."""
        return self._batch_size

    @property
    def windows_per_epoch(self) -> int:
        """Count the windows of an epoch."""
        return -(-self._lane_length // self.sequence_length)

    @property
    def targets_per_epoch(self) -> int:
        """Count the symbols that are predicted in an epoch."""
        return self._batch_size * self._lane_length

    def windows(self, epoch: int, start: int = 0) -> Iterator[Window]:
        """Yield an epoch's windows in order.

        Args:
            epoch: Number of the epoch, from 0.
            start: Windows to leave out, from 0 to `windows_per_epoch`: what comes is exactly what would
                have come after them.

        Yields:
            Windows of `sequence_length` rows (the last may have fewer) and `batch_size` columns.

        Raises:
            ConfigError: If `epoch` or `start` is out of its range.
        """
        last = self.windows_per_epoch
        check("epoch", epoch, "a whole number ≥ 0", is_whole(epoch, least=0))
        in_range = is_whole(start, least=0) and start <= last
        check("start", start, f"a whole number from 0 to {last}", in_range)
        return self._read(epoch, start)

    def _read(self, epoch: int, start: int) -> Iterator[Window]:
        order = self.order(epoch)
        T, B, n = self.sequence_length, self._batch_size, self._lane_length
        rows = T * max(1, BLOCK // (T * B))
        for begin in range(start * T, n, rows):
            block = self._block(order, begin, min(begin + rows, n))
            for first in range(0, len(block) - 1, T):
                symbols = block[first : first + T + 1]  # (T + 1, B)
                yield Window(ids=symbols[:-1], targets=symbols[1:])

    def order(self, epoch: int) -> ReadingOrder:
        """Give the order of an epoch: lane b reads its positions b·n to (b + 1)·n, n being N // B."""
        if self.document:
            return InOrder(self.stream)
        return Shuffled(self.stream, record_order(self.stream.num_records, seed=self.seed, epoch=epoch))

    def _block(self, order: ReadingOrder, begin: int, end: int) -> NDArray[np.int32]:
        """Read the symbols begin ... end - 1 of every lane, in a row above them what stands before."""
        block = np.empty((end - begin + 1, self._batch_size), np.int32)
        for lane in range(self._batch_size):
            first = lane * self._lane_length + begin
            if first:
                block[:, lane] = order.ids(first - 1, first + end - begin)
            else:
                block[0, lane] = self.eos_id
                block[1:, lane] = order.ids(0, end)
        self.stream.give_back()
        return block
