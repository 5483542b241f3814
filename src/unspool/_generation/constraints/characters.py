"""Automata over characters: each condition of a constraint is compiled to one before they are combined."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool._generation.automata.automaton import DEAD
from unspool._generation.automata.graphs import (
    Table,
    distances,
    distinct_rows,
    keep_states,
    product,
    shared_classes,
)
from unspool._interruptible import check_wanted

WORTH_MERGING = 200_000  # entries of a table above which equal states are not merged


@dataclass(frozen=True, eq=False)
class CharacterAutomaton:
    """A deterministic automaton whose letters are the characters that the model knows.

    Args:
        classes: The class of each character of the alphabet, int32.  # (A,)
        transitions: The next state for each state and class, or `DEAD`.  # (S, C)
        accepting: Whether a text may end in each state. State 0 is the start.  # (S,)
    """

    classes: NDArray[np.int32]
    transitions: Table
    accepting: NDArray[np.bool_]

    @property
    def empty(self) -> bool:
        """Return whether it accepts no text; only for a trimmed automaton."""
        return not self.accepting.any()


def intersect(one: CharacterAutomaton, other: CharacterAutomaton) -> CharacterAutomaton:
    """Return the automaton of the texts that both accept.

    Raises:
        ConfigError: If the product would be too large.
    """
    classes, left, right = shared_classes(one.classes, other.classes)
    start = np.zeros((1, 2), np.int64)
    table, pairs = product(one.transitions[:, left], other.transitions[:, right], start)
    accepting = one.accepting[pairs[:, 0]] & other.accepting[pairs[:, 1]]
    return trim(CharacterAutomaton(classes, table, accepting))


def trim(automaton: CharacterAutomaton) -> CharacterAutomaton:
    """Return the automaton without the states from which no text can end.

    All its states must be reachable.
    """
    table = automaton.transitions
    useful = distances(table, automaton.accepting) >= 0
    if not useful[0]:
        nowhere = np.full((1, table.shape[1]), DEAD, np.int32)
        return CharacterAutomaton(automaton.classes, nowhere, np.zeros(1, np.bool_))
    return CharacterAutomaton(automaton.classes, keep_states(table, useful), automaton.accepting[useful])


def minimize(automaton: CharacterAutomaton) -> CharacterAutomaton:
    """Merge states that accept the same (Moore, "Gedanken-experiments on sequential machines", 1956).

    States that accept the same are as far from a text that is accepted, and from one that is not. So they
    are parted by that first: a round looks one letter ahead, and a chain would take one for each state.

    A table so large that merging takes longer than it saves is returned unchanged.
    """
    table = automaton.transitions
    if table.size > WORTH_MERGING:
        return automaton
    whole = np.vstack([np.where(table == DEAD, len(table), table), np.full(table.shape[1], len(table))])
    refusing = np.append(~automaton.accepting, True)  # the last state stands for DEAD
    far = [distances(table, automaton.accepting), distances(whole, refusing)[:-1]]
    block = distinct_rows(np.column_stack(far))[1]  # (S,)
    blocks = 0
    while True:
        check_wanted()
        extended = np.append(block, DEAD)
        first, block = distinct_rows(np.column_stack([block, extended[table]]))
        if len(first) == blocks:
            break
        blocks = len(first)
    merged = np.append(block, np.int32(DEAD))[table[first]]
    return CharacterAutomaton(automaton.classes, merged, automaton.accepting[first])
