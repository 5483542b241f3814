"""Scales and their ticks against values worked by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._pictures.scale import Scale, numbers


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 6, [0, 1, 2, 3, 4, 5, 6]),
        (1.9, 6.1, [2, 3, 4, 5, 6]),
        (0, 0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
        (-2e-5, 3e-5, [-2e-5, -1e-5, 0, 1e-5, 2e-5, 3e-5]),
        (999_990, 1_000_010, [999_990, 999_995, 1_000_000, 1_000_005, 1_000_010]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert Scale(low, high).ticks(6) == expected


def test_only_whole_numbers_where_there_are_no_others() -> None:
    assert Scale(0, 2).ticks(6) == [0, 0.5, 1, 1.5, 2]
    assert Scale(0, 2, whole=True).ticks(6) == [0, 1, 2]


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        (10, 1000, 8, [10, 20, 50, 100, 200, 500, 1000]),
        (10, 1000, 4, [10, 100, 1000]),
        (1, 1e9, 5, [1, 1e2, 1e4, 1e6, 1e8]),
        (30, 40, 6, [30, 32, 34, 36, 38, 40]),
    ],
)
def test_ticks_of_a_logarithmic_scale(low: float, high: float, count: int, expected: list[float]) -> None:
    assert Scale(low, high, logarithmic=True).ticks(count) == expected


def test_equal_factors_are_equally_far_apart() -> None:
    scale = Scale(10, 1000, logarithmic=True)
    assert [scale.share(value) for value in (10, 100, 1000, 1, 0)] == pytest.approx([0, 0.5, 1, -0.5, 0])
    assert [Scale(10, 30).share(value) for value in (10, 15, 30, 0)] == [0, 0.25, 1, -0.5]


def test_a_scale_holds_its_values() -> None:
    assert Scale.over([3, 1, math.nan, math.inf]) == Scale(1, 3)
    assert Scale.over([3, 1], zero=True) == Scale(0, 3)
    assert Scale.over([-4, -2], zero=True, margin=0.5) == Scale(-6, 0)
    assert Scale.over([1, 3], margin=0.25) == Scale(0.5, 3.5)
    assert Scale.over([1, 3], margin=5) == Scale(0, 13)  # a margin does not cross 0
    assert Scale.over([]) == Scale.over([0]) == Scale(0, 1)
    assert Scale.over([20, 20]) == Scale(19, 21)
    assert Scale.logarithm([]) == Scale(1, 10, logarithmic=True)
    assert Scale.logarithm([0, -3, 10, 1000]) == Scale(10, 1000, logarithmic=True)
    one = Scale.logarithm([100])
    assert one.share(100) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.05, 0.1], ["0.00", "0.05", "0.10"]),
        ([0, 2, 4], ["0", "2", "4"]),
        ([-1, 0.5], ["−1.0", "0.5"]),
        ([100_000, 999_999], ["100,000", "999,999"]),
        ([500_000, 1_000_000, 1_500_000], ["0.5M", "1.0M", "1.5M"]),
        ([2e9], ["2G"]),
        ([3e13], ["30T"]),
        ([2e15, 1.5e16], ["0.2e16", "1.5e16"]),
        ([0, 2e-5], ["0", "2e−5"]),
        ([0.0002], ["0.0002"]),
        ([], []),
        ([0], ["0"]),
    ],
)
def test_numbers_are_short(values: list[float], expected: list[str]) -> None:
    assert numbers(values) == expected


@given(
    st.lists(st.floats(allow_infinity=True, allow_nan=True)), st.booleans(), st.floats(0, 1), st.booleans()
)
def test_any_values_have_a_scale_with_few_different_labels(
    values: list[float], zero: bool, margin: float, logarithmic: bool
) -> None:
    values = [value for value in values if not 0 < abs(value) < 1e-90 and not 1e90 < abs(value) < math.inf]
    scale = (
        Scale.logarithm(values, margin=margin)
        if logarithmic
        else Scale.over(values, zero=zero, margin=margin)
    )
    assert scale.low < scale.high
    marks = scale.fitting(400, lambda label: 9.0 * len(label), apart=60)
    assert len(marks) <= 14
    assert len({label for _, label in marks}) == len(marks)
    assert all(-1e-6 <= scale.share(value) <= 1 + 1e-6 for value, _ in marks)
