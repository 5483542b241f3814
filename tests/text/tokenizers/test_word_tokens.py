"""Words of every script, with nothing lost."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._text.tokenizers.word_tokens import (
    _combining_marks,
    _pattern,
    complete_length,
    split_words,
    word_pattern,
)


def test_the_combining_marks_are_those_of_unicode() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    marks = [character for character in every if unicodedata.category(character)[0] == "M"]
    assert re.findall(f"[{_combining_marks()}]", every) == marks


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, world!", ["Hello", ",", " ", "world", "!"]),
        (
            "don't 'quote' rock'n'roll l’été",
            ["don't", " ", "'", "quote", "'", " ", "rock'n'roll", " ", "l’été"],
        ),
        ("a_1 3.14", ["a_1", " ", "3", ".", "14"]),
        ("  \t\r\n", [" ", " ", "\t", "\r", "\n"]),
        ("我爱北京。", ["我", "爱", "北", "京", "。"]),
        ("か\u3099んトラ", ["か\u3099", "ん", "ト", "ラ"]),
        ("नमस्ते दुनिया", ["नमस्ते", " ", "दुनिया"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("می‌خواهم", ["می‌خواهم"]),
        ("한국어 텍스트", ["한국어", " ", "텍스트"]),
        ("👩‍👩‍👧👍🏽", ["👩‍👩‍👧", "👍🏽"]),
        ("🇩🇪🇫🇷❤️!", ["🇩🇪", "🇫🇷", "❤️", "!"]),
        ("e\u0301te\u0301 \u0301", ["e\u0301te\u0301", " ", "\u0301"]),
        ("👍~~🇩~é~", ["👍", "~", "~", "🇩", "~", "é", "~"]),
        ("e\u0300x\U000e0100y !\U000e007f!", ["e\u0300x\U000e0100y", " ", "!\U000e007f", "!"]),
        ("x" * 130, ["x" * 64, "x" * 64, "xx"]),
        ("", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert split_words(text) == tokens


@given(st.text())
def test_the_tokens_are_the_text(text: str) -> None:
    tokens = split_words(text)
    assert "".join(tokens) == text
    assert "" not in tokens


@given(st.text(st.characters(codec="ascii")))
def test_the_fast_pattern_for_ascii_is_a_twin(text: str) -> None:
    assert split_words(text) == _pattern().findall(text)


@given(st.text(alphabet="ab'’ \n.,é\u0301我\u200d👩🏽🇩"), st.text(alphabet="ab'’ \n.,é\u0301我\u200d👩🏽🇩"))
def test_what_is_complete_does_not_depend_on_what_follows(text: str, more: str) -> None:
    done = complete_length(text)
    assert split_words(text[:done]) + split_words(text[done:] + more) == split_words(text + more)


@given(st.text())
def test_other_programs_split_alike_by_the_pattern(text: str) -> None:
    assert re.findall(word_pattern(), text, re.DOTALL) == split_words(text)


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_space_is_looked_for_among_the_last_4096_characters(space: str) -> None:
    assert complete_length(space + "x" * 4095) == 1
    assert complete_length(space + "x" * 4096) == 1 + 4096 - 3 * 64
    assert complete_length(f"a{space}b{space}c") == 4
    assert complete_length("a'b") == complete_length("") == 0
    assert complete_length("我爱北京") == 1


def test_a_long_text_is_nearly_complete() -> None:
    for text in ("word " * 2000, "我爱北京" * 2000, "x" * 8000, "e" + "\u0301" * 8000):
        assert len(text) - complete_length(text) < 4096


def test_hostile_texts_take_no_more_than_linear_time() -> None:
    for text in ("'" * 100_000, "a'" * 50_000, "👩\u200d" * 50_000, "a\u0301" * 50_000, "\u0301" * 100_000):
        assert "".join(split_words(text)) == text
