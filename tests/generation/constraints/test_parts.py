"""Each part of a constraint means what `Constraint.holds` says, alone and with others."""

from itertools import combinations
from typing import Any

import pytest

from unspool._configuration import from_dict, to_dict
from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD
from unspool._generation.constraints.compiling import compile_constraint
from unspool._generation.constraints.constraint import Constraint
from unspool._text.tokenizers.registry import CharTokenizer

from .languages import sequences, written

TOKENIZER = CharTokenizer("abc")
SEQUENCES = sequences(TOKENIZER, 6)

PARTS: list[dict[str, Any]] = [
    {"regex": "(?:ab?c)*|a.*"},
    {"starts_with": "ab"},
    {"ends_with": "aba"},
    {"contains": "abab"},
    {"contains": ["ab", "ca", "b"]},
    {"excludes": "aa"},
    {"excludes": ["abc", "bc", "b" * 3, "xyz"]},
    {"choices": ["", "a", "abc", "abca", "cab", "caab"]},
    {"characters": "ab"},
    {"characters": "[a-b]"},
    {"characters": "[^b]"},
    {"excluded_characters": "c"},
    {"excluded_characters": "[b-z]"},
    {"min_length": 3},
    {"max_length": 4},
    {"min_length": 2, "max_length": 2},
    {},
]
PAIRS = [one | other for one, other in combinations(PARTS, 2) if not one.keys() & other.keys()]


def shown(part: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in part.items())


@pytest.mark.parametrize("part", [*PARTS, *PAIRS], ids=shown)
def test_the_automaton_accepts_what_holds(part: dict[str, Any]) -> None:
    constraint = Constraint(**part)
    good = [ids for ids in SEQUENCES if constraint.holds(TOKENIZER.decode(ids))]
    if not good:
        with pytest.raises(ConfigError, match="cannot write"):
            compile_constraint(constraint, TOKENIZER)
        return
    automaton = compile_constraint(constraint, TOKENIZER)
    assert [ids for ids in SEQUENCES if written(automaton, ids)] == good
    assert automaton.distance[automaton.start] == min(map(len, good))


def test_a_distance_is_that_to_the_nearest_text() -> None:
    constraint = Constraint(contains=["ab", "ca"], ends_with="b", min_length=4)
    automaton = compile_constraint(constraint, TOKENIZER)
    good = [ids for ids in SEQUENCES if constraint.holds(TOKENIZER.decode(ids))]
    for begun in sequences(TOKENIZER, 2):
        rest = min(len(ids) - len(begun) for ids in good if ids[: len(begun)] == begun)
        assert automaton.distance[automaton.walk(begun)] == rest


def test_many_things_at_once() -> None:
    constraint = Constraint(
        regex="[ab]+c?[ab]+", starts_with="a", contains=["bb", "c"], excludes="ba", max_length=6, min_length=5
    )
    automaton = compile_constraint(constraint, TOKENIZER)
    good = [ids for ids in SEQUENCES if constraint.holds(TOKENIZER.decode(ids))]
    assert [ids for ids in SEQUENCES if written(automaton, ids)] == good
    assert len(good) == 22


def test_tables_stay_small() -> None:
    only_length = compile_constraint(Constraint(max_length=500), TOKENIZER)
    assert only_length.transitions.shape == (501, 2)  # a class for all characters, one for what never comes
    assert compile_constraint(Constraint(characters="ab"), TOKENIZER).transitions.shape == (1, 2)
    assert (compile_constraint(Constraint(excludes="zz"), TOKENIZER).transitions[:, 0] != DEAD).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"regex": 3}, "regex must be a string"),
        ({"starts_with": ""}, "starts_with must be a string that is not empty"),
        ({"contains": []}, "contains must be one or more strings that are not empty"),
        ({"excludes": ["a", ""]}, "excludes must be one or more strings that are not empty"),
        ({"choices": "abc"}, "choices must be a list of one or more strings"),
        (
            {"choices": ["a", 1]},
            "choices must be a list of one or more strings, or None; got ['a', 1]",
        ),
        ({"min_length": -1}, "min_length must be a whole number from 0 to 100000"),
        ({"max_length": 1.5}, "max_length must be a whole number"),
        ({"min_length": 3, "max_length": 2}, "min_length must be at most max_length (2); got 3"),
        ({"scope": "prompt"}, "scope must be text or continuation; got 'prompt'"),
    ],
)
def test_values_out_of_range_are_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Constraint(**arguments)
    assert str(raised.value).startswith(words)


def test_a_constraint_is_plain_data() -> None:
    constraint = Constraint(contains="a", choices=["a", "ba"], max_length=3)
    again = from_dict(Constraint, to_dict(constraint), where="a request")
    assert again == constraint
    assert hash(again) == hash(constraint)


@pytest.mark.parametrize("written_as", ["[a", "[a]", "[]"])
def test_characters_in_brackets_are_a_class(written_as: str) -> None:
    tokenizer = CharTokenizer("ab[]")
    automaton = compile_constraint(Constraint(characters=written_as), tokenizer)
    drawn = {tokenizer.decode([i]) for i in range(1, tokenizer.eos_id) if written(automaton, [i])}
    assert drawn == {"[a": {"[", "a"}, "[a]": {"a"}, "[]": {"[", "]"}}[written_as]


@pytest.mark.parametrize("written_as", ["[a][b]", "[b-a]", "[a]|[b]", r"[a\]"])
def test_brackets_around_something_else_are_refused(written_as: str) -> None:
    with pytest.raises(ConfigError, match="one class of a regular expression such as"):
        compile_constraint(Constraint(characters=written_as), TOKENIZER)
