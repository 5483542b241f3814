"""Turn an automaton with free moves into a deterministic one: sets of nodes become states."""

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD
from unspool._generation.automata.graphs import distinct_rows
from unspool._generation.constraints.assertions import ANYTHING, END, OTHER, START, after, kind_of
from unspool._generation.constraints.characters import CharacterAutomaton, minimize, trim
from unspool._generation.constraints.patterns import PatternAutomaton, read_pattern, shown
from unspool._interruptible import check_wanted

MOST_STATES = 20_000
MOST_BYTES = 2**26  # of all sets of places
ACCEPT = 1  # the bit of a state in which a text may end
PART = 64  # places of a state whose moves are found together

NodePlace = tuple[int, int]  # a node that reads, and the promise of its branch
Moves = dict[tuple[int, int], int]  # (set, kind) -> places that a character of both leads to


def regex(pattern: str, alphabet: str) -> CharacterAutomaton:
    """Compile a regular expression, with the meaning of `re.fullmatch`.

    Args:
        pattern: The expression.
        alphabet: The characters that the model knows, each once.

    Raises:
        ConfigError: If it is broken, uses a feature that an automaton cannot decide, or is too large.
    """
    return minimize(trim(Subsets(read_pattern(pattern, alphabet)).automaton()))


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
        first, classes = distinct_rows(columns)
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
            self.closures[key] = self._count(self._closure(*key))
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
                    self._count(places)
        return self.moves[first, part]

    def automaton(self) -> CharacterAutomaton:
        """Return the automaton of all reachable states."""
        states = {self.start: 0}
        waiting = list(states)
        rows: list[list[int]] = []
        while len(rows) < len(waiting):
            row = self.row(waiting[len(rows)])
            for state in row:
                if state and state not in states:
                    states[state] = len(waiting)
                    waiting.append(self._count(state))
            rows.append([states[state] if state else DEAD for state in row])
            if len(states) > MOST_STATES:
                raise self._too_large()
            check_wanted()
        accepting = np.array([bool(state & ACCEPT) for state in waiting])
        return CharacterAutomaton(self.classes, np.array(rows, np.int32), accepting)

    def _count(self, places: int) -> int:
        """Count the bytes of a set of places that is kept, and return it."""
        self.size += places.bit_length() // 8
        if self.size > MOST_BYTES:
            raise self._too_large()
        return places

    def _too_large(self) -> ConfigError:
        return ConfigError(
            f"regex {shown(self.free.pattern)}",
            expected=f"an automaton of at most {MOST_STATES:,} states",
            got="more",
            hint="make its counted repeats smaller, or split it into several constraints",
        )
