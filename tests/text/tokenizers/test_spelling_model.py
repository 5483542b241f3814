"""The model of spellings: a proper code, and values worked by hand."""

import itertools
import math
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import TokenizerError
from unspool._text.tokenizers.spelling_model import CHOICES, CONTEXT, END, SpellingModel

words = st.dictionaries(st.text("abc", min_size=1, max_size=5), st.integers(0, 9), max_size=6)


def test_values_worked_by_hand() -> None:
    """One word, "ab", counted three times.

    Without context, a, b and the end were each seen 3 times: n = 9, t = 3, and (3 + 3u) / 12 for each, with
    u = 1 / 1,112,065. At the start, only a was seen: n = 3, t = 1, and so for b after any a, and for b after
    an a at the start.
    """
    u = Fraction(1, 1_112_065)
    alone = (3 + 3 * u) / 12  # a, b or the end, after nothing
    once = (3 + alone) / 4  # a at the start; b after a; the end after b
    twice = (3 + once) / 4  # b after an a at the start; the end after "ab"
    model = SpellingModel.fit({"ab": 3})
    assert CHOICES == 1_112_065
    assert model.probability("a", "") == pytest.approx(float(once))
    assert model.probability("b", "a") == pytest.approx(float(twice))
    assert model.probability(END, "ab") == pytest.approx(float(twice))
    assert model.nats("ab") == pytest.approx(-math.log(once) - 2 * math.log(twice))
    never = 3 * u / 12  # a character that was not seen, after nothing
    assert model.probability("z", "") == pytest.approx(float(never / 4))
    assert model.probability("z", "zz") == pytest.approx(float(never))


def test_counts_of_two_words_are_added() -> None:
    model = SpellingModel.fit({"abc": 2, "bc": 1, "never": 0})
    assert model.counts == {
        "": {"a": 2, "b": 1},
        "a": {"b": 2},
        "ab": {"c": 2},
        "b": {"c": 1},
        "bc": {END: 3},
    }
    # after b, wherever: c 3 times. After "ab": c twice.
    u = Fraction(1, 1_112_065)
    c = (3 + 4 * u) / (2 + 3 + 3 + 3 + 4)  # a 2, b 3, c 3, end 3, four different ones
    c = (3 + c) / (3 + 1)
    c = (2 + c) / (2 + 1)
    assert model.probability("c", "ab") == pytest.approx(float(c))
    assert model.probability("c", "xxab") == model.probability("c", "ab")


def test_without_a_word_every_character_is_equally_probable() -> None:
    assert SpellingModel.fit({}).nats("猫") == pytest.approx(2 * math.log(1_112_065))


@given(words=words, before=st.text("abcx", max_size=4))
def test_what_may_come_next_has_the_probability_1_in_all(words: dict[str, int], before: str) -> None:
    model = SpellingModel.fit(words)
    listed = ["a", "b", "c", END]
    others = (CHOICES - len(listed)) * model.probability("\U0001f600", before)
    assert math.fsum(model.probability(x, before) for x in listed) + others == pytest.approx(1, abs=1e-9)


@given(words=words)
def test_all_spellings_have_the_probability_1_at_most(words: dict[str, int]) -> None:
    model = SpellingModel.fit(words)
    spellings = ("".join(letters) for n in range(6) for letters in itertools.product("abc", repeat=n))
    assert math.fsum(math.exp(-model.nats(word)) for word in spellings) <= 1 + 1e-9


def test_a_word_like_the_others_takes_few_bits() -> None:
    model = SpellingModel.fit({"nation": 4, "station": 3, "rational": 2})
    bits = {word: model.nats(word) / math.log(2) for word in ("ration", "xkcdqz")}
    assert bits["ration"] < 10
    assert bits["xkcdqz"] > 6 * 15


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"abc": {"a": 1}},
        {"a": {"bc": 1}},
        {"a": {"b": 0}},
        {"a": {"b": True}},
        {"a": {"b": 1.5}},
        {"a": {}},
        {"a": 3},
    ],
    ids=str,
)
def test_what_is_no_such_model_is_refused(value: object) -> None:
    with pytest.raises(TokenizerError, match="file: spelling_model: expected whole numbers"):
        SpellingModel.of_json(value, where="file", key="spelling_model")


def test_it_is_what_was_written() -> None:
    model = SpellingModel.fit({"abc": 2, "bc": 1})
    assert SpellingModel.of_json(dict(model.counts), where="file", key="k") == model
    assert all(len(before) <= CONTEXT for before in model.counts)


def test_words_are_drawn_by_their_probability() -> None:
    model = SpellingModel.fit({"ab": 3, "b": 2, "ba": 1})
    source = random.Random(5)
    drawn = Counter(model.draw(source.random) for _ in range(20_000))
    for word in ("ab", "b", "ba", "abab"):
        probability = math.exp(-model.nats(word))
        error = math.sqrt(probability * (1 - probability) / 20_000)
        assert drawn[word] / 20_000 == pytest.approx(probability, abs=4 * error)
    assert not any("\ud800" <= letter <= "\udfff" for word in drawn for letter in word)


CHARACTERS = 0x110000 - 0x800  # of Unicode, without halves of pairs; the end has the number after the last


@pytest.mark.parametrize(
    ("before", "numbers", "drawn"),
    [
        ("", [0], "a"),
        ("", [1 / 4], "b"),  # two letters once each, and two shares for what was not seen
        ("", [2 / 4, 0], "a"),
        ("", [2 / 4, 1 / 8], "b"),  # of all: a, b, three ends, and three shares for what was not seen
        ("", [2 / 4, 2 / 8], ""),
        ("", [2 / 4, 4 / 8], ""),
        ("", [2 / 4, 5 / 8, 0], "\0"),
        ("", [2 / 4, 5 / 8, (0xD7FF + 0.5) / (CHARACTERS + 1)], "\ud7ff"),
        ("", [2 / 4, 5 / 8, (0xD800 + 0.5) / (CHARACTERS + 1)], "\ue000"),
        ("", [2 / 4, 5 / 8, (CHARACTERS - 0.5) / (CHARACTERS + 1)], "\U0010ffff"),
        ("", [2 / 4, 5 / 8, (CHARACTERS + 0.5) / (CHARACTERS + 1)], ""),
        ("xa", [0, 1 / 3], ""),  # nothing came after xa; after an a came the end, twice
        ("xa", [0, 2 / 3, 0], "a"),
    ],
)
def test_a_letter_is_drawn_from_the_longest_context_that_has_it(
    before: str, numbers: list[float], drawn: str
) -> None:
    left = iter(numbers)
    model = SpellingModel.fit({"a": 2, "b": 1})
    model = SpellingModel({**model.counts, "": {"a": 1, "b": 1}})
    assert model._next(before, lambda: next(left)) == drawn
    assert list(left) == []
