"""The split into training and validation, by the hash of the text alone."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._text.encoding.split import hash_split, is_held_out
from unspool._text.records import Record

TEXTS = [f"text number {i}" for i in range(2000)]
GOLDEN = [False, False, False, False, True, True, True, False]


def held(fraction: float, seed: int = 0) -> set[str]:
    """Give the texts that are held out."""
    return {text for text in TEXTS if is_held_out(text, fraction=fraction, seed=seed)}


@given(st.text(), st.floats(0, 1), st.integers(0, 2**128 - 1))
def test_the_rule_is_the_documented_one(text: str, fraction: float, seed: int) -> None:
    digest = hashlib.blake2b(text.encode(), digest_size=8, salt=seed.to_bytes(16, "little")).digest()
    expected = int.from_bytes(digest, "big") / 2**64 < fraction
    assert is_held_out(text, fraction=fraction, seed=seed) == expected
    assert hash_split(fraction=fraction, seed=seed)(Record(text, {"label": "x"})) == expected


def test_the_rule_never_changes() -> None:
    assert [is_held_out(text, fraction=0.5) for text in TEXTS[:8]] == GOLDEN


def test_the_share_is_about_the_fraction() -> None:
    assert 150 < len(held(0.1)) < 250
    assert held(0) == set()
    assert held(1) == set(TEXTS)


def test_a_larger_fraction_holds_out_what_a_smaller_one_does_and_more() -> None:
    assert held(0.1) < held(0.2)


def test_a_seed_chooses_other_texts() -> None:
    assert held(0.1, seed=1) != held(0.1)


def test_a_lone_surrogate_is_left_to_who_knows_its_place() -> None:
    assert isinstance(is_held_out("\udcff", fraction=0.5), bool)


@pytest.mark.parametrize(
    "options", [{"fraction": -0.1}, {"fraction": 1.1}, {"fraction": True}, {"fraction": float("nan")}]
)
def test_the_fraction_has_a_range(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="fraction"):
        hash_split(**options)


@pytest.mark.parametrize("seed", [-1, 2**128, 0.5, True])
def test_the_seed_has_a_range(seed: int) -> None:
    with pytest.raises(ConfigError, match="seed"):
        is_held_out("x", fraction=0.1, seed=seed)
