"""Filters on distributions worked out by hand."""

import numpy as np
import pytest

from unspool.generation.filters import FILTERS, apply_filters, min_p, top_k, top_p
from unspool.generation.options import GenerationOptions

WEIGHTS = np.array([0.0, 0.25, 1.0, 0.5, 0.25])  # shares 0, 1/8, 1/2, 1/4, 1/8


def kept(weights: np.ndarray) -> list[int]:
    return np.flatnonzero(weights).tolist()


@pytest.mark.parametrize(
    ("k", "ids"), [(1, [2]), (2, [2, 3]), (3, [1, 2, 3]), (4, [1, 2, 3, 4]), (9, [1, 2, 3, 4])]
)
def test_top_k_keeps_k_and_of_equals_the_first(k: int, ids: list[int]) -> None:
    assert kept(top_k(WEIGHTS, k)) == ids


@pytest.mark.parametrize(
    ("p", "ids"),
    [(0.01, [2]), (0.5, [2]), (0.51, [2, 3]), (0.75, [2, 3]), (0.8, [1, 2, 3]), (1.0, [1, 2, 3, 4])],
)
def test_top_p_keeps_the_fewest_that_reach_p(p: float, ids: list[int]) -> None:
    assert kept(top_p(WEIGHTS, p)) == ids


@pytest.mark.parametrize(("p", "ids"), [(0.0, [1, 2, 3, 4]), (0.25, [1, 2, 3, 4]), (0.3, [2, 3]), (1.0, [2])])
def test_min_p_keeps_a_share_of_the_most_probable(p: float, ids: list[int]) -> None:
    assert kept(min_p(WEIGHTS, p)) == ids


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_leaves_its_input_and_the_kept_weights_alone(name: str) -> None:
    before = WEIGHTS.copy()
    after = FILTERS[name](WEIGHTS, 1)
    assert np.array_equal(WEIGHTS, before)
    assert np.array_equal(after[after > 0], WEIGHTS[after > 0])
    assert after[2] == 1


def test_filters_apply_one_after_the_other() -> None:
    # top_k 3 leaves 1/4, 1, 1/2; of these top_p 0.8 needs 1 and 1/2 (12/14); min_p 0.6 leaves the first
    options = GenerationOptions(top_k=3, top_p=0.8)
    assert kept(apply_filters(WEIGHTS, options)) == [2, 3]
    assert kept(apply_filters(WEIGHTS, GenerationOptions(top_k=3, top_p=0.8, min_p=0.6))) == [2]


def test_no_filter_changes_nothing() -> None:
    assert apply_filters(WEIGHTS, GenerationOptions()) is WEIGHTS
