"""Combine several guides into one that allows what all of them allow."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, Guide, TokenAutomaton
from unspool._generation.automata.graphs import (
    Table,
    distances,
    keep_states,
    merge_columns,
    product,
    shared_classes,
)


def at_least(length: int, vocab_size: int) -> TokenAutomaton:
    """Return the automaton of all texts of at least `length` tokens."""
    states = np.arange(length + 1, dtype=np.int32)
    return TokenAutomaton(
        classes=np.zeros(vocab_size, dtype=np.int32),
        transitions=np.minimum(states + 1, length)[:, None],
        distance=length - states,
    )


def joint_guide(guides: Sequence[Guide]) -> Guide:
    """Return one guide that allows what all guides allow, and has no dead end.

    Args:
        guides: At least one guide; all have the same vocabulary and the same sequences.

    Raises:
        ConfigError: If a sequence can satisfy each guide but not all together, or the automaton is too large.
    """
    return reduce(lambda joint, guide: _met(join_guides(joint, guide)), guides)


def _met(joint: Guide) -> Guide:
    """Return a joint guide, or refuse it if some prompt has no text that satisfies all its parts.

    Raises:
        ConfigError: If there is no such text.
    """
    if (joint.starts == DEAD).any():
        raise ConfigError(
            "no text can meet the constraint, bad_words and min_tokens together",
            hint="leave one of them out",
        )
    return joint


def join_guides(one: Guide, other: Guide) -> Guide:
    """Return a guide that allows what both guides allow, for the same prompts.

    Returns:
        The guide; a start is `DEAD` if no text that both accept can follow that prompt.

    Raises:
        ConfigError: If the automaton would be too large.
    """
    inner = slice(1, -1)  # the classes of <pad> and <eos> are not used, and may lead anywhere
    number, left, right = shared_classes(one.automaton.classes[inner], other.automaton.classes[inner])
    classes = np.concatenate([[0], number, [0]]).astype(np.int32)
    pairs = np.stack([one.starts, other.starts], axis=1).astype(np.int64)  # (N, 2)
    different, number_of_pair = np.unique(pairs, axis=0, return_inverse=True)
    tables = one.automaton.transitions[:, left], other.automaton.transitions[:, right]
    table, states = product(*tables, different)
    ends = (one.automaton.distance[states[:, 0]] == 0) & (other.automaton.distance[states[:, 1]] == 0)
    automaton, starts = finished(classes, table, ends, np.arange(len(different)))
    return Guide(automaton, starts[number_of_pair.reshape(-1)])


def finished(
    classes: NDArray[np.int32], table: Table, accepting: NDArray[np.bool_], starts: NDArray[np.int64]
) -> tuple[TokenAutomaton, NDArray[np.int32]]:
    """Return the automaton of the states from which a text can end, with their distances.

    Args:
        classes: The class of each token.  # (V,)
        table: The transitions.  # (S, C)
        accepting: Whether a text may end in each state.  # (S,)
        starts: States to start from, at least one; the first is the automaton's start. All states are reached
            from them.  # (N,)

    Returns:
        The automaton, and the new number of each start, `DEAD` if no text is accepted from it.  # (N,)
    """
    distance = distances(table, accepting)
    useful = distance >= 0
    number = np.where(useful, np.cumsum(useful) - 1, DEAD).astype(np.int32)[starts]
    classes, smaller = merge_columns(classes, keep_states(table, useful))
    return TokenAutomaton(classes, smaller, distance[useful], int(number[0])), number
