"""Automata over a vocabulary: which symbols may come next so that a text still ends where it must.

The engine walks one state for each sequence. A symbol may be drawn if it leads to a state from which an
accepting one can still be reached with the symbols that are left; `<eos>` may be drawn in an accepting state.
So no text ends up where it cannot be finished, and one that reaches its greatest length is accepted too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool.errors import ConfigError

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
        one: NDArray[np.bool_] = self.allowed_from(np.array([state]), left)[0]
        return one

    def allowed_from(self, states: NDArray[np.integer[Any]], left: ArrayLike) -> NDArray[np.bool_]:
        """Tell for many sequences which ids may come next, as `allowed` does for one.

        Args:
            states: Where each sequence is; nothing may follow `DEAD`.  # (N,)
            left: Symbols that each may still draw, or one number for all.  # (N,)

        Returns:
            True for what may come.  # (N, V)
        """
        enough = np.broadcast_to(left, states.shape)[:, None]
        after = self.transitions[states]  # (N, C)
        may: NDArray[np.bool_] = ((after != DEAD) & (self.distance[after] < enough))[:, self.classes]
        may[:, 0] = False
        may[:, -1] = self.distance[states] == 0
        may[states == DEAD] = False
        return may

    def step(self, states: NDArray[np.integer[Any]], ids: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """Give the state of each sequence after its next id, `DEAD` if that may not come.  # (N,)."""
        return np.where(states == DEAD, DEAD, self.transitions[states, self.classes[ids]]).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Guide:
    """Say which automaton the sequences of one call follow, and where each of them stands in it.

    Args:
        automaton: What may be drawn.
        starts: The state of each sequence after its prompt, int32; none of them `DEAD`.  # (N,)
    """

    automaton: TokenAutomaton
    starts: NDArray[np.int32]

    def check(self, max_new_tokens: int) -> None:
        """Refuse sequences that cannot be finished in time.

        Raises:
            ConfigError: If one needs more symbols, or its prompt is not allowed.
        """
        if (self.starts == DEAD).any():
            which = int(np.flatnonzero(self.starts == DEAD)[0])
            raise ConfigError(f"the constraint on text {which}", expected="a prompt that it allows")
        least = int(self.automaton.distance[self.starts].max(initial=0))
        if least > max_new_tokens:
            expected = f"at least {least}, which the constraint needs"
            raise ConfigError("parameter max_new_tokens", expected=expected, got=str(max_new_tokens))

    def part(self, first: int, last: int) -> "Guide":
        """Give the guide of sequences first … last - 1 alone."""
        return Guide(self.automaton, self.starts[first:last])

    def repeated(self, count: int) -> "Guide":
        """Return the guide of so many sequences in the place of each."""
        return Guide(self.automaton, self.starts.repeat(count))
