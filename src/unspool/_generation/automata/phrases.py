"""Automata that notice when one of several phrases has been written, wherever tokens begin and end.

The automaton of Aho and Corasick ("Efficient String Matching", 1975) over characters is carried over to the
tokens of a vocabulary. A token is the run of characters of its spelling, so a phrase is found inside a word
and across several. The same automaton forbids phrases, as a guide, and ends texts at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
        beginnings: The state of each beginning of a phrase. A text is in the state of the longest beginning
            with which it ends; "" is state 0.
    """

    automaton: TokenAutomaton
    beginnings: dict[str, int]

    def after(self, text: str) -> int:
        """Return the state after a text, even if the text itself has a phrase."""
        longest = min(len(text), max(map(len, self.beginnings)))
        ends = (text[len(text) - size :] for size in range(longest, -1, -1))
        return next(self.beginnings[end] for end in ends if end in self.beginnings)


def phrase_automaton(phrases: Sequence[str], spellings: Sequence[str], *, name: str) -> PhraseAutomaton:
    """Return the automaton of some phrases over a vocabulary.

    Args:
        phrases: The phrases, none of them empty.
        spellings: The text of each id; an id without text completes no phrase.
        name: The option with the phrases, for messages.

    Raises:
        ConfigError: If the table would be too large.
    """
    beginnings = _beginnings(phrases)
    letters = {letter: i for i, letter in enumerate(sorted(set("".join(phrases))), start=1)}
    spelled = [tuple(letters.get(letter, 0) for letter in spelling) for spelling in spellings]
    columns = {letters_of: i for i, letters_of in enumerate(dict.fromkeys(spelled))}
    ok = len(beginnings) * len(columns) <= LARGEST_TABLE
    check(name, phrases, "fewer or shorter strings: the vocabulary is too large for so many", ok)
    table = _spell(list(columns), *_letter_table(phrases, beginnings, letters))  # (S, columns)
    transitions, classes = np.unique(table, axis=1, return_inverse=True)
    of_column = classes.reshape(-1)
    automaton = TokenAutomaton(
        classes=of_column[[columns[letters_of] for letters_of in spelled]].astype(np.int32),
        transitions=np.ascontiguousarray(transitions, dtype=np.int32),
        distance=np.zeros(len(beginnings), dtype=np.int32),
    )
    return PhraseAutomaton(automaton, beginnings)


def _beginnings(phrases: Sequence[str]) -> dict[str, int]:
    """Number the beginnings of all phrases, whole phrases included, by length: shorter ones come first."""
    starts = {phrase[:size] for phrase in phrases for size in range(len(phrase) + 1)}
    return {beginning: i for i, beginning in enumerate(sorted(starts, key=lambda text: (len(text), text)))}


def _letter_table(
    phrases: Sequence[str], beginnings: dict[str, int], letters: dict[str, int]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the next state for each state and letter, and which states end with a phrase."""
    table = np.zeros((len(beginnings), len(letters) + 1), dtype=np.int32)
    whole = np.zeros(len(beginnings), dtype=bool)
    whole[[beginnings[phrase] for phrase in phrases]] = True
    shorter = np.zeros(len(beginnings), dtype=np.int32)  # the longest other beginning that ends its text
    for text, state in beginnings.items():  # by length, so that shorter beginnings are ready
        if text:
            parent, letter = beginnings[text[:-1]], letters[text[-1]]
            shorter[state] = table[shorter[parent], letter] if parent else 0
            whole[state] |= whole[shorter[state]]
        table[state] = table[shorter[state]]
        for ending, number in letters.items():
            if text + ending in beginnings:
                table[state, number] = beginnings[text + ending]
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
