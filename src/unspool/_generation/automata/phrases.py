"""Automata that notice when one of several phrases has been written, wherever tokens begin and end.

The automaton of Aho and Corasick ("Efficient String Matching", 1975) over characters is carried over to the
tokens of a vocabulary. A token is the run of characters of its spelling, so a phrase is found inside a word
and across several. The same automaton forbids phrases, as a guide, and ends texts at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check
from unspool._generation.automata.automaton import DEAD, TokenAutomaton

LARGEST_TABLE = 1 << 26  # entries: 256 MiB


@dataclass(frozen=True, eq=False)
class PhraseAutomaton:
    """An automaton in which a token that completes a phrase has no next state.

    Args:
        automaton: The automaton; every state accepts, and a token that completes a phrase is `DEAD`.
        letters: The number of each letter of a phrase, from 1.
        table: The state after each state and letter; 0 is any other letter. A text is in the state of the
            longest beginning of a phrase with which it ends.  # (S, letters + 1)
    """

    automaton: TokenAutomaton
    letters: dict[str, int]
    table: NDArray[np.int32]

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.automaton.nbytes + self.table.nbytes

    def after(self, text: str) -> int:
        """Return the state after a text, even if the text itself has a phrase."""
        state = 0
        for letter in text[-len(self.table) :]:  # no beginning is longer
            state = int(self.table[state, self.letters.get(letter, 0)])
        return state


def phrase_automaton(phrases: Sequence[str], spellings: Sequence[str], *, name: str) -> PhraseAutomaton:
    """Return the automaton of some phrases over a vocabulary.

    Args:
        phrases: The phrases, none of them empty.
        spellings: The text of each id; an id without text completes no phrase.
        name: The option with the phrases, for messages.

    Raises:
        ConfigError: If the table would be too large.
    """
    letters = {letter: i for i, letter in enumerate(sorted(set("".join(phrases))), start=1)}
    spelled = [tuple(letters.get(letter, 0) for letter in spelling) for spelling in spellings]
    columns = {letters_of: i for i, letters_of in enumerate(dict.fromkeys(spelled))}
    levels = _levels([[letters[letter] for letter in phrase] for phrase in phrases])
    states = sum(map(len, levels))
    ok = states * max(len(columns), len(letters) + 1) <= LARGEST_TABLE
    check(name, phrases, "fewer or shorter strings: the vocabulary is too large for so many", ok)
    table, whole = _letter_table(levels, states, len(letters) + 1)
    spelled_table = _spell(list(columns), table, whole)  # (S, columns)
    transitions, classes = np.unique(spelled_table, axis=1, return_inverse=True)
    of_column = classes.reshape(-1)
    automaton = TokenAutomaton(
        classes=of_column[[columns[letters_of] for letters_of in spelled]].astype(np.int32),
        transitions=np.ascontiguousarray(transitions, dtype=np.int32),
        distance=np.zeros(states, dtype=np.int32),
    )
    return PhraseAutomaton(automaton, letters, table)


@dataclass
class _Beginning:
    """A beginning of phrases: its last letter, the state of what is before it, and the phrases."""

    letter: int
    parent: int
    phrases: list[Sequence[int]]
    is_whole: bool = False


def _levels(phrases: Sequence[Sequence[int]]) -> list[list[_Beginning]]:
    """Return the beginnings of all phrases in their order as states: by length, then by their letters."""
    levels, number = [[_Beginning(0, 0, list(phrases))]], 0
    while levels[-1]:
        following: list[_Beginning] = []
        for state, beginning in enumerate(levels[-1], number):
            by_letter: dict[int, _Beginning] = {}
            for phrase in beginning.phrases:
                if len(phrase) == len(levels) - 1:
                    beginning.is_whole = True
                else:
                    letter = phrase[len(levels) - 1]
                    by_letter.setdefault(letter, _Beginning(letter, state, [])).phrases.append(phrase)
            following += (by_letter[letter] for letter in sorted(by_letter))
        number += len(levels[-1])
        levels.append(following)
    return levels


def _letter_table(
    levels: list[list[_Beginning]], states: int, width: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the next state for each state and letter, and which states end with a phrase."""
    beginnings = list(chain.from_iterable(levels))
    longer: list[list[int]] = [[] for _ in beginnings]
    for state, beginning in enumerate(beginnings[1:], 1):
        longer[beginning.parent].append(state)
    table = np.zeros((states, width), dtype=np.int32)
    whole = np.zeros(states, dtype=bool)
    shorter = np.zeros(states, dtype=np.int32)  # the longest other beginning that ends its text
    for state, beginning in enumerate(beginnings):  # by length, so that shorter ones are ready
        if beginning.parent:
            shorter[state] = table[shorter[beginning.parent], beginning.letter]
        whole[state] = beginning.is_whole or whole[shorter[state]]
        table[state] = table[shorter[state]]
        for after in longer[state]:
            table[state, beginnings[after].letter] = after
    return table, whole


def _spell(
    columns: list[tuple[int, ...]], table: NDArray[np.int32], whole: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Return the state after every spelling from every state; `DEAD` if it completes a phrase on the way."""
    longest = max(map(len, columns), default=0)
    spelled = np.full((longest, len(columns)), -1, dtype=np.int32)
    for column, letters_of in enumerate(columns):
        spelled[: len(letters_of), column] = letters_of
    states = np.repeat(np.arange(len(table), dtype=np.int32)[:, None], len(columns), axis=1)  # (S, columns)
    dead = np.zeros(states.shape, dtype=bool)
    for letters_at in spelled:
        (still,) = np.nonzero(letters_at >= 0)
        reached = table[states[:, still], letters_at[still]]
        states[:, still] = reached
        dead[:, still] |= whole[reached]
    states[dead] = DEAD
    return states
