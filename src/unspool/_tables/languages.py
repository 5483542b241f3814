"""Small automata of numbers and dates, built from their ends so that equal states are one."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from functools import cache

import numpy as np

from unspool._generation.automata.automaton import DEAD
from unspool._generation.constraints.characters import CharacterAutomaton

Span = tuple[int, int] | None
Edges = dict[str, int]


class Language:
    """The states of a minimal automaton: two that go on alike are the same number."""

    def __init__(self) -> None:
        self._edges: list[Edges] = []
        self._ends: list[bool] = []
        self._numbers: dict[tuple[frozenset[tuple[str, int]], bool], int] = {}
        self._after_digits: dict[tuple[Span, ...], int] = {}
        self.end = self.state({}, ends=True)

    def state(self, edges: Edges, *, ends: bool = False) -> int:
        """Return the state with some edges, character -> state, in which a word may end or not."""
        key = (frozenset(edges.items()), ends)
        if key not in self._numbers:
            self._numbers[key] = len(self._edges)
            self._edges.append(edges)
            self._ends.append(ends)
        return self._numbers[key]

    def branch(self, words: Mapping[str, int]) -> int:
        """Return the state before some words of one length, each of which leads to a state."""
        if "" in words:
            return words[""]
        by_first: dict[str, dict[str, int]] = {}
        for word, state in words.items():
            by_first.setdefault(word[0], {})[word[1:]] = state
        return self.state({first: self.branch(rest) for first, rest in by_first.items()})

    def numbers(self, least: int, most: int) -> int:
        """Return the first state of the whole numbers from `least` to `most`, without leading zeros."""
        edges = self._magnitudes(max(least, 0), most) if most >= 0 else {}
        if least < 0:
            edges["-"] = self.state(self._magnitudes(max(1, -most), -least))
        return self.state(edges)

    def _magnitudes(self, least: int, most: int) -> Edges:
        digits = len(str(most))
        floors = [0 if places == 1 else 10 ** (places - 1) for places in range(1, digits + 1)]
        spans: list[Span] = [(max(least, floor), min(most, 10**places - 1))
                             for places, floor in enumerate(floors, start=1)]  # fmt: skip
        return self._digits((None, *(span if span and span[0] <= span[1] else None for span in spans)))

    def _digits(self, spans: tuple[Span, ...]) -> Edges:
        """Return the edges before digits: of a number of i more digits, what they may be is span i."""
        edges = {}
        for digit in range(10):
            rest = tuple(_after(span, digit, 10 ** (more - 1)) for more, span in enumerate(spans) if more)
            while rest and rest[-1] is None:
                rest = rest[:-1]
            if rest and rest not in self._after_digits:
                self._after_digits[rest] = self.state(self._digits(rest), ends=rest[0] is not None)
            if rest:
                edges[str(digit)] = self._after_digits[rest]
        return edges

    def days(self, first: date, last: date, *, timed: int) -> int:
        """Return the first state of the days from `first` to `last`, with any time of day.

        Args:
            first: The first day.
            last: The last day.
            timed: Parts of the time that follow: 0, 2 for hours and minutes, or 3.
        """
        after = self.end
        for count in (60, 60, 24)[3 - timed :] if timed else ():
            after = self.branch({f"{number:02}": after for number in range(count)})

        @cache
        def year(leap: bool, start: tuple[int, int], stop: tuple[int, int]) -> int:
            months = {}
            for month in range(start[0], stop[0] + 1):
                begin = start[1] if month == start[0] else 1
                end = stop[1] if month == stop[0] else monthrange(2000 if leap else 2001, month)[1]
                days = {f"{day:02}": after for day in range(begin, end + 1)}
                months[f"{month:02}"] = self.branch(days)
            return self.branch(months)

        return self.branch(
            {
                f"{number:04}": year(
                    monthrange(number, 2)[1] == 29,
                    (first.month, first.day) if number == first.year else (1, 1),
                    (last.month, last.day) if number == last.year else (12, 31),
                )
                for number in range(first.year, last.year + 1)
            }
        )

    def automaton(self, first: int, alphabet: str) -> CharacterAutomaton:
        """Return the automaton of the words from a state on, over an alphabet."""
        order = {first: 0}
        for state in (waiting := [first]):
            for after in self._edges[state].values():
                if after not in order:
                    order[after] = len(order)
                    waiting.append(after)
        used = sorted({letter for state in order for letter in self._edges[state]})
        column = {letter: number for number, letter in enumerate(used, start=1)}  # 0: no other letter
        table = np.full((len(order), len(used) + 1), DEAD, np.int32)
        for state, number in order.items():
            for letter, after in self._edges[state].items():
                table[number, column[letter]] = order[after]
        classes = np.array([column.get(letter, 0) for letter in alphabet], np.int32)
        return CharacterAutomaton(classes, table, np.array([self._ends[state] for state in order]))


def _after(span: Span, digit: int, unit: int) -> Span:
    """Return what the digits after a first one may be.

    Args:
        span: What all the digits may be; None for nothing.
        digit: The first one.
        unit: Its worth.
    """
    if span is None:
        return None
    least, most = max(0, span[0] - digit * unit), min(unit - 1, span[1] - digit * unit)
    return (least, most) if least <= most else None
