"""Read a token stream as parallel lanes, in windows of shape (T, B).

The stream is ``<eos> r1 <eos> r2 <eos> ...``: every token is predicted from the tokens before it, and the
first token of a record from the ``<eos>`` of the record before. The stream is cut into B equal lanes that are
read in parallel, T tokens at a time. There is no padding. The rest that does not fill the lanes, fewer than B
tokens, is left out of the epoch (in line mode other tokens in each epoch).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._errors import ConfigError, CorpusError
from unspool._text.context import kept_attributes
from unspool._text.streams.shuffle import InOrder, ReadingOrder, Shuffled, record_order
from unspool._text.streams.stream import TokenStream

BLOCK = 1 << 19  # tokens of all lanes that are read at once


@dataclass(frozen=True, eq=False)
class Conditions:
    """The conditions that steer the records of a window, in R rows; an array that is not used is None.

    Args:
        records: The row of the record at each input, int32, C-contiguous.  # (T, B)
        context: The context at every step of a record, float32; a row of zeros adds nothing.  # (R, F)
        starts: The vector from which a record's first state is computed, float32.  # (R, D)
        states: The first state itself, float32, in place of `starts`.  # (R, L, S, H)
        sources: The text from which an encoder computes the first state, in the ids of its tokenizer, int32;
            see `padded_sources`.  # (Ts, R)
    """

    records: NDArray[np.int32]
    context: NDArray[np.float32] | None = None
    starts: NDArray[np.float32] | None = None
    states: NDArray[np.float32] | None = None
    sources: NDArray[np.int32] | None = None

    @property
    def num_rows(self) -> int:
        """Return the number of rows, R; 1 without any array."""
        if self.sources is not None:
            return int(self.sources.shape[1])
        array = next((a for a in (self.context, self.starts, self.states) if a is not None), None)
        return 1 if array is None else len(array)


@dataclass(frozen=True, eq=False)
class Window:
    """The input of one step: T tokens of each of B lanes.

    Args:
        ids: The tokens that the network reads, int32, C-contiguous.  # (T, B)
        targets: The tokens to predict, int32, C-contiguous; 0 is padding and is not counted.  # (T, B)
        conditions: The conditions of the records, or None.
    """

    ids: NDArray[np.int32]
    targets: NDArray[np.int32]
    conditions: Conditions | None = None


class Lanes:
    """A token stream that is read in windows, epoch after epoch.

    In line mode the records are shuffled in each epoch; in document mode they keep their order. The order
    depends only on (seed, epoch) and is the same on every machine. So the position in a run is two whole
    numbers: the epoch and the number of windows already read.

    The number of lanes is `batch_size`. If the corpus is too small to give each lane a whole window of
    `sequence_length` tokens, it is the number of whole windows, and at least 1.

    Args:
        stream: The token stream of the corpus.
        batch_size: The wanted number of lanes, 1 or more.
        sequence_length: Tokens of a lane in one window, 1 or more; the last window of an epoch may be
            shorter.
        seed: The seed of the shuffling, 0 or more.
        eos_id: The id of ``<eos>``.
        document: Whether the stream is read in its own order.
        context_dropout: Chance that an attribute of a record is left out in an epoch, in [0, 1).
        part: The number of a process and of how many; it reads its own lanes alone.

    Attributes:
        own: The lanes that are read here, as a slice of all.

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
        part: tuple[int, int] = (0, 1),
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
        number, processes = part
        if self._batch_size < processes:
            expected, got = f"at least {processes}, one for each process", str(self._batch_size)
            hint = "choose a larger batch_size, or fewer processes"
            raise ConfigError("lanes of the training text", expected=expected, got=got, hint=hint)
        self.own = slice(self._batch_size * number // processes, self._batch_size * (number + 1) // processes)

    @property
    def batch_size(self) -> int:
        """Return the number of lanes, B: the wanted number, or fewer for a tiny corpus."""
        return self._batch_size

    @property
    def window_length(self) -> int:
        """Return the number of rows of the longest window: `sequence_length`, or fewer for a tiny corpus."""
        return min(self.sequence_length, self._lane_length)

    @property
    def windows_per_epoch(self) -> int:
        """Return the number of windows of an epoch."""
        return -(-self._lane_length // self.sequence_length)

    def windows(self, epoch: int, start: int = 0) -> Iterator[Window]:
        """Yield the windows of an epoch in order.

        Args:
            epoch: Number of the epoch, from 0.
            start: Number of windows to skip, from 0 to `windows_per_epoch`; the others are exactly the same
                as without skipping.

        Yields:
            Windows of `sequence_length` rows (the last may have fewer) and a column for each own lane.

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
        """Return a function from the first step and the number of steps to the conditions of all lanes."""
        stream, used_attributes = self.stream, None
        if stream.contexts is None and stream.sources is None:
            return None
        if stream.contexts is not None:
            width = stream.contexts.schema.width
            used_attributes = kept_attributes(
                stream.num_records, width, dropout=self.context_dropout, seed=self.seed, epoch=epoch
            )
        begins = self._lane_length * np.arange(self.own.start, self.own.stop)

        def conditions(first: int, steps: int) -> Conditions:
            lanes = [order.records(begin + first, begin + first + steps) for begin in begins.tolist()]
            return conditions_of(stream, np.stack(lanes, axis=1), used_attributes)

        return conditions

    def order(self, epoch: int) -> ReadingOrder:
        """Return the order of an epoch: lane b reads positions b·n to (b + 1)·n of it, with n = N // B."""
        if self.document:
            return InOrder(self.stream)
        return Shuffled(self.stream, record_order(self.stream.num_records, seed=self.seed, epoch=epoch))

    def _block(self, order: ReadingOrder, begin: int, end: int) -> NDArray[np.int32]:
        """Return tokens begin ... end - 1 of every lane, with the token before them in the first row."""
        lanes = range(self.own.start, self.own.stop)
        block = np.empty((end - begin + 1, len(lanes)), np.int32)
        for column, lane in enumerate(lanes):
            first = lane * self._lane_length + begin
            if first:
                block[:, column] = order.ids(first - 1, first + end - begin)
            else:
                block[0, column] = self.eos_id
                block[1:, column] = order.ids(0, end)
        self.stream.give_back()
        return block


def record_of(starts: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the record at each place of a stream.

    Args:
        starts: The place where each record begins, ascending from 0.  # (R,)
        places: Places in the stream; any shape.
    """
    return np.searchsorted(starts, places, side="right") - 1


def conditions_of(
    stream: TokenStream, records: NDArray[np.int64], kept: NDArray[np.bool_] | None = None
) -> Conditions:
    """Return the conditions of a window, with one row for each of its records.

    Args:
        stream: The token stream, with the contexts and sources of its records.
        records: The record at each position.  # (T, B)
        kept: The attributes of every record that are used; None for all known ones.  # (R, width)
    """
    touched, rows = np.unique(records, return_inverse=True)
    numbers: NDArray[np.int32] = np.ascontiguousarray(rows.reshape(records.shape), dtype=np.int32)
    context, starts = (None, None) if stream.contexts is None else stream.contexts.rows(touched, kept)
    sources = None if stream.sources is None else padded_sources(stream.sources, touched)
    return Conditions(numbers, context=context, starts=starts, sources=sources)


def padded_sources(sources: TokenStream, records: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the sources of some records side by side, so that all end in the last row, for an encoder.

    Args:
        sources: The source of every record, each ended by <eos>.
        records: The numbers of R records.

    Returns:
        Zeros, <eos>, and the tokens of the source from the last to the first. So the first tokens of the
        source, with which an answer often begins, are read last (Sutskever, Vinyals and Le, 2014).  # (Ts, R)
    """
    begins = sources.starts[records]
    sizes = np.append(sources.starts, len(sources))[records + 1] - begins  # (R,), with the <eos> of each
    T = int(sizes.max(initial=1))
    rows = np.arange(T)[:, None] - (T - sizes)  # (Ts, R): 0 at a source's <eos>, negative above it
    places = np.where(rows > 0, begins + sizes - 1 - rows, 0)
    eos = int(sources.ids[-1])
    return np.where(rows > 0, sources.ids[places], np.where(rows == 0, eos, 0)).astype(np.int32)
