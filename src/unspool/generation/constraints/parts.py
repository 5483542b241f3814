"""Automata for what needs no regular expression: strings that are there or not, lengths, choices."""

import re
from collections import deque
from collections.abc import Sequence

import numpy as np

from unspool.errors import ConfigError
from unspool.generation.automata.automaton import DEAD
from unspool.generation.automata.graphs import check_size, keep_states, reachable
from unspool.generation.constraints.characters import CharacterAutomaton, minimize
from unspool.generation.constraints.constraint import chosen, is_class


def starts_with(text: str, alphabet: str) -> CharacterAutomaton:
    """Accept the texts that begin with a string."""
    trie = _Trie([text], alphabet)
    trie.table[-1] = len(text)
    return trie.accepting(trie.ends)


def ends_with(text: str, alphabet: str) -> CharacterAutomaton:
    """Accept the texts that end with a string."""
    trie = _Trie([text], alphabet)
    trie.fall_back()
    return trie.accepting(trie.ends)


def contains(text: str, alphabet: str) -> CharacterAutomaton:
    """Accept the texts that have a string in them."""
    trie = _Trie([text], alphabet)
    trie.fall_back()
    trie.table[-1] = len(text)
    return trie.accepting(trie.ends)


def excludes(texts: Sequence[str], alphabet: str) -> CharacterAutomaton:
    """Accept the texts that have none of some strings in them; those with unknown characters never come."""
    known = [text for text in texts if set(text) <= set(alphabet)]
    trie = _Trie(known, alphabet)
    trie.fall_back()
    trie.table[trie.ends[trie.table]] = DEAD
    kept = reachable(trie.table, np.zeros(1, np.int64))
    return CharacterAutomaton(trie.classes, keep_states(trie.table, kept), np.ones(int(kept.sum()), np.bool_))


def choices(texts: Sequence[str], alphabet: str) -> CharacterAutomaton:
    """Accept some texts and no others."""
    trie = _Trie(texts, alphabet)
    return minimize(trie.accepting(trie.ends))


def lengths(least: int, most: int | None, alphabet: str) -> CharacterAutomaton:
    """Accept the texts of so many characters; most is None for no limit."""
    last = least if most is None else most
    check_size(last + 1, 1)
    table = np.arange(1, last + 2, dtype=np.int32)[:, None]  # (S, 1)
    table[-1] = last if most is None else DEAD
    return CharacterAutomaton(np.zeros(len(alphabet), np.int32), table, np.arange(last + 1) >= least)


def characters(written: str, alphabet: str, *, name: str, excluded: bool) -> CharacterAutomaton:
    """Accept the texts of some characters alone, or of all but them.

    Raises:
        ConfigError: If they are written as a class that is none.
    """
    check_class(written, name)
    there = set(chosen(written, alphabet))
    classes = np.array([(letter in there) == excluded for letter in alphabet], np.int32)
    return CharacterAutomaton(classes, np.array([[0, DEAD]], np.int32), np.ones(1, np.bool_))


def check_class(written: str, name: str) -> None:
    """Refuse characters in brackets that are not one class of a regular expression.

    Raises:
        ConfigError: If they are not.
    """
    if not is_class(written):
        return
    found = "something else"
    try:
        one = re.fullmatch(r"\[(\^?)(\]?)((?:\\.|[^\]\\])*)\]", written, re.DOTALL)
        re.compile(written)
    except re.error as error:
        one, found = None, error.msg
    if one is None:
        raise ConfigError(
            f"parameter {name} {written!r}",
            expected="characters, or one class of a regular expression such as [a-z ]",
            got=found,
            hint="to mean the brackets themselves, do not begin with [",
        )


class _Trie:
    """Hold strings as a tree; column 0 is for all letters that none of them has (Aho and Corasick, 1975)."""

    def __init__(self, texts: Sequence[str], alphabet: str) -> None:
        self.column = {letter: i for i, letter in enumerate(sorted(set("".join(texts))), start=1)}
        self.classes = np.array([self.column.get(letter, 0) for letter in alphabet], np.int32)
        self.nodes: list[dict[int, int]] = [{}]
        ways: list[tuple[int, int]] = []  # from which node by which column; node i + 1 is way i's
        ends = [self._add(text, ways) for text in texts]
        check_size(len(self.nodes), len(self.column) + 1)
        self.table = np.full((len(self.nodes), len(self.column) + 1), DEAD, np.int32)
        if ways:
            self.table[tuple(np.array(ways).T)] = np.arange(1, len(self.nodes))
        self.ends = np.zeros(len(self.nodes) + 1, np.bool_)  # the last one is for DEAD
        self.ends[ends] = True

    def _add(self, text: str, ways: list[tuple[int, int]]) -> int:
        """Add a string and give the node where it ends."""
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
        """Where a string does not go on, go on with the longest beginning that still fits."""
        waiting = deque([(0, 0)])  # a node, and the one that its longest proper suffix leads to
        while waiting:
            node, suffix = waiting.popleft()
            fitting = self.table[suffix].copy() if node else np.zeros_like(self.table[0])
            self.ends[node] |= self.ends[suffix]
            for column, step in self.nodes[node].items():
                waiting.append((step, int(fitting[column])))
                fitting[column] = step
            self.table[node] = fitting

    def accepting(self, ends: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> CharacterAutomaton:
        """Make an automaton that accepts at some nodes."""
        return CharacterAutomaton(self.classes, self.table, ends[:-1])
