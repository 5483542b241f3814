"""The automata that were compiled last, as many as a number of bytes has room for."""

import threading
from collections.abc import Callable, Hashable

from unspool._generation.automata.automaton import TokenAutomaton

MOST_BYTES = 2**26  # of all together: one of the largest, or many usual ones
ENTRY = 2**16  # of a key and of small objects


class KeptAutomata:
    """Automata by what they were compiled from; those that were not asked for longest go first.

    Any number of threads may use it.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, TokenAutomaton] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compiled: Callable[[], TokenAutomaton]) -> TokenAutomaton:
        """Return the automaton of a key.

        Args:
            key: What it is compiled from.
            compiled: Function that compiles it, called if it is not kept.
        """
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)  # the last one to go
                return self._kept[key]
        automaton = compiled()
        with self._lock:
            self._kept.pop(key, None)  # of another thread that compiled it, too
            self._kept[key] = automaton
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > MOST_BYTES:
                del self._kept[next(iter(self._kept))]
        return automaton


def _size(automaton: TokenAutomaton) -> int:
    """Return the bytes of an automaton, about, with what is kept beside it."""
    arrays = automaton.classes, automaton.transitions, automaton.distance
    return ENTRY + sum(array.nbytes for array in arrays)
