"""Build a token stream piece by piece: in memory while it is short, in a file when it is long."""

import contextlib
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import CorpusError
from unspool._kernels.lines import recode
from unspool._system import unnamed_file
from unspool._text.streams.mapped_file import MappedFile
from unspool._text.streams.stream import TokenStream, compact_dtype, tail_cut

SPILL = 1 << 25  # bytes from which on a row lies in a file
BLOCK = 1 << 20  # ids that are recoded at once

Flags = NDArray[np.bool_]


class StreamBuilder:
    """A builder that collects provisional numbers (see `counting`) of records that come piece by piece.

    The numbers are stored in the smallest dtype that holds them all. When a larger number comes, they are
    recoded block by block. In the same way they become ids at the end.
    """

    def __init__(self) -> None:
        self._numbers = Spill()
        self._dtype = compact_dtype(0)
        self._size = 0
        self._starts = Spill()
        self._spelling = Spill()
        self._next = 0  # where the unfinished record begins
        self.characters = 0

    def add(
        self,
        numbers: NDArray[Any],
        *,
        lengths: NDArray[np.int64],
        ends: Flags,
        characters: NDArray[np.int64],
        spelling: NDArray[np.float32] | None = None,
    ) -> None:
        """Add the tokens of the next pieces.

        Args:
            numbers: Provisional numbers of all pieces. None of them is 0, which stands for ``<eos>``.  # (N,)
            lengths: The number of tokens in each piece.  # (pieces,)
            ends: Whether a record ends with each piece.  # (pieces,)
            characters: The number of characters of text in each piece.  # (pieces,)
            spelling: Nats to spell each ``<unk>`` of all pieces, in their order, or None.  # (<unk>s,)
        """
        if not ends.any():
            nothing = np.empty(0, np.int64)
            self.add_ended(numbers, ends=nothing, characters=int(characters.sum()), spelling=spelling)
            return
        joined = np.zeros(len(numbers) + int(ends.sum()), numbers.dtype)
        places = np.cumsum(lengths + ends)[ends]
        symbols = np.ones(len(joined), np.bool_)
        symbols[places - 1] = False
        joined[symbols] = numbers
        self.add_ended(joined, ends=places, characters=int(characters.sum()), spelling=spelling)

    def add_ended(
        self,
        numbers: NDArray[Any],
        *,
        ends: NDArray[np.int64],
        characters: int,
        spelling: NDArray[np.float32] | None = None,
    ) -> None:
        """Add tokens that already include each ``<eos>``, as 0.

        Args:
            numbers: Provisional numbers, with a 0 at the end of each record.  # (N,)
            ends: The place after each 0, ascending.  # (records that end,)
            characters: The number of characters of text that the numbers stand for.
            spelling: Nats to spell each ``<unk>`` among them, in their order, or None.  # (<unk>s,)
        """
        if spelling is not None:
            self._spelling.append(spelling)
        if numbers.itemsize > self._dtype.itemsize:  # its numbers may still be small
            self._fit(int(numbers.max(initial=0)))
        self._numbers.append(numbers.astype(self._dtype, copy=False))
        if len(ends):
            starts = np.concatenate([[self._next], ends[:-1] + self._size])
            self._starts.append(starts.astype(np.int64, copy=False))
            self._next = self._size + int(ends[-1])
        self._size += len(numbers)
        self.characters += characters

    def counts(self, size: int, *, tail: float = 0.0) -> NDArray[np.int64]:
        """Count each number from 1, but not in the tail that `TokenStream.tail_split` would cut off.

        Args:
            size: The largest number.
            tail: The share of the tail.

        Returns:
            The count of each number.  # (size,)
        """
        counts = np.zeros(size + 1, np.int64)
        left = tail_cut(self._size, tail)
        for block in self._blocks():
            counts += np.bincount(block[:left], minlength=size + 1)
            left -= min(left, len(block))
        return counts[1:]

    def finish(
        self,
        table: NDArray[np.uint32],
        *,
        symbol_lengths: NDArray[np.int64] | None,
        spelling: Mapping[int, float] | None = None,
    ) -> TokenStream:
        """Turn the numbers into ids and return the stream; nothing can be added after that.

        Args:
            table: The id of each number.  # (numbers + 1,)
            symbol_lengths: The number of characters of each symbol, as in `TokenStream`.
            spelling: Nats to spell the symbol of each number that becomes ``<unk>``, beside those that were
                added; None if no model spells it.
        """
        if spelling:
            nats = np.zeros(len(table), np.float32)
            nats[list(spelling)] = list(spelling.values())
            for block in self._blocks():
                spelled = nats[block]
                self._spelling.append(spelled[spelled > 0])
        self._recode(compact_dtype(int(table.max())), table)
        ids, ids_file = self._numbers.array(self._dtype)
        starts, starts_file = self._starts.array(np.int64)
        stream = TokenStream(
            ids, starts, self.characters, symbol_lengths, ids_file=ids_file, starts_file=starts_file
        )
        if spelling is None:
            return stream
        nats_of_unks, spelling_file = self._spelling.array(np.float32)
        return replace(stream, spelling=nats_of_unks, spelling_file=spelling_file)

    @property
    def num_records(self) -> int:
        """Return the number of records that have ended."""
        return self._starts.size // 8

    def _blocks(self) -> Iterator[NDArray[Any]]:
        for raw in self._numbers.blocks(BLOCK * self._dtype.itemsize):
            yield raw.view(self._dtype)

    def _fit(self, largest: int) -> None:
        dtype = compact_dtype(largest)
        if dtype.itemsize > self._dtype.itemsize:
            self._recode(dtype, None)

    def _recode(self, dtype: np.dtype[Any], table: NDArray[np.uint32] | None) -> None:
        """Change the dtype, and replace the numbers by a table if there is one."""
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


class Spill:
    """Gather bytes, and give them back as one array, which is mapped where they lie in a file.

    The file is where the system keeps temporary ones (``TMPDIR``) and has no name, so nothing is left of it
    when the process ends, however it ends.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._file: IO[bytes] | None = None
        self.size = 0

    def append(self, data: NDArray[Any]) -> None:
        """Add the bytes of an array.

        Raises:
            CorpusError: If the disk is full.
        """
        raw = np.ascontiguousarray(data).view(np.uint8).data
        self.size += len(raw)
        if self._file is None and self.size <= SPILL:
            self._buffer += raw
        else:
            self._write(raw)

    def blocks(self, size: int) -> Iterator[NDArray[np.uint8]]:
        """Yield all bytes in order, `size` at a time."""
        for place in range(0, self.size, size):
            if self._file is None:
                yield np.frombuffer(self._buffer[place : place + size], np.uint8)
            else:
                self._file.seek(place)
                yield np.frombuffer(self._file.read(size), np.uint8)

    def rewrite(self, size: int, change: Callable[[NDArray[np.uint8]], NDArray[Any]]) -> None:
        """Put other bytes where all of them are: a system takes long to make room for a file anew.

        Args:
            size: How many are changed at once.
            change: Gives as many new bytes for some old ones.

        Raises:
            CorpusError: If the disk is full.
        """
        place = 0
        for block in self.blocks(size):
            raw = np.ascontiguousarray(change(block)).view(np.uint8).data
            if self._file is None:
                self._buffer[place : place + len(raw)] = raw
            else:
                self._file.seek(place)
                self._write(raw)
            place += len(raw)

    def array(self, dtype: Any) -> tuple[NDArray[Any], MappedFile | None]:
        """Return all bytes as a read-only array, and the file that it lies in, if any; to be called once.

        Args:
            dtype: What the bytes are.
        """
        if self._file is None:
            whole = np.frombuffer(self._buffer, dtype)
            whole.flags.writeable = False
            return whole, None
        mapped = MappedFile(self._file)
        self._file.close()
        return mapped.array(dtype), mapped

    def _write(self, raw: memoryview) -> None:
        """Write where the file stands, at once: what waits in a buffer fails where nobody expects it."""
        try:
            if self._file is None:
                self._file = unnamed_file()
                weakref.finalize(self, self._file.close)
                self._file.write(self._buffer)
                self._buffer = bytearray()
            self._file.write(raw)
            self._file.flush()
        except OSError as error:
            if self._file is not None:
                with contextlib.suppress(OSError):  # it tries once more to write the rest
                    self._file.close()
            raise _no_room(error) from error


def _no_room(error: OSError) -> CorpusError:
    return CorpusError(
        f"the encoded corpus cannot be kept in {tempfile.gettempdir()}",
        got=(error.strerror or str(error)).lower(),
        hint="free some disk space, or set TMPDIR to a folder with more space",
    )
