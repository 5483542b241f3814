"""The waiting candidates of an enumeration in buckets, and the states that they continue from.

A bucket holds candidates of similar urgency: log-probabilities within a quarter of a nat, or one depth. The
buckets are in order, but not the candidates inside a bucket. So the time to add or take a candidate does not
depend on their number, and all data are arrays.
"""

import heapq
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from unspool._generation.search.forward import Floats
from unspool._generation.search.tree import Integers

BUCKET_NATS = 0.25
NO_SLOT = -1


def probability_buckets(totals: NDArray[np.float64]) -> Integers:
    """Return the bucket of each log-probability, 0 for the highest; a lower one never has a lower bucket."""
    return np.floor(-totals / BUCKET_NATS).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Texts or beginnings of texts, each given by its parent in the tree and its last token.

    Args:
        parents: Nodes of the tree.  # (N,)
        tokens: The token after each node, int32.  # (N,)
        totals: Log-probability of each text or beginning.  # (N,)
    """

    parents: Integers
    tokens: NDArray[np.int32]
    totals: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.parents)

    def __getitem__(self, which: slice | Integers | NDArray[np.bool_]) -> Self:
        """Return some of the candidates."""
        return type(self)(self.parents[which], self.tokens[which], self.totals[which])

    @classmethod
    def joined(cls, parts: "list[Candidates]") -> "Candidates":
        """Return several candidates as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.parents for part in parts]),
            np.concatenate([part.tokens for part in parts]),
            np.concatenate([part.totals for part in parts]),
        )

    @property
    def mass(self) -> float:
        """The sum of the probabilities."""
        return float(np.exp(self.totals).sum())


class Buckets:
    """Candidates in numbered buckets; the lowest number comes first."""

    BYTES_EACH = 8 + 4 + 8

    def __init__(self) -> None:
        self._parts: dict[int, list[Candidates]] = {}
        self._order: list[int] = []  # a heap of the numbers in use
        self._mass = 0.0
        self.size = 0

    @property
    def nbytes(self) -> int:
        """Number of bytes of all candidates."""
        return self.size * self.BYTES_EACH

    @property
    def mass(self) -> float:
        """The sum of the probabilities of all candidates."""
        return max(self._mass, 0.0) if self.size else 0.0

    @property
    def first(self) -> int | None:
        """The lowest bucket in use, or None if there is none."""
        return self._order[0] if self._order else None

    def add(self, candidates: Candidates, buckets: Integers) -> None:
        """Put each candidate into its bucket."""
        if not len(candidates):
            return
        self.size += len(candidates)
        self._mass += candidates.mass
        order = np.argsort(buckets, kind="stable")
        buckets, candidates = buckets[order], candidates[order]
        ends = [*np.flatnonzero(np.diff(buckets)) + 1, len(buckets)]
        start = 0
        for end in ends:
            number = int(buckets[start])
            if number not in self._parts:
                heapq.heappush(self._order, number)
                self._parts[number] = []
            self._parts[number].append(candidates[np.arange(start, end)])  # a copy, which keeps no more
            start = end

    def take(self, count: int) -> Candidates:
        """Remove and return at most `count` candidates, at least one, from the first buckets."""
        taken: list[Candidates] = []
        while count and self._order:
            parts = self._parts[self._order[0]]
            part = parts.pop()
            if len(part) > count:
                parts.append(part[count:])
                part = part[:count]
            if not parts:
                del self._parts[heapq.heappop(self._order)]
            taken.append(part)
            count -= len(part)
        return self._gone(Candidates.joined(taken))

    def take_bucket(self) -> Candidates:
        """Remove and return all candidates of the first bucket."""
        return self._gone(Candidates.joined(self._parts.pop(heapq.heappop(self._order))))

    def _gone(self, candidates: Candidates) -> Candidates:
        self.size -= len(candidates)
        self._mass -= candidates.mass
        return candidates

    def all(self) -> list[Candidates]:
        """Return all candidates, in no order."""
        return [part for parts in self._parts.values() for part in parts]

    def map(self, numbers: Integers) -> None:
        """Replace every parent by its new number."""
        for parts in self._parts.values():
            parts[:] = [Candidates(numbers[part.parents], part.tokens, part.totals) for part in parts]


class StatePool:
    """A store of the states after nodes whose continuations are not read yet, of limited size.

    Args:
        state: The state of any sequence, for its shape and type.  # (L, S, 1, H)
        room: Greatest number of bytes.
    """

    def __init__(self, state: Floats, *, room: int) -> None:
        self._shape, self._dtype = (*state.shape[:2], state.shape[3]), state.dtype
        self._most = room // max(1, state.nbytes)
        self._states = np.empty((0, *self._shape), self._dtype)  # (slots, L, S, H)
        self._waiting = np.zeros(0, np.int64)  # number of continuations of each slot
        self._free: Integers = np.zeros(0, np.int64)

    def put(self, states: Floats, continuations: Integers) -> Integers:
        """Store states until their continuations have been read.

        Args:
            states: The states.  # (L, S, B, H)
            continuations: Number of continuations of each state.  # (B,)

        Returns:
            The slot of each state; `NO_SLOT` if there is no room or no continuation.  # (B,)
        """
        wanted = np.flatnonzero(continuations)
        if len(wanted) > len(self._free):
            self._grow(len(wanted) - len(self._free))
        wanted = wanted[: len(self._free)]
        slots = np.full(len(continuations), NO_SLOT, np.int64)
        slots[wanted], self._free = self._free[: len(wanted)], self._free[len(wanted) :]
        self._states[slots[wanted]] = np.moveaxis(states, 2, 0)[wanted]
        self._waiting[slots[wanted]] = continuations[wanted]
        return slots

    def get(self, slots: Integers) -> Floats:
        """Return the states of slots (L, S, B, H), to read one continuation of each."""
        states = np.ascontiguousarray(np.moveaxis(self._states[slots], 0, 2))
        self.drop(slots)
        return states

    def drop(self, slots: Integers) -> None:
        """Note that one continuation of each slot is done; a slot without any is free again."""
        slots = slots[slots != NO_SLOT]
        np.subtract.at(self._waiting, slots, 1)
        done = np.unique(slots)
        self._free = np.concatenate([done[self._waiting[done] == 0], self._free])

    def _grow(self, least: int) -> None:
        old = len(self._states)
        new = min(max(old + least, 2 * old), self._most)
        states = np.empty((new, *self._shape), self._dtype)
        states[:old] = self._states
        self._states = states
        self._waiting = np.concatenate([self._waiting, np.zeros(new - old, np.int64)])
        self._free = np.concatenate([self._free, np.arange(old, new)])
