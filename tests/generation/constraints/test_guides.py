"""Prompts and constraints: where each text stands, and what is refused before anything is drawn."""

from typing import Any

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation.automata import graphs
from unspool._generation.automata.automaton import DEAD, Guide
from unspool._generation.automata.joint_guide import join_guides
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.constraints.guides import make_guide
from unspool._text.tokenizers.registry import CharTokenizer

from .languages import sequences

TOKENIZER = CharTokenizer("abc")
CONTINUATIONS = sequences(TOKENIZER, 5)


def guide(*constraints: Constraint, prompts: list[str], most: int = 9) -> Guide:
    ids = [TOKENIZER.encode(prompt) for prompt in prompts]
    return make_guide(constraints, TOKENIZER, ids, max_new_tokens=most)


def drawable(made: Guide, number: int) -> list[str]:
    """List what may be drawn after a prompt."""
    walked = [(ids, made.automaton.walk(ids, int(made.starts[number]))) for ids in CONTINUATIONS]
    return [TOKENIZER.decode(ids) for ids, at in walked if at != DEAD and made.automaton.distance[at] == 0]


@pytest.mark.parametrize(
    "constraints",
    [
        [Constraint(regex="(?:abc?)+", max_length=5)],
        [Constraint(regex="(?:abc?)+", scope="continuation")],
        [Constraint(regex="(?:abc?)+"), Constraint(ends_with="b", min_length=1, scope="continuation")],
        [Constraint(contains="cab", scope="text"), Constraint(starts_with="a"),
         Constraint(excludes="cc", scope="continuation"), Constraint(max_length=3, scope="continuation")],
    ],
    ids=["text", "continuation", "both", "two of each"],
)  # fmt: skip
def test_what_may_be_drawn_meets_every_constraint(constraints: list[Constraint]) -> None:
    prompts = ["abc", "ab", "abcab", "ab"]
    made = guide(*constraints, prompts=prompts)
    assert made.starts.dtype == np.int32
    for number, prompt in enumerate(prompts):
        good = [
            text
            for text in map(TOKENIZER.decode, CONTINUATIONS)
            if all(c.holds(text if c.scope == "continuation" else prompt + text) for c in constraints)
        ]
        assert drawable(made, number) == good
        assert good


def test_joined_guides_say_which_prompts_have_no_text() -> None:
    one = guide(Constraint(starts_with="a", scope="continuation"), prompts=["", ""])
    other = guide(Constraint(regex="ba|c"), prompts=["b", ""])
    assert (join_guides(one, other).starts == DEAD).tolist() == [False, True]


NOT_BOTH = [Constraint(regex="ab|c"), Constraint(starts_with="a", scope="continuation")]


@pytest.mark.parametrize(
    ("constraints", "prompts", "words"),
    [
        (
            [Constraint(starts_with="abc")],
            ["", "abb"],
            "prompt 'abb': expected .*, got 'b' after 'ab'; .*scope",
        ),
        ([Constraint(max_length=2)], ["abc"], "prompt 'abc': expected .*, got 'c' after 'ab'"),
        ([Constraint(min_length=13)], ["abcc", "abc"], "for prompt 'abc': expected at least 10, .*, got 9"),
        (NOT_BOTH, ["", "a"], "a text that begins with 'a' and meets all constraints"),
    ],
)
def test_what_cannot_be_done_is_refused(
    constraints: list[Constraint], prompts: list[str], words: str
) -> None:
    guide(*constraints, prompts=prompts[:-1] or [""], most=13)
    with pytest.raises(ConfigError, match=words):
        guide(*constraints, prompts=prompts)


@pytest.mark.parametrize("constraint", ["a+", [], [Constraint(), None], 3])
def test_something_else_is_refused(constraint: Any) -> None:
    with pytest.raises(ConfigError, match="constraint must be a Constraint, a list of them"):
        make_guide(constraint, TOKENIZER, [np.empty(0, np.int32)], max_new_tokens=1)


@pytest.mark.parametrize(
    ("constraint", "prompt", "message"),
    [
        (
            Constraint(starts_with="abc"), "abb",
            "prompt 'abb': expected the beginning of a text that meets the constraint, got 'b' after 'ab'; "
            "change the prompt, or apply the constraint to the continuation only, with scope 'continuation'",
        ),
        (
            Constraint(starts_with="b"), "a",
            "prompt 'a': expected the beginning of a text that meets the constraint, got 'a' after ''; "
            "change the prompt, or apply the constraint to the continuation only, with scope 'continuation'",
        ),
        (
            Constraint(min_length=13), "abc",
            "max_new_tokens for prompt 'abc': expected at least 10, the length of the shortest text that "
            "meets the constraint, got 9",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_whole(constraint: Constraint, prompt: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        guide(constraint, prompts=[prompt])
    assert str(caught.value) == message
    assert guide(Constraint(min_length=12), prompts=["abc"]).starts.tolist() != [DEAD]
    with pytest.raises(ConfigError) as caught:
        guide(*NOT_BOTH, prompts=["a"])
    assert str(caught.value) == (
        "the model cannot write a text that begins with 'a' and meets all constraints; leave one of them out"
    )


def test_guides_are_parts_and_repeats_of_their_starts() -> None:
    made = guide(Constraint(max_length=3), prompts=["", "a", "ab"])
    assert made.part(1, 3).starts.tolist() == made.starts.tolist()[1:]
    assert made.repeated(2).starts.tolist() == [start for start in made.starts.tolist() for _ in range(2)]
    assert made.part(0, 1).automaton is made.repeated(2).automaton is made.automaton


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        ({"min_length": 2, "max_length": 3}, ["ab", "abc"], ["a", "abcd"]),
        ({"min_length": 1}, ["a", "a" * 9], [""]),
        ({"max_length": 0}, [""], ["a"]),
        ({"regex": "a+"}, ["aa"], ["ab", ""]),
        ({"starts_with": "ab", "ends_with": "bc"}, ["abc", "abbc"], ["bc", "ab"]),
        ({"contains": ["a", "b"]}, ["cab"], ["a", "b"]),
        ({"excludes": ["a", "b"]}, ["c", ""], ["ca", "b"]),
        ({"choices": ["a", "b"]}, ["a"], ["ab", ""]),
        ({"characters": "ab"}, ["aba", ""], ["abc"]),
        ({"characters": "[a-b]"}, ["aba"], ["ac"]),
        ({"characters": "[]"}, ["[]]"], ["a"]),
        ({"characters": "[a"}, ["[a"], ["b"]),
        ({"characters": "a]"}, ["a]"], ["b"]),
        ({"excluded_characters": "ab"}, ["c", ""], ["ca"]),
        ({"excluded_characters": "[a-b]"}, ["[c-]"], ["cb"]),
    ],
)
def test_a_text_holds_or_it_does_not(constraint: dict[str, Any], good: list[str], bad: list[str]) -> None:
    made = Constraint(**constraint)
    assert [made.holds(text) for text in [*good, *bad]] == [True] * len(good) + [False] * len(bad)


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ({"min_length": 4, "max_length": 3}, "min_length must be at most max_length (3); got 4"),
        ({"starts_with": ""}, "starts_with must be a string that is not empty, or None; got ''"),
        (
            {"contains": ["a", ""]},
            "contains must be one or more strings that are not empty, or None; got ['a', '']",
        ),
        ({"choices": []}, "choices must be a list of one or more strings, or None; got []"),
        ({"choices": "ab"}, "choices must be a list of one or more strings, or None; got 'ab'"),
        ({"choices": [b"a"]}, "choices must be a list of one or more strings, or None; got [b'a']"),
        ({"scope": "all"}, "scope must be text or continuation; got 'all'"),
        ({"regex": b"a"}, "regex must be a string, or None; got b'a'"),
    ],
)
def test_a_constraint_that_is_none_is_said(constraint: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Constraint(**constraint)
    assert str(caught.value) == message
    assert Constraint(min_length=3, max_length=3, choices=[""], excludes="a").excludes == ("a",)


def test_a_table_is_too_large_beyond_its_most_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MOST_ENTRIES", 12_000)
    graphs.check_size(4000, 3)
    with pytest.raises(ConfigError) as caught:
        graphs.check_size(4000, 4)
    assert str(caught.value) == (
        "the constraint is too large: expected a table of at most 12,000 entries, got 4,000 states × 4 "
        "classes of symbols, or more; make it simpler: a smaller max_length, shorter counted repeats, "
        "fewer choices"
    )
