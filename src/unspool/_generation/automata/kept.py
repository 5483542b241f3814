"""The automata that were compiled last, as many as a number of bytes has room for."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

MOST_BYTES = 2**26  # of all together: one of the largest, or many usual ones
ENTRY = 2**16  # bytes of a key and of small objects


class Sized(Protocol):
    """What knows how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        ...


Automaton = TypeVar("Automaton", bound=Sized)


class KeptAutomata(Generic[Automaton]):
    """Automata by what they were compiled from; those that were not asked for longest go first.

    Any number of threads may use it.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Automaton] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, compiled: Callable[[], Automaton]) -> Automaton:
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
            while len(self._kept) > 1 and self._size() > MOST_BYTES:
                del self._kept[next(iter(self._kept))]
        return automaton

    def _size(self) -> int:
        return sum(ENTRY + automaton.nbytes for automaton in self._kept.values())
