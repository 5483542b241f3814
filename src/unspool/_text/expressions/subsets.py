"""All branches of an automaton with free moves at once: sets of its nodes are the states of another."""

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._interruptible import check_wanted
from unspool._text.expressions.assertions import ANYTHING, END, OTHER, START, after, kind_of
from unspool._text.expressions.patterns import PatternAutomaton, shown

MOST_STATES = 20_000
MOST_BYTES = 2**26  # of all sets of places
ACCEPT = 1  # the bit of a state in which a text may end
PART = 64  # places of a state whose moves are found together

NodePlace = tuple[int, int]  # a node that reads, and the promise of its branch
Moves = dict[tuple[int, int], int]  # (set, kind) -> places that a character of both leads to


class Subsets:
    """All branches of an automaton at once; a state is the set of their places, as bits of a number.

    Args:
        free: The automaton with free moves.
    """

    def __init__(self, free: PatternAutomaton) -> None:
        self.free = free
        self.places: list[NodePlace] = []
        self.numbers: dict[NodePlace, int] = {}
        self.anchored = any(anchor for moves in free.free for _, anchor in moves)
        self.classes, self.members = self._classes()
        self.width = int(self.classes.max(initial=0)) + 1
        self.closures: dict[tuple[int, int, int], int] = {}
        self.moves: dict[tuple[int, int], Moves] = {}  # of parts of states: the first place, and the bits
        self.size = 0  # bytes of the sets of places, of which a long pattern has many large ones
        self.start = self.closure(free.start, ANYTHING, START)

    def _classes(self) -> tuple[NDArray[np.int32], list[list[tuple[int, list[int]]]]]:
        """Return the class of each character, and for each set its classes by their kind."""
        kinds = [kind_of(c) if self.anchored else OTHER for c in self.free.alphabet]
        columns = np.array([kinds, *self.free.sets], np.uint8).T  # (A, 1 + sets)
        _, first, inverse = np.unique(columns, axis=0, return_index=True, return_inverse=True)
        classes = inverse.reshape(-1).astype(np.int32)
        members: list[list[tuple[int, list[int]]]] = []
        for has in columns[first, 1:].T:
            by_kind: dict[int, list[int]] = {}
            for number in np.flatnonzero(has).tolist():
                by_kind.setdefault(int(columns[first[number], 0]), []).append(number)
            members.append(list(by_kind.items()))
        return classes, members

    def closure(self, node: int, promise: int, before: int) -> int:
        """Follow the free moves from a node; return the places that are reached, and `ACCEPT`."""
        while len(self.free.free[node]) == 1 and not self.free.free[node][0][1]:
            node = self.free.free[node][0][0]  # as after a letter of `(a?){9}`: the next nodes meet there
        key = node, promise, before
        if key not in self.closures:
            check_wanted()
            self.closures[key] = self.count(self._closure(*key))
        return self.closures[key]

    def _closure(self, node: int, promise: int, before: int) -> int:
        bits, waiting, visited = 0, [(node, promise)], {(node, promise)}
        while waiting:
            at, promised = waiting.pop()
            if at == self.free.end and promised & END:
                bits |= ACCEPT
            if at in self.free.reads:
                bits |= 2 << self._number((at, promised))
            for target, anchor in self.free.free[at]:
                place = target, promised & (anchor[before] if anchor else ANYTHING)
                known = self.closures.get((*place, before))
                if known is not None:
                    bits |= known
                elif place[1] and place not in visited:
                    visited.add(place)
                    waiting.append(place)
        return bits

    def _number(self, place: NodePlace) -> int:
        if place not in self.numbers:
            self.numbers[place] = len(self.places)
            self.places.append(place)
        return self.numbers[place]

    def row(self, state: int) -> list[int]:
        """Return the state after a character of each class; 0 if none may come."""
        reached: Moves = {}
        rest = state >> 1
        for first in reversed(range(0, rest.bit_length(), PART)):
            part = rest >> first & (1 << PART) - 1
            if part:
                for move, places in self._moves(first, part).items():
                    reached[move] = reached.get(move, 0) | places
        row = [0] * self.width
        for (members, kind), places in reached.items():
            for number in dict(self.members[members])[kind]:
                row[number] |= places
        return row

    def _moves(self, first: int, part: int) -> Moves:
        """Return where a part of a state leads; the states of a long repeat have most of their parts alike.

        The last places come first: what is reached from one is then known where an earlier one leads to it.
        """
        if (first, part) not in self.moves:
            check_wanted()
            moves: Moves = {}
            for place in reversed([place for place in range(PART) if part >> place & 1]):
                node, promise = self.places[first + place]
                members, target = self.free.reads[node]
                for kind, _ in self.members[members]:
                    remaining = after(promise, kind)
                    if remaining:
                        to = self.closure(target, remaining, kind)
                        known = moves.get((members, kind))
                        moves[members, kind] = to if known is None or known == to else known | to
            self.moves[first, part] = moves
            if part & part - 1:  # of a single place it is a closure, and counted there
                for places in moves.values():
                    self.count(places)
        return self.moves[first, part]

    def count(self, places: int) -> int:
        """Count the bytes of a set of places that is kept, and return it.

        Raises:
            ConfigError: If all together are too large.
        """
        self.size += places.bit_length() // 8
        if self.size > MOST_BYTES:
            raise self._too_large()
        return places

    def check_states(self, number: int) -> None:
        """Refuse an automaton that is written out with more than `MOST_STATES` states.

        Args:
            number: The number of its states so far.

        Raises:
            ConfigError: If they are too many.
        """
        if number > MOST_STATES:
            raise self._too_large()

    def _too_large(self) -> ConfigError:
        return ConfigError(
            f"regex {shown(self.free.pattern)}",
            expected=f"an automaton of at most {MOST_STATES:,} states",
            got="more",
            hint="make its counted repeats smaller, or split it into several constraints",
        )
