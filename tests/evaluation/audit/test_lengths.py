"""Which of two samples is longer, worked out by hand and by counting pairs."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._evaluation.audit.lengths import compare, edges_for, histogram, spread_of

LENGTHS = st.lists(st.integers(0, 9), min_size=20, max_size=60)


@settings(max_examples=50, deadline=None)
@given(first=LENGTHS, second=LENGTHS)
def test_the_chance_is_that_over_all_pairs(first: list[int], second: list[int]) -> None:
    pairs = [(a > b) + 0.5 * (a == b) for a in first for b in second]
    comparison, mirrored = compare(first, second), compare(second, first)
    assert comparison is not None
    assert mirrored is not None
    assert comparison.chance == pytest.approx(sum(pairs) / len(pairs))
    assert mirrored.errors == pytest.approx(-comparison.errors)


def test_errors_are_those_of_the_textbook() -> None:
    """20 against 20 without a tie: U = 400, mean 200, variance 20·20·41/12."""
    comparison = compare(range(20, 40), range(20))
    assert comparison is not None
    assert comparison.errors == pytest.approx(200 / (20 * 20 * 41 / 12) ** 0.5)
    assert comparison.verdict == "more"


def test_verdicts_need_size_and_certainty() -> None:
    assert compare([5] * 30, [3] * 30).verdict == "more"  # type: ignore[union-attr]
    assert compare([3] * 30, [5] * 30).verdict == "less"  # type: ignore[union-attr]
    assert compare([4] * 30, [4] * 30).verdict == "as much"  # type: ignore[union-attr]
    barely = [4] * 900 + [5] * 100
    assert compare(barely, [4] * 1000).verdict == "as much"  # type: ignore[union-attr]
    assert compare([5] * 19, [3] * 30) is None


def test_quantiles_are_numbers_that_are_there() -> None:
    spread = spread_of(list(range(1, 11)))
    assert spread is not None
    assert spread.quantiles == (1, 3, 5, 8, 9, 10, 10)
    assert (spread.count, spread.mean, spread.median) == (10, 5.5, 5)
    assert spread_of([]) is None


def test_every_length_is_in_the_histogram() -> None:
    edges = edges_for([0, 3, 99], [7], bins=10)
    assert edges == list(range(0, 100, 10))
    assert histogram([0, 3, 99], edges) == pytest.approx([2 / 3, *[0] * 8, 1 / 3])
    assert histogram([], edges) == [0] * 10
    assert histogram([0], edges_for([0], [])) == [1]


def test_twenty_on_each_side_are_enough_and_ties_shrink_the_error() -> None:
    """Ten of 20 are ones, and five of 20: U counts ties half; ties of 25 zeros and 15 ones."""
    assert compare([5] * 20, [3] * 19) is None
    found = compare([0] * 10 + [1] * 10, [0] * 15 + [1] * 5)
    assert found is not None
    chance = (10 * 15 + 0.5 * (10 * 15 + 10 * 5)) / 400
    ties = ((25**3 - 25) + (15**3 - 15)) / (40 * 39)
    assert found.chance == chance == 0.625
    assert found.errors == pytest.approx((chance - 0.5) / math.sqrt((41 - ties) / (12 * 400)))
    assert found.verdict == "as much"  # far enough, and not sure enough
    assert compare([7] * 20, [7] * 20) is not None
    assert compare([7] * 20, [7] * 20).errors == 0.0  # type: ignore[union-attr]


def test_edges_are_as_wide_as_they_must_be() -> None:
    assert edges_for([0, 15]) == list(range(16))
    assert edges_for([0, 16]) == list(range(0, 17, 2))
    assert edges_for([], []) == edges_for() == [0]
    assert histogram([1, 2, 3, 9], [0, 2]) == [0.25, 0.75]
