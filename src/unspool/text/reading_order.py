"""Read a token stream from any position on, in its own order or with its records shuffled, without a copy.

A shuffled stream is never laid out. What is kept of an order is the number of each record (4 bytes), and at
every `STRIDE` records how many symbols stand before it; from there the sizes of the records lead on.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool.text.streams import Ids, TokenStream

STRIDE = 256  # records from one mark to the next
KEYS_AT_ONCE = 1 << 20  # random numbers drawn at once
PLACE_BITS = 1  # of a number, at the least, that its place is written over
SORTED_AT_ONCE = 1 << 22  # records sorted at once, about: it bounds the memory that an order takes to make


class ReadingOrder(Protocol):
    """Give the symbols of an epoch by their positions in it."""

    def ids(self, begin: int, end: int) -> Ids:
        """Give the symbols at positions begin ... end - 1.  # (end - begin,)."""

    def records(self, begin: int, end: int) -> NDArray[np.int64]:
        """Tell which record of the stream, from 0, each of these symbols belongs to.  # (end - begin,)."""


class InOrder:
    """Read a stream in its own order."""

    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream

    def ids(self, begin: int, end: int) -> Ids:
        """Give the symbols at positions begin ... end - 1.  # (end - begin,)."""
        return self._stream.ids[begin:end]

    def records(self, begin: int, end: int) -> NDArray[np.int64]:
        """Tell which record each of these symbols belongs to.  # (end - begin,)."""
        first, last = np.searchsorted(self._stream.starts, [begin, end - 1], side="right")
        inside = self._stream.starts[first:last] - begin  # where others begin
        places = np.searchsorted(inside, np.arange(end - begin), side="right")
        return places.astype(np.int64) + (int(first) - 1)


class Shuffled:
    """Read a stream with its records in another order.

    Args:
        stream: The stream, not empty.
        order: The numbers of its records, each once.  # (R,)
    """

    def __init__(self, stream: TokenStream, order: NDArray[Any]) -> None:
        self._stream, self._order = stream, order
        self._marks = _marks(stream, order)  # symbols before the records 0, STRIDE, 2 STRIDE, ... and in all

    def ids(self, begin: int, end: int) -> Ids:
        """Give the symbols at positions begin ... end - 1.  # (end - begin,)."""
        records, sizes, skipped = self._cover(begin, end)
        ids = self._stream.gather(self._stream.starts[records] + skipped, sizes)
        self._stream.give_back()
        return ids

    def records(self, begin: int, end: int) -> NDArray[np.int64]:
        """Tell which record each of these symbols belongs to.  # (end - begin,)."""
        records, sizes, _ = self._cover(begin, end)
        return np.repeat(records, sizes)

    def _cover(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Give the records at some positions, how much of each stands there, and how much of it before."""
        first = int(np.searchsorted(self._marks, begin, side="right")) - 1
        last = int(np.searchsorted(self._marks, end, side="left"))
        records = self._order[first * STRIDE : last * STRIDE].astype(np.int64)
        sizes = _sizes(self._stream, records)
        ends = np.cumsum(sizes) + self._marks[first]
        some = slice(np.searchsorted(ends, begin, side="right"), np.searchsorted(ends, end, side="left") + 1)
        starts, ends = (ends - sizes)[some], ends[some]
        here = np.minimum(ends, end) - np.maximum(starts, begin)
        return records[some], here, np.maximum(begin - starts, 0)


def record_order(num_records: int, *, seed: int, epoch: int) -> NDArray[Any]:
    """Draw the order in which an epoch reads its records.

    Each record gets a random 64-bit number and the records are sorted by it. Only the generator's raw
    output is used, which NumPy keeps the same from version to version, unlike its `permutation`. Many
    records are sorted in parts, by the leading bits of their numbers, which are drawn anew for each part.

    Args:
        num_records: How many records there are.
        seed: The run's seed, 0 or more.
        epoch: Number of the epoch, from 0.

    Returns:
        A permutation of 0 ... num_records - 1, uint32 where that holds it.  # (R,)
    """
    order = np.empty(num_records, np.min_scalar_type(max(num_records, 1 << 16)))
    bits = (num_records // SORTED_AT_ONCE).bit_length()
    done = 0
    for part in range(1 << bits):
        places, keys = _part_of_keys(num_records, part, bits, np.random.SeedSequence([seed, epoch]))
        order[done : done + len(places)] = places[_sorted_places(keys, bits)]
        done += len(places)
    return order


def _sorted_places(keys: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """Give what ``np.argsort(keys, kind="stable")`` gives, in a third of the time.

    The place of each number is written over its last bits, so that one sort of numbers does it. Numbers that
    only differ in these bits, which hardly ever come, are put right afterwards.

    Args:
        keys: Numbers whose leading bits are all the same.  # (N,)
        bits: How many these are.
    """
    low = np.uint64(max(PLACE_BITS, len(keys).bit_length()))
    packed = keys << np.uint64(bits) >> low << low
    packed |= np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    places = (packed & ((np.uint64(1) << low) - np.uint64(1))).astype(np.int64)
    packed >>= low
    alike = np.flatnonzero(packed[1:] == packed[:-1])
    for run in np.split(alike, np.flatnonzero(np.diff(alike) > 1) + 1) if len(alike) else ():
        some = places[run[0] : run[-1] + 2]
        some[:] = some[np.argsort(keys[some], kind="stable")]
    return places


def _part_of_keys(
    num_records: int, part: int, bits: int, seed: np.random.SeedSequence
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Draw the numbers of all records and keep those whose leading bits are `part`."""
    generator = np.random.PCG64(seed)
    places, keys = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for begin in range(0, num_records, KEYS_AT_ONCE):
        drawn = generator.random_raw(min(KEYS_AT_ONCE, num_records - begin))
        here = np.flatnonzero(drawn >> np.uint64(64 - bits) == part) if bits else np.arange(len(drawn))
        places.append(here + begin)
        keys.append(drawn[here])
    return np.concatenate(places), np.concatenate(keys)


def _marks(stream: TokenStream, order: NDArray[Any]) -> NDArray[np.int64]:
    """Count the symbols that stand before every `STRIDE`-th record of an order, and all of them."""
    counts = _all_sizes(stream)
    sums = [np.zeros(1, np.int64)]
    step = STRIDE * 4096
    for begin in range(0, len(order), step):
        sizes = counts[order[begin : begin + step]].astype(np.int64)
        sums.append(np.add.reduceat(sizes, np.arange(0, len(sizes), STRIDE)))
    return np.cumsum(np.concatenate(sums))


def _all_sizes(stream: TokenStream) -> NDArray[Any]:
    """Count the symbols of each record, in half the memory of the starts.  # (R,)."""
    sizes = np.empty(stream.num_records, np.uint32 if len(stream) < 1 << 32 else np.int64)
    for begin in range(0, len(sizes), KEYS_AT_ONCE):
        records = np.arange(begin, min(begin + KEYS_AT_ONCE, len(sizes)))
        sizes[begin : begin + KEYS_AT_ONCE] = _sizes(stream, records)
        stream.give_back()
    return sizes


def _sizes(stream: TokenStream, records: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the symbols of some records, `<eos>` included."""
    last = stream.num_records - 1
    ends = np.where(records < last, stream.starts[np.minimum(records + 1, last)], len(stream))
    return ends - stream.starts[records]
