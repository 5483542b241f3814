"""Automata over a vocabulary: which symbols may come next so that a text still ends where it must.

The engine walks one state for each sequence. A symbol may be drawn if it leads to a state from which an
accepting one can still be reached with the symbols that are left; `<eos>` may be drawn in an accepting state.
So no text ends up where it cannot be finished, and one that reaches its greatest length is accepted too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

DEAD = -1


@dataclass(frozen=True, eq=False)
class TokenAutomaton:
    """Hold a deterministic automaton whose letters are token ids.

    Ids that lead alike everywhere share a class, which keeps the table small for large vocabularies.

    Args:
        classes: The class of each id, int32; those of `<pad>` and `<eos>` are not used.  # (V,)
        transitions: The next state for each state and class, int32; `DEAD` where a symbol may not
            come.  # (S, C)
        distance: Fewest symbols from each state to an accepting one, int32; 0 where it accepts. Every
            state reaches one.  # (S,)
        start: The state before the first symbol.
    """

    classes: NDArray[np.int32]
    transitions: NDArray[np.int32]
    distance: NDArray[np.int32]
    start: int = 0

    def walk(self, ids: ArrayLike, state: int | None = None) -> int:
        """Give the state after ids, `DEAD` if one of them may not come; from the start if none is given."""
        at = self.start if state is None else state
        for token in np.asarray(ids).reshape(-1).tolist():
            if at == DEAD:
                return DEAD
            at = int(self.transitions[at, self.classes[token]])
        return at

    def allowed(self, state: int, left: int) -> NDArray[np.bool_]:
        """Tell which ids may come next.

        Args:
            state: Where the sequence is; not `DEAD`.
            left: Symbols that may still be drawn, this one among them, ≥ 1.

        Returns:
            True for what may come; `<eos>`, the last id, where the state accepts.  # (V,)
        """
        after = self.transitions[state][self.classes]  # (V,)
        may: NDArray[np.bool_] = (after != DEAD) & (self.distance[after] <= left - 1)
        may[0] = False
        may[-1] = self.distance[state] == 0
        return may
