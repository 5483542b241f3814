"""Automata for conditions without a regular expression: contained strings, lengths, choices."""

import re
from collections import deque
from collections.abc import Sequence

import numpy as np

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD
from unspool._generation.automata.graphs import check_size, keep_states, reachable
from unspool._generation.constraints.characters import CharacterAutomaton, minimize
from unspool._generation.constraints.constraint import chosen, is_class


def starts_with(text: str, alphabet: str) -> CharacterAutomaton:
    """Return the automaton of the texts that begin with a string."""
    trie = _Trie([text], alphabet)
    trie.table[-1] = len(text)
    return trie.accepting(trie.ends)


def ends_with(text: str, alphabet: str) -> CharacterAutomaton:
    """Return the automaton of the texts that end with a string."""
    trie = _Trie([text], alphabet)
    trie.fall_back()
    return trie.accepting(trie.ends)


def contains(text: str, alphabet: str) -> CharacterAutomaton:
    """Return the automaton of the texts that contain a string."""
    trie = _Trie([text], alphabet)
    trie.fall_back()
    trie.table[-1] = len(text)
    return trie.accepting(trie.ends)


def excludes(texts: Sequence[str], alphabet: str) -> CharacterAutomaton:
    """Return the automaton of the texts that contain none of some strings.

    A string with an unknown character never occurs.
    """
    known = [text for text in texts if set(text) <= set(alphabet)]
    trie = _Trie(known, alphabet)
    trie.fall_back()
    trie.table[trie.ends[trie.table]] = DEAD
    used = reachable(trie.table, np.zeros(1, np.int64))
    return CharacterAutomaton(trie.classes, keep_states(trie.table, used), np.ones(int(used.sum()), np.bool_))


def choices(texts: Sequence[str], alphabet: str) -> CharacterAutomaton:
    """Return the automaton of some texts and no others."""
    trie = _Trie(texts, alphabet)
    return minimize(trie.accepting(trie.ends))


def lengths(least: int, most: int | None, alphabet: str) -> CharacterAutomaton:
    """Return the automaton of the texts of some lengths.

    Args:
        least: Lowest number of characters.
        most: Highest number of characters; None for no limit.
        alphabet: The known characters, each once.
    """
    last = least if most is None else most
    check_size(last + 1, 1)
    table = np.arange(1, last + 2, dtype=np.int32)[:, None]  # (S, 1)
    table[-1] = last if most is None else DEAD
    return CharacterAutomaton(np.zeros(len(alphabet), np.int32), table, np.arange(last + 1) >= least)


def characters(written: str, alphabet: str, *, name: str, excluded: bool) -> CharacterAutomaton:
    """Return the automaton of the texts with only these characters, or with none of them.

    Args:
        written: The characters, one by one or as a class in brackets.
        alphabet: The known characters, each once.
        name: The option with the characters, for messages.
        excluded: Whether the characters are forbidden, rather than the only allowed ones.

    Raises:
        ConfigError: If they are written as a class but are not one.
    """
    check_class(written, name)
    named = set(chosen(written, alphabet))
    classes = np.array([(letter in named) == excluded for letter in alphabet], np.int32)
    return CharacterAutomaton(classes, np.array([[0, DEAD]], np.int32), np.ones(1, np.bool_))


def check_class(written: str, name: str) -> None:
    """Refuse characters in brackets that are not one class of a regular expression.

    Raises:
        ConfigError: If they are not one class.
    """
    if not is_class(written):
        return
    problem = "something else"
    try:
        class_match = re.fullmatch(r"\[(\^?)(\]?)((?:\\.|[^\]\\])*)\]", written, re.DOTALL)
        re.compile(written)
    except re.error as error:
        class_match, problem = None, error.msg
    if class_match is None:
        raise ConfigError(
            f"{name} {written!r}",
            expected="characters, or one class of a regular expression such as [a-z ]",
            got=problem,
            hint="to mean the brackets themselves, do not begin with [",
        )


class _Trie:
    """Strings as a tree; column 0 is for all letters in none of them (Aho and Corasick, 1975)."""

    def __init__(self, texts: Sequence[str], alphabet: str) -> None:
        self.column = {letter: i for i, letter in enumerate(sorted(set("".join(texts))), start=1)}
        self.classes = np.array([self.column.get(letter, 0) for letter in alphabet], np.int32)
        self.nodes: list[dict[int, int]] = [{}]
        ways: list[tuple[int, int]] = []  # (node, column) of each edge; edge i leads to node i + 1
        ends = [self._add(text, ways) for text in texts]
        check_size(len(self.nodes), len(self.column) + 1)
        self.table = np.full((len(self.nodes), len(self.column) + 1), DEAD, np.int32)
        if ways:
            self.table[tuple(np.array(ways).T)] = np.arange(1, len(self.nodes))
        self.ends = np.zeros(len(self.nodes) + 1, np.bool_)  # the last one is for DEAD
        self.ends[ends] = True

    def _add(self, text: str, ways: list[tuple[int, int]]) -> int:
        """Add a string and return the node where it ends."""
        at = 0
        for letter in text:
            column = self.column[letter]
            step = self.nodes[at].setdefault(column, len(self.nodes))
            if step == len(self.nodes):
                self.nodes.append({})
                ways.append((at, column))
            at = step
        return at

    def fall_back(self) -> None:
        """Add the edges on which a string that cannot continue falls back to its longest beginning."""
        waiting = deque([(0, 0)])  # a node, and the node of its longest proper suffix
        while waiting:
            node, suffix = waiting.popleft()
            fitting = self.table[suffix].copy() if node else np.zeros_like(self.table[0])
            self.ends[node] |= self.ends[suffix]
            for column, step in self.nodes[node].items():
                waiting.append((step, int(fitting[column])))
                fitting[column] = step
            self.table[node] = fitting

    def accepting(self, ends: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> CharacterAutomaton:
        """Return an automaton that accepts at some nodes."""
        return CharacterAutomaton(self.classes, self.table, ends[:-1])
