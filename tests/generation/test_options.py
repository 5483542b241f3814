"""Options out of their range are refused by name."""

import math
from typing import get_type_hints

import pytest

from unspool.errors import ConfigError
from unspool.generation.options import GenerationKeywords, GenerationOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("temperature", "hot"),
        ("top_k", 0),
        ("top_k", 2.5),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("min_p", -0.1),
        ("min_p", 1.5),
        ("max_new_tokens", 0),
        ("max_new_tokens", 2**31),
        ("seed", -1),
        ("seed", 2**64),
        ("seed", True),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"parameter {name}: expected"):
        GenerationOptions(**{name: value})  # type: ignore[arg-type]


def test_the_ends_of_the_ranges_are_allowed() -> None:
    options = GenerationOptions(temperature=0, top_k=1, top_p=1, min_p=1, max_new_tokens=1, seed=2**64 - 1)
    assert options.temperature == 0


def test_the_keyword_arguments_are_the_fields() -> None:
    assert get_type_hints(GenerationKeywords) == get_type_hints(GenerationOptions)
