"""The options of a search: their usual values, and the limits that follow from several of them."""

import math
from typing import Any

import pytest

from unspool import ConfigError
from unspool._configuration import to_dict
from unspool._generation.search.search_options import BeamOptions, EnumerationOptions


def test_the_usual_values() -> None:
    assert to_dict(BeamOptions()) == {
        "num_beams": 5,
        "n": 1,
        "length_penalty": 0.0,
        "early_stopping": False,
        "num_beam_groups": None,
        "diversity_penalty": None,
        "allow_unk": False,
        "max_new_tokens": 200,
    }
    assert to_dict(EnumerationOptions(limit=3)) == {
        "min_probability": None,
        "min_logprob": None,
        "limit": 3,
        "allow_unk": False,
        "max_new_tokens": 200,
        "ended_only": False,
        "in_order": True,
        "max_memory": 1024**3,
    }


@pytest.mark.parametrize(
    ("options", "least"),
    [
        ({"min_probability": 0.25}, math.log(0.25)), ({"min_logprob": -3.0}, -3.0), ({"limit": 1}, -math.inf),
        ({"min_probability": 1.0}, 0.0), ({"min_logprob": 0.0, "in_order": False}, 0.0),
    ],
)  # fmt: skip
def test_the_least_probable_text_that_is_listed(options: dict[str, Any], least: float) -> None:
    assert EnumerationOptions(**options).least == pytest.approx(least)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 6}, "n must be a whole number from 1 to num_beams (5); got 6"),
        (
            {"num_beam_groups": 2},
            "num_beam_groups must be a whole number ≥ 2 that divides num_beams (5), or None; got 2",
        ),
    ],
)
def test_beams_that_do_not_fit_together_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BeamOptions(**options)
    assert str(caught.value) == message
    assert BeamOptions(n=5).n == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"min_probability": 0.5, "min_logprob": -1.0},
            "min_probability and min_logprob set the same limit: expected one of them, got 0.5 and -1.0",
        ),
        (
            {},
            "the enumeration would never end: expected a min_probability, a min_logprob or a limit; "
            "for example, a min_probability of 1e-6 lists every text at least that probable",
        ),
        (
            {"limit": 3, "in_order": False},
            "limit ends an enumeration in order alone: expected in_order, or a min_probability beside it",
        ),
    ],
)
def test_an_enumeration_has_one_end(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        EnumerationOptions(**options)
    assert str(caught.value) == message
