"""A corpus as one long row of token ids, in the form that training and evaluation read."""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_real
from unspool._text.context import RecordContexts
from unspool._text.streams.mapped_file import MappedFile

Ids = NDArray[Any]  # token ids; the dtype is the smallest unsigned one that holds the vocabulary


BLOCK = 1 << 22  # ids that are processed at once in a pass over all of them


def tail_cut(length: int, fraction: float) -> int:
    """Return the place before which a stream of a length is cut for `TokenStream.tail_split`."""
    cut = length if fraction == 0 else int((length - 1) * (1 - fraction))
    return max(cut, min(1, length))


def compact_dtype(largest: int) -> np.dtype[Any]:
    """Return the smallest unsigned dtype that holds ids from 0 to `largest`."""
    return np.dtype(np.min_scalar_type(largest))


@dataclass(frozen=True, eq=False)
class TokenStream:
    """Records one after the other, each ended by ``<eos>``.

    Args:
        ids: The token ids, uint8, uint16 or uint32.  # (N,)
        starts: The place where each record begins, ascending; the first is 0 if there is any.  # (R,)
        characters: Number of characters that the ids stand for, without ``<eos>``.
        symbol_lengths: Number of characters of each symbol by id, or None if every symbol but ``<eos>`` is
            one character.  # (V,)
        contexts: The contexts of the records, or None.
        spelling: Nats to spell what each ``<unk>`` of the ids stands for, in their order; None if no model
            spells it.  # (<unk>s,)
        sources: The source that each record answers, in the ids of the source tokenizer; None without
            sources.
        ids_file: The file of the ids; None if they are in memory.
        starts_file: The file of the starts; None if they are in memory.
        spelling_file: The file of the nats; None if they are in memory.
        known_fingerprint: The fingerprint of the stream, if it is already known.
    """

    ids: Ids
    starts: NDArray[np.int64]
    characters: int
    symbol_lengths: NDArray[np.int64] | None = None
    contexts: RecordContexts | None = None
    sources: "TokenStream | None" = None
    spelling: NDArray[np.float32] | None = None
    ids_file: MappedFile | None = None
    starts_file: MappedFile | None = None
    spelling_file: MappedFile | None = None
    known_fingerprint: str | None = None

    def __getstate__(self) -> dict[str, object]:
        """Return the stream for another process, in its memory, since the files belong to this process."""
        return {**vars(self), "ids_file": None, "starts_file": None, "spelling_file": None}

    def give_back(self) -> None:
        """Release the memory that reading the files has filled; it is filled again when needed."""
        for file in (self.ids_file, self.starts_file, self.spelling_file):
            if file is not None:
                file.give_back()

    def gather(self, begins: NDArray[np.int64], sizes: NDArray[np.int64]) -> Ids:
        """Return scattered parts of the ids, one after the other.

        Args:
            begins: The place where each part begins.  # (parts,)
            sizes: The number of ids in each part.  # (parts,)
        """
        if self.ids_file is not None:
            return self.ids_file.gather(self.ids, begins, sizes)
        shifts = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
        parts: Ids = self.ids[shifts + np.arange(len(shifts))]
        return parts

    def __len__(self) -> int:
        """Return the number of token ids, each ``<eos>`` included."""
        return len(self.ids)

    @property
    def unk_id(self) -> int | None:
        """The id of ``<unk>``, the symbol without a length; None if there is none."""
        unsized = [] if self.symbol_lengths is None else np.flatnonzero(self.symbol_lengths < 0).tolist()
        return unsized[0] if unsized else None

    @property
    def num_records(self) -> int:
        """Return the number of records."""
        return len(self.starts)

    def fingerprint(self) -> str:
        """Return a hash of the stream, so that a resumed run can check that its corpus is unchanged.

        Returns:
            32 hexadecimal digits; equal ids, starts, contexts and sources give equal digits on every machine.
        """
        return self.known_fingerprint or self._fingerprint

    @functools.cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for array, dtype in ((self.ids, self.ids.dtype.newbyteorder("<")), (self.starts, "<i8")):
            digest.update(f"{np.dtype(dtype).str} {len(array)};".encode())
            for begin in range(0, len(array), BLOCK):
                digest.update(np.ascontiguousarray(array[begin : begin + BLOCK], dtype=dtype).data)
                self.give_back()
        if self.contexts is not None:
            digest.update(b"contexts;" + self.contexts.bytes())
        if self.sources is not None:
            digest.update(b"sources;" + self.sources.fingerprint().encode())
        return digest.hexdigest()

    def tail_split(self, fraction: float) -> tuple["TokenStream", "TokenStream"]:
        """Cut the stream in two for document mode: the last part is held out.

        The cut may fall inside a record. Its first half then has no ``<eos>``, since nothing ends there, and
        its second half is the first record of the tail. The last ``<eos>`` of the stream does not count in
        the length that is divided. So one document of n characters is cut after the first ``int(n * (1 -
        fraction))`` of them, as is usual.

        Args:
            fraction: Share of the tokens that the tail gets, from 0 (the tail is empty) to below 1.

        Returns:
            The head, which is empty only if the stream is, and the tail. They share the stream's memory.

        Raises:
            ConfigError: If `fraction` is out of its range.
        """
        check("fraction", fraction, "a number from 0 to below 1", is_real(fraction) and 0 <= fraction < 1)
        cut = tail_cut(len(self), fraction)
        first = int(np.searchsorted(self.starts, cut))
        inside = cut < len(self) and not (first < len(self.starts) and self.starts[first] == cut)
        tail_starts = np.concatenate([[0] if inside else [], self.starts[first:] - cut]).astype(np.int64)
        characters, spelled = self._characters_before(cut), slice(0, self._unks_before(cut))
        before, after = self.contexts, self.contexts
        if self.contexts is not None:
            before = self.contexts.take(slice(0, first))
            after = self.contexts.take(slice(first - inside, None))
        head = replace(
            self,
            ids=self.ids[:cut],
            starts=self.starts[:first],
            characters=characters,
            contexts=before,
            spelling=None if self.spelling is None else self.spelling[spelled],
            known_fingerprint=None,
        )
        tail = replace(
            self,
            ids=self.ids[cut:],
            starts=tail_starts,
            characters=self.characters - characters,
            contexts=after,
            spelling=None if self.spelling is None else self.spelling[spelled.stop :],
            known_fingerprint=None,
        )
        return head, tail

    def take(self, records: NDArray[np.int64]) -> "TokenStream":
        """Copy some records into a new stream, in memory.

        Args:
            records: The numbers of the records from 0, in the order of the new stream.  # (K,)
        """
        ends = np.append(self.starts[1:], len(self))[records]
        sizes = ends - self.starts[records]
        ids = self.gather(self.starts[records], sizes)
        characters = self._characters_of(ids, len(records))
        contexts = None if self.contexts is None else self.contexts.take(records)
        return TokenStream(
            ids,
            np.cumsum(sizes) - sizes,
            characters,
            self.symbol_lengths,
            contexts,
            None if self.sources is None else self.sources.take(records),
            self._spelling_of(records),
        )

    def beginning(self, count: int) -> "TokenStream":
        """Return the first `count` ids, 1 or more and fewer than all; they share the stream's memory."""
        starts = self.starts[: int(np.searchsorted(self.starts, count))]
        return replace(
            self,
            ids=self.ids[:count],
            starts=starts,
            characters=self._characters_before(count),
            contexts=None if self.contexts is None else self.contexts.take(slice(0, len(starts))),
            spelling=None if self.spelling is None else self.spelling[: self._unks_before(count)],
            known_fingerprint=None,
        )

    @functools.cached_property
    def spelling_nats(self) -> float:
        """The nats to spell what all ``<unk>`` stand for; 0 if no model spells it."""
        return 0.0 if self.spelling is None else float(self.spelling.sum(dtype=np.float64))

    @property
    def unspelled(self) -> int:
        """The number of ``<unk>`` that no model spells."""
        return self._unks_before(len(self)) if self.spelling is None else 0

    def _unks_before(self, cut: int) -> int:
        """Count the ``<unk>`` among the first `cut` ids."""
        return 0 if self.unk_id is None else int(self._counts(self.ids[:cut])[self.unk_id])

    def _spelling_of(self, records: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the nats of the ``<unk>`` of some records, in the order of the records."""
        if self.spelling is None:
            return None
        places = [np.flatnonzero(block == self.unk_id) + first for first, block in self._blocks()]
        unks = np.concatenate([np.zeros(0, np.int64), *places])
        begins = np.searchsorted(unks, self.starts)
        ends = np.append(begins[1:], len(unks))
        parts = [self.spelling[begin:end] for begin, end in zip(begins[records], ends[records], strict=True)]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def _blocks(self) -> Iterator[tuple[int, Ids]]:
        """Yield the ids in blocks, each with its place."""
        for first in range(0, len(self.ids), BLOCK):
            yield first, self.ids[first : first + BLOCK]
            self.give_back()

    def _characters_before(self, cut: int) -> int:
        """Return the number of characters of the first `cut` ids."""
        if cut == len(self):
            return self.characters
        return self._characters_of(self.ids[:cut], int(np.searchsorted(self.starts[1:], cut, side="right")))

    def _characters_of(self, ids: Ids, ended: int) -> int:
        """Count the characters of some ids, of which `ended` are ``<eos>``.

        The count is exact, except for ``<unk>``: each counts as many characters as the average one.
        """
        if self.symbol_lengths is None:
            return len(ids) - ended
        part_counts, counts = self._counts(ids), self._counts(self.ids)
        lengths = self.symbol_lengths.astype(np.float64)
        unsized = (lengths < 0) & (counts > 0)
        known = float(counts[~unsized] @ lengths[~unsized])
        lengths[unsized] = (self.characters - known) / max(1, counts[unsized].sum())
        return round(float(part_counts @ np.maximum(lengths, 0)))

    def _counts(self, ids: Ids) -> NDArray[np.int64]:
        """Count each token among some ids, in blocks: NumPy needs eight bytes for each id.  # (V,)."""
        size = 0 if self.symbol_lengths is None else len(self.symbol_lengths)
        counts = np.zeros(size, np.int64)
        for first in range(0, len(ids), BLOCK):
            counts += np.bincount(ids[first : first + BLOCK], minlength=size)
            self.give_back()
        return counts
