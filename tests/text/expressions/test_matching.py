"""Whole texts are matched as `re` matches them, in a time that no expression makes long."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.constraints.test_regex import FLAGS, PATTERNS, TEXTS
from unspool import ConfigError
from unspool._text.expressions.matching import LinearMatcher, whole_matcher

COMPILED = st.sampled_from([0, re.IGNORECASE, re.DOTALL | re.MULTILINE, re.ASCII, re.VERBOSE])


@settings(max_examples=150, deadline=None)
@given(FLAGS, PATTERNS, COMPILED)
def test_it_matches_what_re_matches(flags: str, written: str, compiled: int) -> None:
    pattern = re.compile(written, compiled) if compiled else re.compile(flags + written)
    matches = LinearMatcher(pattern)
    assert [text for text in TEXTS if matches(text) != (pattern.fullmatch(text) is not None)] == []


@settings(max_examples=60, deadline=None)
@given(PATTERNS, st.lists(st.text(max_size=6), min_size=1))
def test_any_text_is_matched_whatever_its_characters(written: str, texts: list[str]) -> None:
    pattern = re.compile(written)
    matches = LinearMatcher(pattern)
    assert [matches(text) for text in texts] == [pattern.fullmatch(text) is not None for text in texts]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("([a-z]+)+[0-9]", "a" * 5000, False),
        ("([a-z]+)+[0-9]", "a" * 5000 + "7", True),
        (r"(a|aa|[^b])+(.|..|\n)*b7z", "a\n" * 2000, False),
        (r"(a|aa|[^b])+(.|..|\n)*b7z", "a\n" * 2000 + "b7z", True),
        ("(?:a|b)*a.{301}", "ab" * 2000, True),  # 2^301 states, of which a text reaches a few
        ("(?:a|b)*a.{301}c", "ab" * 2000, False),
        (".*" * 30 + "x", "a" * 2000, False),
    ],
)
def test_no_expression_takes_long(pattern: str, text: str, expected: bool) -> None:
    began = time.perf_counter()
    assert whole_matcher(re.compile(pattern))(text) is expected
    assert time.perf_counter() - began < 5  # with `re` longer than anybody waits, or than the last one's hour


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"(\w+) \1", "da da", "da do"),
        (r"(?!.*foo).+", "a bar", "a foo"),
        (r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z]).{3,}", "aB1", "ab1"),
        (r"(?>a|ab)c", "ac", "abc"),
        (r"(?:(?!foo).)*", "bar", "foo"),
        (r"a{200000}|b", "b", "a" * 199_999),  # too long to be written out
    ],
)
def test_what_no_automaton_decides_is_left_to_re(pattern: str, good: str, bad: str) -> None:
    matches = whole_matcher(re.compile(pattern))
    assert matches(good)
    assert not matches(bad)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?=x?)([a-z]+)+[0-9]",
        r"(?=([a-z]+)+[0-9]).*",
        r"(a|aa)+(b)\2",
        r"(a|aa){0,40}(b)\2",
        r"(b)\1.*.*.*.*x",
        r"(b)\1" + "a?" * 40 + "x",
        r"(b)\1" + "(a|a(?:))" * 40,
        r"(b)?(?(1)(a+)+|(?:c*)*)x",
    ],
)
def test_what_re_could_try_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ConfigError, match="at most two repeats, none of them of alternatives or of repeats"):
        whole_matcher(re.compile(pattern))
