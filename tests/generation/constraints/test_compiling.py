"""Constraints over a vocabulary: every text that is drawn meets them, and no draw comes to a dead end."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._generation.automata import graphs
from unspool._generation.automata.automaton import DEAD, TokenAutomaton
from unspool._generation.constraints.compiling import compile_constraint, compile_constraints
from unspool._generation.constraints.constraint import Constraint
from unspool._text.tokenizers.registry import CharTokenizer, Tokenizer, WordTokenizer

from .languages import sequences, written

CHARACTERS = CharTokenizer("abcdehilno. ", unk=True)
WORDS = WordTokenizer([" ", "a", "bc", "hello", "hell", "o", ".", "bcd", "lo", "cab", "b", "no"], unk=True)
TOKENIZERS = {"char": CHARACTERS, "word": WORDS}

CONSTRAINTS: list[dict[str, Any]] = [
    {"regex": r"hello( [a-z]+){1,3}\."},
    {"regex": "(?:a|bc)+", "max_length": 9},
    {"starts_with": "hell", "ends_with": "o", "min_length": 8, "max_length": 12},
    {"contains": ["no", "bcd"], "excludes": [" ", "bcbc"]},
    {"choices": ["hello", "no", "hello no hello", "cab."]},
    {"characters": "[a-c ]", "min_length": 3},
    {"excluded_characters": "o.", "max_length": 5},
    {},
]


def draw(automaton: TokenAutomaton, random: np.random.Generator, most: int) -> list[int]:
    """Draw a text as an engine does, from random logits; `<eos>` is unlikely, so the limit is reached too."""
    state, ids = automaton.start, []
    for left in range(most, 0, -1):
        logits = random.normal(size=len(automaton.classes)) * 3
        logits[-1] -= 3
        allowed = automaton.allowed(state, left)
        assert allowed.any(), "a dead end"
        token = int(np.where(allowed, logits, -np.inf).argmax())
        if token == len(logits) - 1:
            break
        ids.append(token)
        state = automaton.walk([token], state)
    return ids


def shown(part: object) -> str:
    return str(part)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("part", CONSTRAINTS, ids=shown)
def test_every_text_that_is_drawn_holds(part: dict[str, Any], name: str) -> None:
    tokenizer, constraint = TOKENIZERS[name], Constraint(**part)
    automaton = compile_constraint(constraint, tokenizer)
    needed = max(1, int(automaton.distance[automaton.start]))
    random = np.random.default_rng(0)
    lengths = set()
    for most in [*range(needed, needed + 12), 40]:
        for _ in range(8):
            ids = draw(automaton, random, most)
            lengths.add(len(ids))
            assert constraint.holds(tokenizer.decode(ids))
    assert tokenizer.unk_id not in ids
    assert len(lengths) > 1


WORD_PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "c", "o", "hel", "l", " ", ".", "[a-c]", "no"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from("*+?")).map(lambda two: f"(?:{two[0]}){two[1]}"),
    ),
    max_leaves=8,
)
SOME = [(ids, WORDS.decode(ids)) for ids in sequences(WORDS, 3)]


@settings(max_examples=60, deadline=None)
@given(WORD_PATTERNS, st.integers(0, 2**32))
def test_any_expression_over_words(pattern: str, seed: int) -> None:
    good = [ids for ids, text in SOME if WORDS.unk_id not in ids and re.fullmatch(pattern, text)]
    try:
        automaton = compile_constraint(Constraint(regex=pattern), WORDS)
    except ConfigError:
        assert good == []
        return
    assert [ids for ids, _ in SOME if written(automaton, ids)] == good
    ids = draw(
        automaton, np.random.default_rng(seed), int(automaton.distance[automaton.start]) + seed % 6 + 1
    )
    assert re.fullmatch(pattern, WORDS.decode(ids))


def test_a_text_may_come_in_any_pieces() -> None:
    automaton = compile_constraint(Constraint(choices=["hello"]), WORDS)
    spelled = [ids for ids in sequences(WORDS, 3) if written(automaton, ids)]
    assert {WORDS.decode(ids) for ids in spelled} == {"hello"}
    assert len(spelled) == 2  # "hello", "hell" + "o"


def test_symbols_that_lead_alike_share_a_class() -> None:
    automaton = compile_constraint(Constraint(max_length=6), WORDS)
    kinds = {len(symbol): automaton.classes[i] for i, symbol in enumerate(WORDS.symbols[:-1], start=1)}
    assert len(set(kinds.values())) == len(kinds)
    assert automaton.transitions.shape == (7, len(kinds) + 1)
    assert automaton.classes.dtype == automaton.transitions.dtype == automaton.distance.dtype == np.int32


def test_several_constraints_are_one_automaton() -> None:
    both = (Constraint(starts_with="hell"), Constraint(excludes="hello", min_length=6))
    automaton = compile_constraints(both, WORDS)
    random = np.random.default_rng(0)
    texts = [WORDS.decode(draw(automaton, random, 5)) for _ in range(50)]
    assert all(one.holds(text) for one in both for text in texts)


def test_strings_are_brought_into_the_form_of_the_texts() -> None:
    tokenizer = CharTokenizer("é", normalization="NFC")
    automaton = compile_constraint(Constraint(starts_with="e\u0301"), tokenizer)
    assert written(automaton, [1])


@pytest.mark.parametrize(
    ("tokenizer", "part", "words"),
    [
        (CHARACTERS, {"starts_with": "né"}, "starts_with 'né': got .*does not know: 'é'"),
        (CHARACTERS, {"choices": ["no", "né"]}, "choices 'né': got .*does not know: 'é'"),
        (CHARACTERS, {"regex": "é+|[A-Z]"}, "regex .*does not know: 'é', '\\[A-Z\\]'"),
        (CHARACTERS, {"characters": "xyz", "min_length": 1}, "characters 'xyz'; min_length 1"),
        (
            CHARACTERS,
            {"regex": "a+", "contains": "b", "max_length": 9},
            "all constraints: regex 'a\\+'; contains 'b'",
        ),
        (
            CHARACTERS,
            {"regex": "(?:aa)+", "min_length": 3, "max_length": 3},
            "regex .*; min_length 3 and max_length 3",
        ),
        (
            WORDS,
            {"starts_with": "hen"},
            "starts_with 'hen'; the symbols of this model are words",
        ),
        (WORDS, {"starts_with": "hel", "max_length": 3}, "all constraints: starts_with 'hel'; max_length 3"),
    ],
    ids=shown,
)
def test_what_nothing_can_meet_is_refused(tokenizer: Tokenizer, part: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        compile_constraint(Constraint(**part), tokenizer)


def test_one_of_several_is_named_by_its_place() -> None:
    with pytest.raises(ConfigError, match="constraint 1: starts_with 'a'; constraint 2: starts_with 'b'"):
        compile_constraints((Constraint(starts_with="a"), Constraint(starts_with="b")), CHARACTERS)


@pytest.mark.parametrize(
    "part", [{"max_length": 300, "contains": ["no", "a"]}, {"max_length": 2000}], ids=shown
)
def test_what_is_too_large_is_refused(part: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "MOST_ENTRIES", 1000)
    with pytest.raises(ConfigError, match="the constraint is too large: expected a table of at most 1,000"):
        compile_constraint(Constraint(**part), WORDS)


def test_distances_and_reach_on_a_graph_worked_by_hand() -> None:
    table = np.array([[1, 2], [DEAD, 3], [2, 2], [3, 0], [3, 3]], np.int32)
    accepting = np.array([False, False, False, True, False])
    assert graphs.distances(table, accepting).tolist() == [2, 1, -1, 0, 1]
    assert graphs.reachable(table, np.array([0])).tolist() == [True, True, True, True, False]
