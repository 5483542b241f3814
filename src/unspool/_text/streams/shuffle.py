"""Read a token stream from any position, in its own order or with its records shuffled, without a copy.

A shuffled stream is never written out. An order is stored as the number of each record (4 bytes) and, for
every `STRIDE`-th record, the number of tokens before it. From there the sizes of the records lead to any
position.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool._text.streams.stream import Ids, TokenStream, compact_dtype

STRIDE = 256  # records from one mark to the next
KEYS_AT_ONCE = 1 << 16  # random numbers drawn at once: they stay in the processor's cache
PLACE_BITS = 1  # least number of last bits of a random number that the record's place replaces
SORTED_AT_ONCE = 1 << 24  # about how many records are sorted at once: it bounds the memory for an order


class ReadingOrder(Protocol):
    """The tokens of an epoch in the order in which they are read."""

    def ids(self, begin: int, end: int) -> Ids:
        """Return the tokens at positions begin ... end - 1.  # (end - begin,)."""

    def records(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the record of the stream, from 0, for each of these tokens.  # (end - begin,)."""


class InOrder:
    """A stream in its own order."""

    def __init__(self, stream: TokenStream) -> None:
        self._stream = stream

    def ids(self, begin: int, end: int) -> Ids:
        """Return the tokens at positions begin ... end - 1.  # (end - begin,)."""
        return self._stream.ids[begin:end]

    def records(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the record of the stream, from 0, for each of these tokens.  # (end - begin,)."""
        first, last = np.searchsorted(self._stream.starts, [begin, end - 1], side="right")
        inside = self._stream.starts[first:last] - begin  # where the next records begin
        places = np.searchsorted(inside, np.arange(end - begin), side="right")
        return places.astype(np.int64) + (int(first) - 1)


class Shuffled:
    """A stream with its records in another order.

    Args:
        stream: The stream, not empty.
        order: The numbers of all records, each once.  # (R,)
    """

    def __init__(self, stream: TokenStream, order: NDArray[Any]) -> None:
        self._stream, self._order = stream, order
        self._marks = _marks(stream, order)  # tokens before records 0, STRIDE, 2 STRIDE, ... and in total

    def ids(self, begin: int, end: int) -> Ids:
        """Return the tokens at positions begin ... end - 1.  # (end - begin,)."""
        records, sizes, skipped = self._cover(begin, end)
        ids = self._stream.gather(self._stream.starts[records] + skipped, sizes)
        self._stream.give_back()
        return ids

    def records(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the record of the stream, from 0, for each of these tokens.  # (end - begin,)."""
        records, sizes, _ = self._cover(begin, end)
        return np.repeat(records, sizes)

    def _cover(self, begin: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the records at some positions, the tokens of each there, and its tokens before them."""
        first = int(np.searchsorted(self._marks, begin, side="right")) - 1
        last = int(np.searchsorted(self._marks, end, side="left"))
        records = self._order[first * STRIDE : last * STRIDE].astype(np.int64)
        sizes = _sizes(self._stream, records)
        ends = np.cumsum(sizes) + self._marks[first]
        part = slice(np.searchsorted(ends, begin, side="right"), np.searchsorted(ends, end, side="left") + 1)
        starts, ends = (ends - sizes)[part], ends[part]
        counts = np.minimum(ends, end) - np.maximum(starts, begin)
        return records[part], counts, np.maximum(begin - starts, 0)


def record_order(num_records: int, *, seed: int, epoch: int) -> NDArray[Any]:
    """Draw the order in which an epoch reads its records.

    Each record gets a random 64-bit number, and the records are sorted by it. Only the generator's raw output
    is used, which NumPy keeps the same from version to version, unlike its `permutation`. Many records are
    sorted in parts, by the leading bits of their numbers, which are drawn again for each part.

    The last bits of each number are replaced by the place of its record before sorting, which takes a third
    of the time of an `argsort`. Records whose numbers differ only in these bits are put in order afterwards.

    Args:
        num_records: Number of records.
        seed: The run's seed, 0 or more.
        epoch: Number of the epoch, from 0.

    Returns:
        A permutation of 0 ... num_records - 1, in uint32 if possible.  # (R,)
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
    out: NDArray[Any], packed: NDArray[np.uint64], low: np.uint64, random: "np.random.SeedSequence"
) -> int:
    """Write the places of a part's records to the start of `out`, sorted, and return their number."""
    packed.sort()
    places = out[: len(packed)]
    np.bitwise_and(packed, (np.uint64(1) << low) - np.uint64(1), out=places, casting="unsafe")
    packed >>= low
    equal = np.flatnonzero(packed[1:] == packed[:-1])
    for run in np.split(equal, np.flatnonzero(np.diff(equal) > 1) + 1) if len(equal) else ():
        tied = places[run[0] : run[-1] + 2]
        tied[:] = tied[np.argsort([_key(random, place) for place in tied.tolist()], kind="stable")]
    return len(packed)


def _part_of_keys(
    num_records: int, part: int, bits: int, low: np.uint64, random: "np.random.SeedSequence"
) -> NDArray[np.uint64]:
    """Draw the numbers of all records and return those whose leading bits are `part`.

    Returns:
        The other bits of these numbers, with the place of the record in the `low` last bits.
    """
    generator = np.random.PCG64(random)
    mean = num_records >> bits
    keys = np.empty(mean + mean // 8, np.uint64)
    count = 0
    for begin in range(0, num_records, KEYS_AT_ONCE):
        drawn = generator.random_raw(min(KEYS_AT_ONCE, num_records - begin))
        in_part = drawn >> np.uint64(64 - bits) == part if bits else slice(None)
        drawn <<= np.uint64(bits)
        drawn >>= low
        drawn <<= low
        drawn |= np.arange(begin, begin + len(drawn), dtype=np.uint64)
        chosen = drawn[in_part]
        if count + len(chosen) > len(keys):  # hardly ever
            keys = np.concatenate([keys, np.empty(len(keys) + len(chosen), np.uint64)])
        keys[count : count + len(chosen)] = chosen
        count += len(chosen)
    return keys[:count]


def _key(random: "np.random.SeedSequence", place: int) -> int:
    """Draw the random number of one record."""
    return int(np.random.PCG64(random).advance(place).random_raw())


def _marks(stream: TokenStream, order: NDArray[Any]) -> NDArray[np.int64]:
    """Count the tokens before every `STRIDE`-th record of an order, and all tokens."""
    counts = _all_sizes(stream)
    sums = [np.zeros(1, np.int64)]
    step = STRIDE * 4096
    for begin in range(0, len(order), step):
        sizes = counts[order[begin : begin + step]]
        sums.append(np.add.reduceat(sizes, np.arange(0, len(sizes), STRIDE), dtype=np.int64))
    return np.cumsum(np.concatenate(sums))


def _all_sizes(stream: TokenStream) -> NDArray[Any]:
    """Count the tokens of each record, in the smallest dtype, so that they stay in the processor's cache.

    Returns:
        Unsigned integers.  # (R,)
    """
    largest = max((int(sizes.max()) for _, sizes in _blocks_of_sizes(stream)), default=0)
    out = np.empty(stream.num_records, compact_dtype(largest))
    for begin, sizes in _blocks_of_sizes(stream):
        out[begin : begin + len(sizes)] = sizes
    return out


def _blocks_of_sizes(stream: TokenStream) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield the number of a record, and the token counts of it and of the following records, in blocks."""
    for begin in range(0, stream.num_records, KEYS_AT_ONCE):
        block_starts = stream.starts[begin : begin + KEYS_AT_ONCE + 1]
        last = len(block_starts) <= KEYS_AT_ONCE  # no record begins where this block ends
        yield begin, np.diff(block_starts, append=len(stream)) if last else np.diff(block_starts)
        stream.give_back()


def _sizes(stream: TokenStream, records: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the tokens of some records, with `<eos>`."""
    last = stream.num_records - 1
    ends = np.where(records < last, stream.starts[np.minimum(records + 1, last)], len(stream))
    return ends - stream.starts[records]
