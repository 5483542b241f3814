"""Automata over characters: what each part of a constraint is compiled to before they are put together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool.generation.automata.automaton import DEAD
from unspool.generation.automata.graphs import (
    Table,
    distances,
    distinct_rows,
    keep_states,
    product,
    shared_classes,
)

WORTH_MERGING = 200_000  # entries of a table above which equal states are left as they are


@dataclass(frozen=True, eq=False)
class CharacterAutomaton:
    """Hold a deterministic automaton whose letters are the characters that the model knows.

    Args:
        classes: The class of each character of the alphabet, int32.  # (A,)
        transitions: The next state for each state and class, `DEAD` for none.  # (S, C)
        accepting: Whether a text may end in each state. State 0 is the start.  # (S,)
    """

    classes: NDArray[np.int32]
    transitions: Table
    accepting: NDArray[np.bool_]

    @property
    def empty(self) -> bool:
        """Tell whether it accepts nothing, for one that is trimmed."""
        return not self.accepting.any()


def intersect(one: CharacterAutomaton, other: CharacterAutomaton) -> CharacterAutomaton:
    """Accept what both accept.

    Raises:
        ConfigError: If the product would be too large.
    """
    classes, left, right = shared_classes(one.classes, other.classes)
    start = np.zeros((1, 2), np.int64)
    table, pairs = product(one.transitions[:, left], other.transitions[:, right], start)
    accepting = one.accepting[pairs[:, 0]] & other.accepting[pairs[:, 1]]
    return trim(CharacterAutomaton(classes, table, accepting))


def trim(automaton: CharacterAutomaton) -> CharacterAutomaton:
    """Leave out the states from which no text can end; those that are not reached should be gone already."""
    table = automaton.transitions
    kept = distances(table, automaton.accepting) >= 0
    if not kept[0]:
        nowhere = np.full((1, table.shape[1]), DEAD, np.int32)
        return CharacterAutomaton(automaton.classes, nowhere, np.zeros(1, np.bool_))
    return CharacterAutomaton(automaton.classes, keep_states(table, kept), automaton.accepting[kept])


def minimize(automaton: CharacterAutomaton) -> CharacterAutomaton:
    """Merge states that accept the same (Moore, "Gedanken-experiments on sequential machines", 1956).

    A table so large that merging takes longer than it saves is left as it is.
    """
    table = automaton.transitions
    if table.size > WORTH_MERGING:
        return automaton
    block = automaton.accepting.astype(np.int32)  # (S,)
    blocks = 0
    while True:
        extended = np.append(block, DEAD)
        first, block = distinct_rows(np.column_stack([block, extended[table]]))
        if len(first) == blocks:
            break
        blocks = len(first)
    merged = np.append(block, np.int32(DEAD))[table[first]]
    return CharacterAutomaton(automaton.classes, merged, automaton.accepting[first])
