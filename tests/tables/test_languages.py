"""The automata of numbers and dates accept what Python's own integers and calendar say, and nothing else."""

import random
from datetime import date, timedelta

import numpy as np
import pytest

from unspool._generation.constraints.characters import CharacterAutomaton
from unspool._tables.languages import Language

ALPHABET = "x-0123456789"


def accepts(automaton: CharacterAutomaton, word: str) -> bool:
    """Read a word, letter by letter."""
    state = 0
    for letter in word:
        state = int(automaton.transitions[state, automaton.classes[ALPHABET.index(letter)]])
        if state < 0:
            return False
    return bool(automaton.accepting[state])


def of_numbers(least: int, most: int) -> CharacterAutomaton:
    """Return the automaton of an interval."""
    language = Language()
    return language.automaton(language.numbers(least, most), ALPHABET)


@pytest.mark.parametrize("seed", range(40))
def test_numbers_are_those_between_the_bounds(seed: int) -> None:
    draw = random.Random(seed)
    least = draw.randint(-1300, 1300)
    most = least + draw.choice((0, 1, 9, 90, 1200))
    automaton = of_numbers(least, most)
    found = [number for number in range(-2700, 2700) if accepts(automaton, str(number))]
    assert found == list(range(least, most + 1))


@pytest.mark.parametrize("word", ["", "-", "-0", "00", "01", "-01", "x", "1x", "1-"])
def test_numbers_are_spelled_in_one_way(word: str) -> None:
    assert not accepts(of_numbers(-99, 99), word)


def test_a_long_interval_has_few_states() -> None:
    automaton = of_numbers(-(10**18) + 1, 10**18 - 1)
    assert len(automaton.transitions) < 50
    assert accepts(automaton, str(10**18 - 1))
    assert not accepts(automaton, str(10**18))


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2024, 2, 27), date(2024, 3, 2)),
        (date(1999, 12, 30), date(2004, 3, 1)),
        (date(1900, 1, 1), date(1900, 12, 31)),
        (date(2023, 5, 5), date(2023, 5, 5)),
    ],
)
def test_days_are_those_of_the_calendar(first: date, last: date) -> None:
    language = Language()
    automaton = language.automaton(language.days(first, last, timed=0), ALPHABET)
    expected = {f"{first + timedelta(days):%Y%m%d}" for days in range((last - first).days + 1)}
    tried = (
        f"{year}{month:02}{day:02}"
        for year in range(first.year - 1, last.year + 2)
        for month in range(14)
        for day in range(33)
    )
    assert {word for word in tried if accepts(automaton, word)} == expected


def test_a_time_of_day_follows() -> None:
    language = Language()
    day = date(2024, 2, 29)
    automaton = language.automaton(language.days(day, day, timed=3), ALPHABET)
    assert accepts(automaton, "20240229235959")
    assert not any(
        accepts(automaton, f"20240229{time}") for time in ("240000", "236000", "235960", "2359", "")
    )
    assert np.count_nonzero(automaton.accepting) == 1
