"""Automata of phrases, against looking for the phrases in the text."""

import itertools
import random

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation.automata import phrases
from unspool._generation.automata.automaton import DEAD
from unspool._generation.automata.phrases import phrase_automaton

CHARS = ("", *"abc", "")
WORDS = ("", "the", " ", "cat", "a", "there", "hec", "", "")


@pytest.mark.parametrize(
    "given", [("a",), ("ab", "bc"), ("aa",), ("abcab", "bca"), ("abc", "b"), ("aba", "abb", "bb"), ("x",)]
)
def test_a_symbol_that_completes_a_phrase_leads_nowhere(given: tuple[str, ...]) -> None:
    made = phrase_automaton(given, CHARS, name="stop")
    for ids in itertools.chain.from_iterable(itertools.product((1, 2, 3), repeat=n) for n in range(7)):
        text = "".join(CHARS[i] for i in ids)
        assert (made.automaton.walk(ids) == DEAD) == any(phrase in text for phrase in given)


@pytest.mark.parametrize("given", [("the",), ("hec",), ("e c", "ata"), ("her", " "), ("thec", "rec")])
def test_phrases_are_found_across_symbols_and_inside_them(given: tuple[str, ...]) -> None:
    made = phrase_automaton(given, WORDS, name="stop")
    draw = random.Random(1)
    for _ in range(500):
        ids = [draw.randrange(1, 8) for _ in range(draw.randrange(6))]
        text = "".join(WORDS[i] for i in ids)
        assert (made.automaton.walk(ids) == DEAD) == any(phrase in text for phrase in given)


@pytest.mark.parametrize("before", ["", "ab", "aab", "xxa", "ba", "b", "abc", "cab"])
def test_a_phrase_may_begin_in_the_prompt(before: str) -> None:
    given = ("abc", "b", "aa")
    made = phrase_automaton(given, CHARS, name="bad_words")
    for ids in itertools.product((1, 2, 3), repeat=2):
        text = "".join(CHARS[i] for i in ids)
        ends = (len(before) + n + 1 for n in range(2))
        completed = any((before + text)[:end].endswith(given) for end in ends)
        assert (made.automaton.walk(ids, made.after(before)) == DEAD) == completed


def test_symbols_that_lead_alike_share_a_class() -> None:
    made = phrase_automaton(("ab",), ("", *"abcdefgh", ""), name="stop")
    assert made.automaton.transitions.shape == (3, 4)  # a, b, others, what has no spelling
    assert made.automaton.transitions.dtype == made.automaton.classes.dtype == np.int32


def test_a_table_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phrases, "LARGEST_TABLE", 10)
    with pytest.raises(ConfigError, match="bad_words must be fewer or shorter"):
        phrase_automaton(("abcab",), CHARS, name="bad_words")


def test_a_long_phrase_takes_memory_in_proportion_to_its_length() -> None:
    sizes = [phrase_automaton(("ab" * length,), CHARS, name="stop").nbytes for length in (1000, 4000)]
    assert sizes[1] == pytest.approx(4 * sizes[0], rel=0.01)
    assert sizes[1] < 100 * 4000 * 4  # a few numbers of 4 bytes for each letter
