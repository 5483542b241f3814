"""Automata over a vocabulary: which tokens may come next so that a text can still end as it must.

The engine keeps one state for each sequence. A token may be drawn if an accepting state can still be reached
after it with the remaining tokens; `<eos>` may be drawn in an accepting state. So no text reaches a point
where it cannot be finished, and a text of the highest length is accepted too.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._errors import ConfigError

DEAD = -1


@dataclass(frozen=True, eq=False)
class TokenAutomaton:
    """A deterministic automaton whose letters are token ids.

    Ids that lead to the same states everywhere share a class, which keeps the table small for large
    vocabularies.

    Args:
        classes: The class of each id, int32; those of `<pad>` and `<eos>` are not used.  # (V,)
        transitions: The next state for each state and class, int32; `DEAD` if the token is not
            allowed.  # (S, C)
        distance: Lowest number of tokens from each state to an accepting one, int32; 0 if it accepts. Every
            state reaches one.  # (S,)
        start: The state before the first token.
    """

    classes: NDArray[np.int32]
    transitions: NDArray[np.int32]
    distance: NDArray[np.int32]
    start: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.classes.nbytes + self.transitions.nbytes + self.distance.nbytes

    def walk(self, ids: ArrayLike, state: int | None = None) -> int:
        """Return the state after ids, or `DEAD` if one is not allowed; None starts at the beginning."""
        at = self.start if state is None else state
        for token in np.asarray(ids).reshape(-1).tolist():
            if at == DEAD:
                return DEAD
            at = int(self.transitions[at, self.classes[token]])
        return at

    def allowed(self, state: int, left: int) -> NDArray[np.bool_]:
        """Return which ids may come next.

        Args:
            state: The state of the sequence; not `DEAD`.
            left: Number of tokens that may still be drawn, this one included, ≥ 1.

        Returns:
            True for allowed ids; `<eos>`, the last id, is allowed if the state accepts.  # (V,)
        """
        one: NDArray[np.bool_] = self.allowed_from(np.array([state]), left)[0]
        return one

    def allowed_from(self, states: NDArray[np.integer[Any]], left: ArrayLike) -> NDArray[np.bool_]:
        """Return which ids may come next for many sequences, as `allowed` does for one.

        Args:
            states: The state of each sequence; nothing may follow `DEAD`.  # (N,)
            left: Number of tokens that each may still draw, or one number for all.  # (N,)

        Returns:
            True for allowed ids.  # (N, V)
        """
        enough = np.broadcast_to(left, states.shape)[:, None]
        after = self.transitions[states]  # (N, C)
        may: NDArray[np.bool_] = ((after != DEAD) & (self.distance[after] < enough))[:, self.classes]
        may[:, 0] = False
        may[:, -1] = self.distance[states] == 0
        may[states == DEAD] = False
        return may

    def step(self, states: NDArray[np.integer[Any]], ids: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
        """Return the state of each sequence after its next id, `DEAD` if that is not allowed.  # (N,)."""
        return np.where(states == DEAD, DEAD, self.transitions[states, self.classes[ids]]).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Guide:
    """The automaton that the sequences of one call follow, and the state of each of them in it.

    Args:
        automaton: The automaton of the allowed texts.
        starts: The state of each sequence after its prompt, int32; none of them is `DEAD`.  # (N,)
    """

    automaton: TokenAutomaton
    starts: NDArray[np.int32]

    def check(self, max_new_tokens: int) -> None:
        """Refuse sequences that cannot be finished in time.

        Raises:
            ConfigError: If a sequence needs more tokens, or its prompt is not allowed.
        """
        if (self.starts == DEAD).any():
            which = int(np.flatnonzero(self.starts == DEAD)[0])
            raise ConfigError(f"the constraint on text {which} does not allow its prompt")
        least = int(self.automaton.distance[self.starts].max(initial=0))
        if least > max_new_tokens:
            expected = f"at least {least}, the length that the constraint needs"
            raise ConfigError("max_new_tokens", expected=expected, got=str(max_new_tokens))

    def part(self, first: int, last: int) -> "Guide":
        """Return the guide of sequences first … last - 1."""
        return Guide(self.automaton, self.starts[first:last])

    def repeated(self, count: int) -> "Guide":
        """Return the guide with each sequence repeated `count` times."""
        return Guide(self.automaton, self.starts.repeat(count))
