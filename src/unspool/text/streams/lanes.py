"""Lay a token stream out as parallel lanes and read it in windows of shape (T, B).

The stream is ``<eos> r1 <eos> r2 <eos> ...``: every symbol is predicted from what stands before it, and
the first symbol of a record from the ``<eos>`` that ended the one before. It is cut into B equal lanes
that are read side by side, T symbols at a time. Nothing is padded. What does not fill the lanes, B - 1
symbols at most, is left out of the epoch (line mode leaves out other ones each epoch).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_whole
from unspool.errors import CorpusError
from unspool.text.context import kept_attributes
from unspool.text.streams.shuffle import InOrder, ReadingOrder, Shuffled, record_order
from unspool.text.streams.stream import TokenStream

BLOCK = 1 << 19  # symbols of all lanes that are gathered at once


@dataclass(frozen=True, eq=False)
class Conditions:
    """Hold what steers the records of a window, which share R rows of it; what is None is not given.

    Args:
        records: The row of the record that each input stands in, int32, C-contiguous.  # (T, B)
        context: What is said at every step of a record, float32; a row of zeros says nothing.  # (R, F)
        starts: The vector that a record's first state is worked from, float32.  # (R, D)
        states: That first state itself, float32, in place of `starts`.  # (R, L, S, H)
        sources: The text that an encoder works that state from, as ids of its own, int32; see
            `padded_sources`.  # (Ts, R)
    """

    records: NDArray[np.int32]
    context: NDArray[np.float32] | None = None
    starts: NDArray[np.float32] | None = None
    states: NDArray[np.float32] | None = None
    sources: NDArray[np.int32] | None = None

    @property
    def num_rows(self) -> int:
        """Count the rows, R; 1 where nothing is given."""
        if self.sources is not None:
            return int(self.sources.shape[1])
        given = next((a for a in (self.context, self.starts, self.states) if a is not None), None)
        return 1 if given is None else len(given)


@dataclass(frozen=True, eq=False)
class Window:
    """Hold one step's input: T symbols of each of B lanes.

    Args:
        ids: What the network reads, int32, C-contiguous.  # (T, B)
        targets: What it should predict, int32, C-contiguous; 0 is padding and not counted.  # (T, B)
        conditions: What steers its records, or None.
    """

    ids: NDArray[np.int32]
    targets: NDArray[np.int32]
    conditions: Conditions | None = None


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
        context_dropout: Chance of each attribute of a record to be left unsaid in an epoch, in [0, 1).

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
        context_dropout: float = 0.0,
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
        self.context_dropout = context_dropout
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
        steering = self._steering(epoch, order)
        T, B, n = self.sequence_length, self._batch_size, self._lane_length
        rows = T * max(1, BLOCK // (T * B))
        for begin in range(start * T, n, rows):
            block = self._block(order, begin, min(begin + rows, n))
            for first in range(0, len(block) - 1, T):
                symbols = block[first : first + T + 1]  # (T + 1, B)
                conditions = None if steering is None else steering(begin + first, len(symbols) - 1)
                yield Window(ids=symbols[:-1], targets=symbols[1:], conditions=conditions)

    def _steering(self, epoch: int, order: ReadingOrder) -> Callable[[int, int], Conditions] | None:
        """Make what tells the conditions of some steps of all lanes, by the first and their number."""
        stream, kept = self.stream, None
        if stream.contexts is None and stream.sources is None:
            return None
        if stream.contexts is not None:
            width = stream.contexts.schema.width
            kept = kept_attributes(
                stream.num_records, width, dropout=self.context_dropout, seed=self.seed, epoch=epoch
            )
        begins = self._lane_length * np.arange(self._batch_size)

        def conditions(first: int, steps: int) -> Conditions:
            lanes = [order.records(begin + first, begin + first + steps) for begin in begins.tolist()]
            return conditions_of(stream, np.stack(lanes, axis=1), kept)

        return conditions

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


def record_of(starts: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tell which record each place of a stream stands in.

    Args:
        starts: Where each record begins, ascending from 0.  # (R,)
        places: Any shape.
    """
    return np.searchsorted(starts, places, side="right") - 1


def conditions_of(
    stream: TokenStream, records: NDArray[np.int64], kept: NDArray[np.bool_] | None = None
) -> Conditions:
    """Say what steers a window: what is known about each of its records, once.

    Args:
        stream: The records with what is known about them.
        records: The record that each position stands in.  # (T, B)
        kept: What is said of every record; None for all that is known.  # (R, width)
    """
    touched, rows = np.unique(records, return_inverse=True)
    numbers: NDArray[np.int32] = np.ascontiguousarray(rows.reshape(records.shape), dtype=np.int32)
    context, starts = (None, None) if stream.contexts is None else stream.contexts.rows(touched, kept)
    sources = None if stream.sources is None else padded_sources(stream.sources, touched)
    return Conditions(numbers, context=context, starts=starts, sources=sources)


def padded_sources(sources: TokenStream, records: NDArray[np.int64]) -> NDArray[np.int32]:
    """Put the sources of some records side by side as an encoder reads them, so that all end in the last row.

    Args:
        sources: The source of every record, each closed by <eos>.
        records: R of them.

    Returns:
        Zeros, <eos>, and the symbols of the source from its last to its first, so that what an answer begins
        with was read a moment ago (Sutskever, Vinyals and Le, 2014).  # (Ts, R)
    """
    begins = sources.starts[records]
    sizes = np.append(sources.starts, len(sources))[records + 1] - begins  # (R,) the <eos> of each included
    T = int(sizes.max(initial=1))
    rows = np.arange(T)[:, None] - (T - sizes)  # (Ts, R) 0 where a source's <eos> stands, less above
    places = np.where(rows > 0, begins + sizes - 1 - rows, 0)
    eos = int(sources.ids[-1])
    return np.where(rows > 0, sources.ids[places], np.where(rows == 0, eos, 0)).astype(np.int32)
