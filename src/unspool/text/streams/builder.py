"""Gather a token stream piece by piece, in memory while it is short and in a file when it is long."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.kernels.lines import recode
from unspool.text.streams.spill import Spill
from unspool.text.streams.stream import TokenStream, compact_dtype

BLOCK = 1 << 20  # ids recoded at once

Flags = NDArray[np.bool_]


class StreamBuilder:
    """Gather provisional numbers (see `counting`) of records that come piece by piece.

    The numbers lie in the smallest dtype that holds them all. When a larger one comes they are recoded, block
    by block; so they are when the numbers turn into ids at the end.
    """

    def __init__(self) -> None:
        self._numbers = Spill()
        self._dtype = compact_dtype(0)
        self._size = 0
        self._starts = Spill()
        self._next = 0  # where the record begins that has not ended yet
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
        if not ends.any():
            nothing = np.empty(0, np.int64)
            self.add_ended(numbers, ends=nothing, characters=int(characters.sum()))
            return
        joined = np.zeros(len(numbers) + int(ends.sum()), numbers.dtype)
        places = np.cumsum(lengths + ends)[ends]
        symbols = np.ones(len(joined), np.bool_)
        symbols[places - 1] = False
        joined[symbols] = numbers
        self.add_ended(joined, ends=places, characters=int(characters.sum()))

    def add_ended(self, numbers: NDArray[Any], *, ends: NDArray[np.int64], characters: int) -> None:
        """Add symbols among which each ``<eos>`` stands already, as 0.

        Args:
            numbers: Provisional numbers.  # (N,)
            ends: Where each record ends, after its zero, ascending.  # (records that end,)
            characters: How many characters of text they stand for.
        """
        if numbers.itemsize > self._dtype.itemsize:  # it may hold small ones all the same
            self._fit(int(numbers.max(initial=0)))
        self._numbers.append(numbers.astype(self._dtype, copy=False))
        if len(ends):
            starts = np.concatenate([[self._next], ends[:-1] + self._size])
            self._starts.append(starts.astype(np.int64, copy=False))
            self._next = self._size + int(ends[-1])
        self._size += len(numbers)
        self.characters += characters

    def finish(self, table: NDArray[np.uint32], *, symbol_lengths: NDArray[np.int64] | None) -> TokenStream:
        """Turn the numbers into ids and hand the stream over; nothing can be added after that.

        Args:
            table: The id of each number.  # (numbers + 1,)
            symbol_lengths: As in `TokenStream`.
        """
        self._recode(compact_dtype(int(table.max())), table)
        ids, ids_file = self._numbers.array(self._dtype)
        starts, starts_file = self._starts.array(np.int64)
        return TokenStream(
            ids, starts, self.characters, symbol_lengths, ids_file=ids_file, starts_file=starts_file
        )

    @property
    def num_records(self) -> int:
        """Count the records that have ended."""
        return self._starts.size // 8

    def _fit(self, largest: int) -> None:
        dtype = compact_dtype(largest)
        if dtype.itemsize > self._dtype.itemsize:
            self._recode(dtype, None)

    def _recode(self, dtype: np.dtype[Any], table: NDArray[np.uint32] | None) -> None:
        """Change the dtype, and the numbers by a table."""
        old, numbers = self._dtype, self._numbers
        narrow = None if table is None else table.astype(dtype)

        def changed(raw: NDArray[np.uint8]) -> NDArray[Any]:
            block: NDArray[Any] = raw.view(old)
            return block.astype(dtype) if narrow is None else recode(block, narrow)

        if dtype == old:
            numbers.rewrite(BLOCK * old.itemsize, changed)
            return
        self._dtype, self._numbers = dtype, Spill()
        for raw in numbers.blocks(BLOCK * old.itemsize):
            self._numbers.append(changed(raw))
