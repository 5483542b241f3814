"""Several guides at once: the automaton of what all of them allow."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from unspool.errors import ConfigError
from unspool.generation.automaton import DEAD, Guide, TokenAutomaton

LARGEST_TABLE = 1 << 26  # entries: 256 MiB
FAR = np.int32(2**30)  # the distance of what accepts nowhere


def at_least(length: int, vocab_size: int) -> TokenAutomaton:
    """Make the automaton of all texts of at least so many symbols."""
    states = np.arange(length + 1, dtype=np.int32)
    return TokenAutomaton(
        classes=np.zeros(vocab_size, dtype=np.int32),
        transitions=np.minimum(states + 1, length)[:, None],
        distance=length - states,
    )


def joint_guide(guides: Sequence[Guide]) -> Guide:
    """Make one guide of several, which allows what all of them allow and leads into no dead end.

    Args:
        guides: At least one, over the same vocabulary and for the same sequences.

    Raises:
        ConfigError: If a sequence can meet them one by one but not together, or the automaton is too large.
    """
    return reduce(_both, guides)


def _both(a: Guide, b: Guide) -> Guide:
    both = np.stack([a.automaton.classes, b.automaton.classes])  # (2, V)
    classes, of_symbol = np.unique(both[:, 1:-1], axis=1, return_inverse=True)  # without <pad> and <eos>
    size = len(b.automaton.transitions)
    starts = a.starts.astype(np.int64) * size + b.starts  # a pair of states as one number
    pairs, transitions = _reach(a.automaton, b.automaton, classes, np.unique(starts))
    accepting = (a.automaton.distance[pairs // size] == 0) & (b.automaton.distance[pairs % size] == 0)
    distance = _distances(transitions, accepting)
    begin = np.searchsorted(pairs, starts)
    if (distance[begin] >= FAR).any():
        raise ConfigError(
            "the constraint, bad_words and min_tokens",
            expected="a text that meets all of them",
            got="that there is none",
        )
    kept = distance < FAR
    renumbered = np.where(kept, np.cumsum(kept) - 1, DEAD).astype(np.int32)
    states = renumbered[begin]
    automaton = TokenAutomaton(
        classes=np.concatenate([[0], of_symbol.reshape(-1), [0]]).astype(np.int32),
        transitions=np.where(transitions == DEAD, DEAD, renumbered[transitions])[kept].astype(np.int32),
        distance=distance[kept],
        start=int(states[0]) if len(states) else 0,
    )
    return Guide(automaton, starts=states)


def _reach(
    a: TokenAutomaton, b: TokenAutomaton, classes: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of states that can be reached, sorted (S,), and where each class leads (S, C)."""
    size = len(b.transitions)
    pairs, new = starts, starts
    while len(new):
        if len(pairs) * classes.shape[1] > LARGEST_TABLE:
            raise ConfigError(
                "the constraint, bad_words and min_tokens", expected="an automaton of a size to keep",
                got=f"more than {len(pairs):,} states", hint="make min_tokens smaller, or the strings fewer",
            )  # fmt: skip
        after = np.unique(_step(a, b, classes, new, size))
        new = np.setdiff1d(after[after != DEAD], pairs, assume_unique=True)
        pairs = np.union1d(pairs, new)
    after = _step(a, b, classes, pairs, size)
    return pairs, np.where(after == DEAD, DEAD, np.searchsorted(pairs, after))


def _step(
    a: TokenAutomaton, b: TokenAutomaton, classes: NDArray[np.int32], pairs: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Give the pair that each class leads to from each pair (S, C)."""
    in_a = a.transitions[pairs // size][:, classes[0]].astype(np.int64)
    in_b = b.transitions[pairs % size][:, classes[1]]
    return np.where((in_a == DEAD) | (in_b == DEAD), DEAD, in_a * size + in_b)


def _distances(transitions: NDArray[np.int64], accepting: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Count the fewest symbols from each state to an accepting one; `FAR` where there is none."""
    distance = np.where(accepting, np.int32(0), FAR)
    while True:
        after = np.where(transitions == DEAD, FAR, distance[transitions]).min(axis=1, initial=FAR)
        shorter = np.minimum(distance, np.minimum(after, FAR - 1) + 1).astype(np.int32)
        if (shorter == distance).all():
            return distance
        distance = shorter
