"""A corpus as one long row of token ids, the form that training and evaluation read."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_real
from unspool.text.context import RecordContexts

Ids = NDArray[Any]  # token ids; the dtype is the smallest unsigned one that holds the vocabulary


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
        contexts: What is known about the records, or None.
        sources: The text that each record is the answer to, in ids of its own; None where they are none.
    """

    ids: Ids
    starts: NDArray[np.int64]
    characters: int
    symbol_lengths: NDArray[np.int64] | None = None
    contexts: RecordContexts | None = None
    sources: "TokenStream | None" = None

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
            32 hexadecimal digits; equal ids, starts, contexts and sources give equal digits on every machine.
        """
        digest = hashlib.blake2b(digest_size=16)
        for array, dtype in ((self.ids, self.ids.dtype.newbyteorder("<")), (self.starts, "<i8")):
            digest.update(f"{np.dtype(dtype).str} {len(array)};".encode())
            digest.update(np.ascontiguousarray(array, dtype=dtype).data)
        if self.contexts is not None:
            digest.update(b"contexts;" + self.contexts.bytes())
        if self.sources is not None:
            digest.update(b"sources;" + self.sources.fingerprint().encode())
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
        before, after = self.contexts, self.contexts
        if self.contexts is not None:
            before = self.contexts.take(slice(0, first))
            after = self.contexts.take(slice(first - inside, None))
        head = TokenStream(self.ids[:cut], self.starts[:first], characters, self.symbol_lengths, before)
        rest = self.characters - characters
        return head, TokenStream(self.ids[cut:], tail_starts, rest, self.symbol_lengths, after)

    def _characters_before(self, cut: int) -> int:
        """Count the characters of the first `cut` ids.

        Exact, but for what ``<unk>`` stands for: it counts as many characters as the average one does.
        """
        if cut == len(self):
            return self.characters
        if self.symbol_lengths is None:
            return cut - int(np.searchsorted(self.starts[1:], cut, side="right"))
        counts = np.bincount(self.ids, minlength=len(self.symbol_lengths))
        head = np.bincount(self.ids[:cut], minlength=len(self.symbol_lengths))
        lengths = self.symbol_lengths.astype(np.float64)
        unsized = (lengths < 0) & (counts > 0)
        known = float(counts[~unsized] @ lengths[~unsized])
        lengths[unsized] = (self.characters - known) / max(1, counts[unsized].sum())
        return round(float(head @ np.maximum(lengths, 0)))
