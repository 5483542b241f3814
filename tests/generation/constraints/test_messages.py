"""What is said of an expression that is refused, whole, and how much is too much."""

import importlib
import re
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._generation.automata import phrases
from unspool._generation.automata.automaton import DEAD
from unspool._generation.automata.graphs import keep_states, reachable
from unspool._generation.automata.joint_guide import at_least
from unspool._generation.automata.phrases import phrase_automaton
from unspool._generation.constraints import characters
from unspool._generation.constraints.characters import CharacterAutomaton, intersect, minimize, trim
from unspool._generation.constraints.compiling import compile_constraint, compile_constraints
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.constraints.determinize import regex
from unspool._generation.constraints.lifting import spellings_of
from unspool._generation.constraints.parts import check_class, lengths
from unspool._generation.selecting.selection import Selection
from unspool._text.expressions import matching, patterns, subsets
from unspool._text.expressions.matching import LinearMatcher, _ways, whole_matcher
from unspool._text.expressions.patterns import read_pattern, shown
from unspool._text.tokenizers.registry import ByteTokenizer, CharTokenizer, WordTokenizer

from .languages import accepts

LETTERS = CharTokenizer("abc")
WORDS = WordTokenizer(["ab", "c"])
AUTOMATON = "an expression that a finite automaton can match"


@pytest.mark.parametrize(
    ("pattern", "rest"),
    [
        ("a(?=b)", f"expected {AUTOMATON}, got a lookahead or a lookbehind; write the expression without it"),
        ("a(?!b)", f"expected {AUTOMATON}, got a negative lookahead or lookbehind; write the expression "
                   f"without it"),
        (r"(a)\1", f"expected {AUTOMATON}, got a backreference; write the expression without it"),
        ("(a)?(?(1)b|c)", f"expected {AUTOMATON}, got a conditional group; write the expression without it"),
        ("(?>a)b", f"expected {AUTOMATON}, got an atomic group; write the expression without it"),
        ("a*+b", f"expected {AUTOMATON}, got a possessive quantifier; write the expression without it"),
        ("a(b", "expected a regular expression as Python's re reads it, got missing ), unterminated "
                "subpattern at "
                "character 2"),
        ("(" * 5000 + ")" * 5000, "expected fewer nested groups or shorter repeats, got too many"),
        ("a{9999999999999999999999}", "expected fewer nested groups or shorter repeats, got too many"),
    ],
)  # fmt: skip
def test_an_expression_is_refused_in_words(pattern: str, rest: str) -> None:
    with pytest.raises(ConfigError) as caught:
        regex(pattern, "abc")
    assert str(caught.value) == f"regex {shown(pattern)}: {rest}"


@pytest.mark.parametrize(
    ("text", "written"),
    [("a" * 60, repr("a" * 60)), ("a" * 61, repr("a" * 57 + "...")), ("é\n", "'é\\n'")],
)
def test_a_long_text_is_cut_in_a_message(text: str, written: str) -> None:
    assert shown(text) == written


def test_what_the_alphabet_has_not_is_named() -> None:
    assert read_pattern("aé[x-z]b?[^a-c]", "abc").unknown() == ["é", "[x-z]", "[^a-c]"]
    assert read_pattern("[a-c]+", "abc").unknown() == []


def test_nodes_and_states_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "MOST_NODES", 4)
    assert accepts(regex("abc", "abc"), "abc", "abc")  # a node before each character and one after the last
    with pytest.raises(ConfigError) as caught:
        regex("abca", "abc")
    assert str(caught.value) == (
        "regex 'abca': expected at most 4 characters with its counted repeats written out, got more; make "
        "its "
        "counted repeats smaller"
    )
    monkeypatch.setattr(patterns, "MOST_NODES", 100)
    monkeypatch.setattr(subsets, "MOST_STATES", 4)
    assert accepts(regex("abc", "abc"), "abc", "abc")
    with pytest.raises(ConfigError) as caught:
        regex("abca", "abc")
    assert str(caught.value) == (
        "regex 'abca': expected an automaton of at most 4 states, got more; make its counted repeats "
        "smaller, or "
        "split it into several constraints"
    )


def ways(pattern: str) -> float:
    return _ways(importlib.import_module("re._parser").parse(pattern))


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("abc", 1), ("ab|cd|e", 3), ("a*", 1001), ("a+", 1000), ("a?", 2), ("a{2,4}", 3), ("a{3}", 1),
        ("a*b*", 1001**2),
        ("(?:a|bc)d?", 4), ("(?:a|bc){2}", 4), ("(?:a|bc){1,2}", 8), ("(?=a|bc)a?", 4), ("(?!a?)b", 2),
        ("(?>a?)b", 2), ("a*+b", 1001), ("(a)?(?(1)b|c?)", 2 * 3), ("(a)?(?(1)b)", 2), ("(a*?)", 1001),
        ("a{2000}", 1), ("a{500,3000}", 501),
    ],
)  # fmt: skip
def test_ways_through_an_expression_are_counted(pattern: str, count: float) -> None:
    assert ways(pattern) == count


def test_re_matches_what_has_few_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_WAYS", 1001)
    assert whole_matcher(re.compile(r"(b)\1a*"))("bbaa")
    monkeypatch.setattr(matching, "MOST_WAYS", 1000)
    with pytest.raises(ConfigError) as caught:
        whole_matcher(re.compile(r"(b)\1a*"))
    assert str(caught.value) == (
        r"valid '(b)\\1a*': expected with such a part at most two repeats, none of them of alternatives or "
        r"of "
        "repeats, got a backreference; write it without that part, or pass a function as valid"
    )


def test_states_are_forgotten_when_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MOST_ROWS", 2)
    matcher = LinearMatcher(re.compile("a(bc|é)*d"))
    made: list[int] = []
    row = matcher._subsets.row
    matcher._subsets.row = lambda state: made.append(state) or row(state)  # type: ignore[func-returns-value, method-assign]
    assert matcher("abcbcd")
    assert len(matcher._rows) <= 2
    assert len(made) > 3
    assert [matcher(text) for text in ("ad", "aéd", "abd", "", "ae", "a\u4e00d")] == [
        True,
        True,
        *[False] * 4,
    ]
    assert matcher._pages == {0, 0x4E}


@pytest.mark.parametrize("size", [1, 2])
def test_equal_states_are_merged_while_it_is_worth_it(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    automaton = lengths(2, 3, "ab")
    several = intersect(automaton, lengths(0, None, "ab"))
    monkeypatch.setattr(characters, "WORTH_MERGING", several.transitions.size - 2 + size)
    merged = minimize(several)
    assert (merged is several) is (size == 1)
    for text, good in (("a", False), ("ab", True), ("aba", True), ("abab", False)):
        assert accepts(merged, "ab", text) is good


@pytest.mark.parametrize("pattern", [".{0,300}", ".{300}", "a.{0,300}", "(ab?){0,99}.*"])
def test_a_chain_of_states_takes_a_few_rounds(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    rounds = []
    rows = characters.distinct_rows
    monkeypatch.setattr(characters, "distinct_rows", lambda matrix: rounds.append(1) or rows(matrix))
    minimal = regex(pattern, "ab")
    assert len(rounds) <= 5
    assert len(minimal.accepting) == {".{0,300}": 301, ".{300}": 301, "a.{0,300}": 302}.get(pattern, 1)


@given(st.integers(1, 5), st.integers(1, 2), st.randoms(use_true_random=False))
def test_the_fewest_states_are_left(states: int, letters: int, random: Random) -> None:
    """Two states are one if every text up to their number of letters ends well from both, or from none."""
    table = np.array(
        [[random.randrange(-1, states) for _ in range(letters)] for _ in range(states)], np.int32
    )
    accepting = np.array([random.random() < 0.5 for _ in range(states)])
    reached = trim(keep(CharacterAutomaton(np.arange(letters, dtype=np.int32), table, accepting)))

    def language(state: int) -> tuple[bool, ...]:
        ends, at = [], [state]
        for _ in range(states + 1):
            ends += [each >= 0 and bool(reached.accepting[each]) for each in at]
            at = [-1 if each < 0 else int(after) for each in at for after in reached.transitions[each]]
        return tuple(ends)

    least = minimize(reached)
    assert len(least.accepting) == len({language(state) for state in range(len(reached.accepting))})


def keep(automaton: CharacterAutomaton) -> CharacterAutomaton:
    """Leave out the states that no text leads to."""
    reached = reachable(automaton.transitions, np.zeros(1, np.int64))
    table = keep_states(automaton.transitions, reached)
    return CharacterAutomaton(automaton.classes, table, automaton.accepting[reached])


@pytest.mark.parametrize(
    ("written", "got"),
    [
        ("[a][b]", "something else"),
        ("[b-a]", "bad character range b-a"),
        (r"[a\]", "unterminated character set"),
    ],
)
def test_a_class_that_is_none_is_said(written: str, got: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_class(written, "characters")
    assert str(caught.value) == (
        f"characters {written!r}: expected characters, or one class of a regular expression such as [a-z "
        f"], got "
        f"{got}; to mean the brackets themselves, do not begin with ["
    )
    for fine in ("[^]a]", "[]a]", r"[\]]", "ab", "[\n]", "[]"):
        check_class(fine, "characters")


NOT_KNOWN = "`unspool info DIR` shows the symbols that the model knows"


@pytest.mark.parametrize(
    ("tokenizer", "part", "message"),
    [
        (LETTERS, {"starts_with": "ax"},
         f"a text that meets the constraint starts_with 'ax': got characters that it does not know: 'x'; "
         f"{NOT_KNOWN}"),
        (LETTERS, {"choices": ["zyxwvutsr"]},
         "a text that meets the constraint choices 'zyxwvutsr': got characters that it does not know: 'r', "
         "'s', "
         f"'t', 'u', 'v', 'w', 'x', 'y'; {NOT_KNOWN}"),
        (LETTERS, {"regex": "xa|[yz]"},
         f"a text that meets the constraint regex 'xa|[yz]': got characters that it does not know: 'x', "
         f"'[yz]'; "
         f"{NOT_KNOWN}"),
        (LETTERS, {"regex": "a$b"}, f"a text that meets the constraint regex 'a$b'; {NOT_KNOWN}"),
        (LETTERS, {"min_length": 2, "choices": ["a", "b"]},
         "a text that meets all constraints: the 2 choices; min_length 2; leave one of them out"),
        (LETTERS, {"characters": "ab", "contains": ["c", "a"], "max_length": 3},
         "a text that meets all constraints: characters 'ab'; contains 'c'; leave one of them out"),
        (LETTERS, {"excluded_characters": "ab", "excludes": ["c", "b"], "min_length": 1, "max_length": 2},
         "a text that meets all constraints: excluded_characters 'ab'; excludes 'c, b'; min_length 1 and "
         "max_length "
         "2; leave one of them out"),
        (WORDS, {"ends_with": "b", "max_length": 1},
         "a text that meets all constraints: ends_with 'b'; max_length 1; leave one of them out"),
        (WORDS, {"regex": "a"},
         "a text that meets the constraint regex 'a'; the symbols of this model are words, and it does not "
         "know a "
         "word that is needed"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(tokenizer: Any, part: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_constraint(Constraint(**part), tokenizer)
    assert str(caught.value) == f"the model cannot write {message}"


def test_a_constraint_among_several_has_its_number() -> None:
    with pytest.raises(ConfigError) as caught:
        compile_constraints((Constraint(regex="a+"), Constraint(starts_with="x")), LETTERS)
    assert str(caught.value).startswith(
        "the model cannot write a text that meets the constraint starts_with 'x': "
    )
    with pytest.raises(ConfigError) as caught:
        compile_constraints((Constraint(regex="a+"), Constraint(regex="a$b")), LETTERS)
    assert str(caught.value).startswith(
        "the model cannot write a text that meets the constraint constraint 2: regex "
    )


def test_bytes_are_no_characters() -> None:
    with pytest.raises(ConfigError) as caught:
        spellings_of(ByteTokenizer())
    assert str(caught.value) == (
        "constraints do not work with the bytes tokenizer; train with --tokenizer char, or filter the "
        "finished "
        "texts: --valid"
    )


def test_a_joint_guide_and_phrases_have_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    one = at_least(1, 5)
    assert (one.distance.tolist(), one.transitions.tolist()) == ([1, 0], [[1], [1]])
    monkeypatch.setattr(phrases, "LARGEST_TABLE", 3 * 4)  # "", "a", "ab"; a, b, others, nothing
    assert phrase_automaton(("ab",), ("", *"abc", ""), name="stop").automaton.walk([1, 2]) == DEAD
    monkeypatch.setattr(phrases, "LARGEST_TABLE", 3 * 4 - 1)
    with pytest.raises(ConfigError) as caught:
        phrase_automaton(("ab",), ("", *"abc", ""), name="stop")
    assert str(caught.value) == (
        "stop must be fewer or shorter strings: the vocabulary is too large for so many; got ('ab',)"
    )


def test_what_is_valid_is_said() -> None:
    with pytest.raises(ConfigError) as caught:
        Selection(valid="a(")
    expected = "valid must be a regular expression that the whole text must match; got 'a(' (missing ), "
    assert str(caught.value) == f"{expected}unterminated subpattern at position 1)"
    with pytest.raises(ConfigError) as caught:
        Selection(valid=re.compile(b"a"))
    assert str(caught.value).startswith("valid must be a regular expression for text, not for bytes; got ")
    with pytest.raises(ConfigError) as caught:
        Selection(novel=True).known(lambda: None)
    assert str(caught.value) == (
        "--novel needs an index of the training texts, and the model has none; train with --novelty-index "
        "(--resume "
        "adds it to a run), or compare with --against CORPUS; in Python novelty_index=True or "
        "novel=NoveltyIndex.of(records)"
    )
    assert Selection().known(lambda: pytest.fail("it is not asked for")) is None
