"""Constraints hold whatever the symbols are: random expressions over symbols of several characters."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.constraints.test_regex import FLAGS, PATTERNS
from unspool._errors import ConfigError
from unspool._generation.constraints.compiling import compile_constraint
from unspool._generation.constraints.constraint import Constraint
from unspool._text.tokenizers.registry import Tokenizer, tokenizer_class

from .languages import sequences, written

SYMBOLS = ["aB", "a1 ", "\né", "é", "a", "B1", "1"]


def tokenizer_of(kind: str) -> Tokenizer:
    """Make a tokenizer whose symbols are pieces of the alphabet of the expressions."""
    return tokenizer_class(kind).fit([" ".join(SYMBOLS), "".join(SYMBOLS), "B a B1a1 é\né"])


@settings(max_examples=150, deadline=None)
@given(FLAGS, PATTERNS, st.integers(0, 2**32))
@pytest.mark.parametrize("kind", ["regex:aB|a1 ?|\né|[B1]+"])
def test_every_text_that_may_be_written_matches(kind: str, flags: str, pattern: str, seed: int) -> None:
    tokenizer, random = tokenizer_of(kind), np.random.default_rng(seed)
    compiled = re.compile(flags + pattern)
    try:
        automaton = compile_constraint(Constraint(regex=flags + pattern), tokenizer)
    except ConfigError:  # no text can meet it
        short = (tokenizer.decode(ids) for ids in sequences(tokenizer, 2))
        assert not any(map(compiled.fullmatch, short))
        return
    for _ in range(5):
        ids: list[int] = []
        while True:
            may = np.flatnonzero(
                automaton.allowed(automaton.walk(ids), 12 + int(automaton.distance.max()) - len(ids))
            )
            drawn = int(random.choice(may))
            if drawn == tokenizer.eos_id:
                break
            ids.append(drawn)
        assert compiled.fullmatch(tokenizer.decode(ids))
    for ids in sequences(tokenizer, 2):
        assert written(automaton, ids) == (compiled.fullmatch(tokenizer.decode(ids)) is not None)
