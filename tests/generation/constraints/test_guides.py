"""Prompts and constraints: where each text stands, and what is refused before anything is drawn."""

from typing import Any

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, Guide
from unspool._generation.automata.joint_guide import join_guides
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.constraints.guides import make_guide
from unspool._text.tokenizers.registry import CharTokenizer

from .languages import sequences

TOKENIZER = CharTokenizer("abc")
CONTINUATIONS = sequences(TOKENIZER, 5)


def guide(*constraints: Constraint, prompts: list[str], most: int = 9, beside: Guide | None = None) -> Guide:
    ids = [TOKENIZER.encode(prompt) for prompt in prompts]
    return make_guide(constraints, TOKENIZER, ids, max_new_tokens=most, beside=beside)


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


def test_a_guide_beside_holds_as_well() -> None:
    beside = guide(Constraint(excludes="aa", scope="continuation"), prompts=["", "b"])
    made = guide(Constraint(max_length=3), prompts=["", "b"], beside=beside)
    assert all("aa" not in text and len(text) <= 3 for text in drawable(made, 0))
    assert (len(drawable(made, 0)), len(drawable(made, 1))) == (1 + 3 + 8 + 22, 1 + 3 + 8)


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
