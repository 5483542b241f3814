"""A corpus as one long row of token ids, the form that training and evaluation read."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_real

Ids = NDArray[Any]  # token ids; the dtype is the smallest unsigned one that holds the vocabulary


BLOCK = 1 << 22  # ids that are looked at at once, where all of them are


def compact_dtype(largest: int) -> np.dtype[Any]:
    """Choose the smallest unsigned dtype that holds ids from 0 to `largest`."""
    return np.dtype(np.min_scalar_type(largest))


@dataclass(frozen=True, eq=False)
class TokenStream:
    """Hold records one after the other, each ended by ``<eos>``.

    Args:
        ids: The token ids, uint8, uint16 or uint32.  # (N,)
        starts: Where each record begins, ascending; the first is 0 unless there is none.  # (R,)
        characters: Characters of text that the ids stand for, without ``<eos>``.
        symbol_lengths: Characters of each symbol by id, or None where every symbol but ``<eos>`` is one
            character.  # (V,)
        release: Where the arrays lie in mapped files, gives their pages back to the system, which brings
            them in again where they are read.
    """

    ids: Ids
    starts: NDArray[np.int64]
    characters: int
    symbol_lengths: NDArray[np.int64] | None = None
    release: Callable[[], None] | None = None

    def give_back(self) -> None:
        """Let go of the memory that a mapped file has taken up by being read."""
        if self.release is not None:
            self.release()

    def __len__(self) -> int:
        """Count the token ids, each ``<eos>`` included."""
        return len(self.ids)

    @property
    def num_records(self) -> int:
        """Count the records."""
        return len(self.starts)

    def fingerprint(self) -> str:
        """Hash what the stream holds, so that a resumed run can tell that its corpus is still the same.

        Returns:
            32 hexadecimal digits; equal ids and starts give equal digits on every machine.
        """
        digest = hashlib.blake2b(digest_size=16)
        for array, dtype in ((self.ids, self.ids.dtype.newbyteorder("<")), (self.starts, "<i8")):
            digest.update(f"{np.dtype(dtype).str} {len(array)};".encode())
            for begin in range(0, len(array), BLOCK):
                digest.update(np.ascontiguousarray(array[begin : begin + BLOCK], dtype=dtype).data)
                self.give_back()
        return digest.hexdigest()

    def tail_split(self, fraction: float) -> tuple["TokenStream", "TokenStream"]:
        """Cut the stream in two for document mode: the last part is held out.

        The cut may fall inside a record. Its first half then has no ``<eos>``, since nothing ends there,
        and its second half is the first record of the tail. The stream's closing ``<eos>`` does not count
        towards the length that is divided, so one document of n characters is cut after the first
        ``int(n * (1 - fraction))`` of them, as is usual.

        Args:
            fraction: Share of the symbols that the tail gets, from 0 (the tail is empty) to below 1.

        Returns:
            The head, never empty unless the stream is, and the tail. They share the stream's memory.

        Raises:
            ConfigError: If `fraction` is out of its range.
        """
        check("fraction", fraction, "a number from 0 to below 1", is_real(fraction) and 0 <= fraction < 1)
        cut = len(self) if fraction == 0 else int((len(self) - 1) * (1 - fraction))
        cut = max(cut, min(1, len(self)))
        first = int(np.searchsorted(self.starts, cut))
        inside = cut < len(self) and not (first < len(self.starts) and self.starts[first] == cut)
        tail_starts = np.concatenate([[0] if inside else [], self.starts[first:] - cut]).astype(np.int64)
        characters = self._characters_before(cut)
        head = TokenStream(self.ids[:cut], self.starts[:first], characters, self.symbol_lengths, self.release)
        tail = TokenStream(
            self.ids[cut:], tail_starts, self.characters - characters, self.symbol_lengths, self.release
        )
        return head, tail

    def _characters_before(self, cut: int) -> int:
        """Count the characters of the first `cut` ids.

        Exact, but for what ``<unk>`` stands for: it counts as many characters as the average one does.
        """
        if cut == len(self):
            return self.characters
        if self.symbol_lengths is None:
            return cut - int(np.searchsorted(self.starts[1:], cut, side="right"))
        head = self._counts(0, cut)
        counts = head + self._counts(cut, len(self))
        lengths = self.symbol_lengths.astype(np.float64)
        unsized = (lengths < 0) & (counts > 0)
        known = float(counts[~unsized] @ lengths[~unsized])
        lengths[unsized] = (self.characters - known) / max(1, counts[unsized].sum())
        return round(float(head @ np.maximum(lengths, 0)))

    def _counts(self, begin: int, end: int) -> NDArray[np.int64]:
        """Count each symbol among some ids, in blocks: NumPy makes eight bytes of each id.  # (V,)."""
        size = 0 if self.symbol_lengths is None else len(self.symbol_lengths)
        counts = np.zeros(size, np.int64)
        for first in range(begin, end, BLOCK):
            counts += np.bincount(self.ids[first : min(first + BLOCK, end)], minlength=size)
            self.give_back()
        return counts
