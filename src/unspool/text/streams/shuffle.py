"""Read a token stream from any position on, in its own order or with its records shuffled, without a copy.

A shuffled stream is never laid out. What is kept of an order is the number of each record (4 bytes), and at
every `STRIDE` records how many symbols stand before it; from there the sizes of the records lead on.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool.text.streams.stream import Ids, TokenStream, compact_dtype

STRIDE = 256  # records from one mark to the next
KEYS_AT_ONCE = 1 << 16  # random numbers drawn at once: they stay in the processor's cache
PLACE_BITS = 1  # of a number, at the least, that its place is written over
SORTED_AT_ONCE = 1 << 24  # records sorted at once, about: it bounds the memory that an order takes to make


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

    What is sorted is the numbers with the places of their records written over the last bits, which takes a
    third of the time of an `argsort`. Numbers that only differ in these bits are put right afterwards.

    Args:
        num_records: How many records there are.
        seed: The run's seed, 0 or more.
        epoch: Number of the epoch, from 0.

    Returns:
        A permutation of 0 ... num_records - 1, uint32 where that holds it.  # (R,)
    """
    order = np.empty(num_records, np.min_scalar_type(max(num_records, 1 << 16)))
    bits = (num_records // SORTED_AT_ONCE).bit_length()
    low = np.uint64(max(PLACE_BITS, num_records.bit_length()))
    random = np.random.SeedSequence([seed, epoch])
    done = 0
    for part in range(1 << bits):
        done += _sort_part(order[done:], _part_of_keys(num_records, part, bits, low, random), low, random)
    return order


def _sort_part(
    out: NDArray[Any], packed: NDArray[np.uint64], low: np.uint64, random: np.random.SeedSequence
) -> int:
    """Write the places of a part's records to the beginning of `out`, sorted; give back how many they are."""
    packed.sort()
    places = out[: len(packed)]
    np.bitwise_and(packed, (np.uint64(1) << low) - np.uint64(1), out=places, casting="unsafe")
    packed >>= low
    alike = np.flatnonzero(packed[1:] == packed[:-1])
    for run in np.split(alike, np.flatnonzero(np.diff(alike) > 1) + 1) if len(alike) else ():
        some = places[run[0] : run[-1] + 2]
        some[:] = some[np.argsort([_key(random, place) for place in some.tolist()], kind="stable")]
    return len(packed)


def _part_of_keys(
    num_records: int, part: int, bits: int, low: np.uint64, random: np.random.SeedSequence
) -> NDArray[np.uint64]:
    """Draw the numbers of all records and keep those whose leading bits are `part`.

    Returns:
        Their other bits; in place of the `low` last ones, which number it is.
    """
    generator = np.random.PCG64(random)
    mean = num_records >> bits
    kept = np.empty(mean + mean // 8, np.uint64)
    count = 0
    for begin in range(0, num_records, KEYS_AT_ONCE):
        drawn = generator.random_raw(min(KEYS_AT_ONCE, num_records - begin))
        here = drawn >> np.uint64(64 - bits) == part if bits else slice(None)
        drawn <<= np.uint64(bits)
        drawn >>= low
        drawn <<= low
        drawn |= np.arange(begin, begin + len(drawn), dtype=np.uint64)
        some = drawn[here]
        if count + len(some) > len(kept):  # hardly ever
            kept = np.concatenate([kept, np.empty(len(kept) + len(some), np.uint64)])
        kept[count : count + len(some)] = some
        count += len(some)
    return kept[:count]


def _key(random: np.random.SeedSequence, place: int) -> int:
    """Draw the number of one record."""
    return int(np.random.PCG64(random).advance(place).random_raw())


def _marks(stream: TokenStream, order: NDArray[Any]) -> NDArray[np.int64]:
    """Count the symbols that stand before every `STRIDE`-th record of an order, and all of them."""
    counts = _all_sizes(stream)
    sums = [np.zeros(1, np.int64)]
    step = STRIDE * 4096
    for begin in range(0, len(order), step):
        sizes = counts[order[begin : begin + step]]
        sums.append(np.add.reduceat(sizes, np.arange(0, len(sizes), STRIDE), dtype=np.int64))
    return np.cumsum(np.concatenate(sums))


def _all_sizes(stream: TokenStream) -> NDArray[Any]:
    """Count the symbols of each record, in as few bytes as will do: then they stay in the processor's cache.

    Returns:
        Unsigned integers.  # (R,)
    """
    largest = max((int(sizes.max()) for _, sizes in _blocks_of_sizes(stream)), default=0)
    out = np.empty(stream.num_records, compact_dtype(largest))
    for begin, sizes in _blocks_of_sizes(stream):
        out[begin : begin + len(sizes)] = sizes
    return out


def _blocks_of_sizes(stream: TokenStream) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the number of a record, and the symbols of it and of some that follow."""
    for begin in range(0, stream.num_records, KEYS_AT_ONCE):
        some = stream.starts[begin : begin + KEYS_AT_ONCE + 1]
        last = len(some) <= KEYS_AT_ONCE  # nothing begins where it ends
        yield begin, np.diff(some, append=len(stream)) if last else np.diff(some)
        stream.give_back()


def _sizes(stream: TokenStream, records: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the symbols of some records, `<eos>` included."""
    last = stream.num_records - 1
    ends = np.where(records < last, stream.starts[np.minimum(records + 1, last)], len(stream))
    return ends - stream.starts[records]
