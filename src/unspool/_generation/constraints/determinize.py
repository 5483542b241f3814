"""Write the automaton of a regular expression out: sets of nodes become states."""

import numpy as np

from unspool._generation.automata.automaton import DEAD
from unspool._generation.constraints.characters import CharacterAutomaton, minimize, trim
from unspool._interruptible import check_wanted
from unspool._text.expressions.patterns import read_pattern
from unspool._text.expressions.subsets import ACCEPT, Subsets


def regex(pattern: str, alphabet: str) -> CharacterAutomaton:
    """Compile a regular expression, with the meaning of `re.fullmatch`.

    Args:
        pattern: The expression.
        alphabet: The characters that the model knows, each once.

    Raises:
        ConfigError: If it is broken, uses a feature that an automaton cannot decide, or is too large.
    """
    return minimize(trim(written_out(Subsets(read_pattern(pattern, alphabet)))))


def written_out(subsets: Subsets) -> CharacterAutomaton:
    """Return the automaton of all reachable states.

    Args:
        subsets: The states, which are made when they are first reached.

    Raises:
        ConfigError: If they are too many.
    """
    states = {subsets.start: 0}
    waiting = list(states)
    rows: list[list[int]] = []
    while len(rows) < len(waiting):
        row = subsets.row(waiting[len(rows)])
        for state in row:
            if state and state not in states:
                states[state] = len(waiting)
                waiting.append(subsets.count(state))
        rows.append([states[state] if state else DEAD for state in row])
        subsets.check_states(len(states))
        check_wanted()
    accepting = np.array([bool(state & ACCEPT) for state in waiting])
    return CharacterAutomaton(subsets.classes, np.array(rows, np.int32), accepting)
