"""Gather a token stream piece by piece in one growing buffer, so that no second copy of it is ever needed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.text.streams import TokenStream, compact_dtype

BLOCK = 1 << 20  # ids recoded at once

Flags = NDArray[np.bool_]


class StreamBuilder:
    """Gather provisional numbers (see `counting`) of records that come piece by piece.

    The numbers lie in the smallest dtype that holds them all. When a larger one comes the buffer grows and
    is recoded in place; so it is when the numbers turn into ids at the end. A bytearray grows without a copy
    where the system can move pages, which NumPy arrays cannot.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._dtype = compact_dtype(0)
        self._size = 0
        self._starts = bytearray(np.zeros(1, np.int64))  # the last one is that of a record yet to come
        self.characters = 0

    def add(
        self, numbers: NDArray[Any], *, lengths: NDArray[np.int64], ends: Flags, characters: NDArray[np.int64]
    ) -> None:
        """Add the symbols of the next pieces.

        Args:
            numbers: Provisional numbers of all pieces, none of them 0, which stands for ``<eos>``.  # (N,)
            lengths: How many of them each piece has.  # (pieces,)
            ends: Whether a record ends with the piece.  # (pieces,)
            characters: How many characters of text each piece has.  # (pieces,)
        """
        self._fit(int(numbers.max(initial=0)))
        joined = np.zeros(len(numbers) + int(ends.sum()), self._dtype)
        eos = (np.cumsum(lengths + ends) - 1)[ends]
        symbols = np.ones(len(joined), np.bool_)
        symbols[eos] = False
        joined[symbols] = numbers
        self._starts += (eos + (self._size + 1)).astype(np.int64).data
        self._buffer += joined.data
        self._size += len(joined)
        self.characters += int(characters.sum())

    def finish(self, table: NDArray[np.uint32], *, symbol_lengths: NDArray[np.int64] | None) -> TokenStream:
        """Turn the numbers into ids and hand the stream over; nothing can be added after that.

        Args:
            table: The id of each number.  # (numbers + 1,)
            symbol_lengths: As in `TokenStream`.
        """
        self._recode(compact_dtype(int(table.max())), table)
        ids = np.frombuffer(self._buffer, self._dtype)
        starts = np.frombuffer(self._starts, np.int64)[:-1]
        ids.flags.writeable = starts.flags.writeable = False
        return TokenStream(ids, starts, self.characters, symbol_lengths)

    @property
    def num_records(self) -> int:
        """Count the records that have ended."""
        return len(self._starts) // 8 - 1

    def _fit(self, largest: int) -> None:
        dtype = compact_dtype(largest)
        if dtype.itemsize > self._dtype.itemsize:
            self._recode(dtype, None)

    def _recode(self, dtype: np.dtype[Any], table: NDArray[np.uint32] | None) -> None:
        """Change the dtype, and the numbers by a table, in place.

        Wider numbers are written from the end and narrower ones from the beginning: then none is
        overwritten before it is read.
        """
        old, self._dtype = self._dtype, dtype
        widens = dtype.itemsize > old.itemsize
        if widens:
            self._buffer += bytes(self._size * (dtype.itemsize - old.itemsize))
        source = np.frombuffer(self._buffer, old, self._size)
        target = np.frombuffer(self._buffer, dtype, self._size)
        blocks = range(0, self._size, BLOCK)
        for begin in reversed(blocks) if widens else blocks:
            numbers = source[begin : begin + BLOCK].copy()
            target[begin : begin + BLOCK] = numbers if table is None else table[numbers]
        del source, target  # a buffer that is looked at cannot change its size
        del self._buffer[self._size * dtype.itemsize :]
