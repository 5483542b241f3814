"""Rounded parameters: values worked by hand, and a second rounding that changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unspool._errors import ConfigError
from unspool._network.quantization import PRECISIONS, half, quantize, rounded

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
matrices = arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=finite)


def test_integers_and_scales_worked_by_hand() -> None:
    """Column 0 has scale 1, so it is rounded to whole numbers, halves to even; column 1 has scale 0.5."""
    matrix = np.array([[127, -63.5], [0.5, 0.2], [1.5, 0.26], [-2.6, 31.7]], np.float32)
    kept = quantize(matrix)
    assert kept.values.tolist() == [[127, -127], [0, 0], [2, 1], [-3, 63]]
    assert kept.values.dtype == np.int8
    assert kept.scales.tolist() == [1, 0.5]
    assert kept.array().tolist() == [[127, -63.5], [0, 0], [2, 0.5], [-3, 31.5]]


def test_a_scale_has_16_bits_and_is_rounded_down() -> None:
    """1 / 127 = 1.00000010000001000000100000010 × 2⁻⁷ in binary; 15 bits after the point stay."""
    kept = quantize(np.array([[1.0], [-0.5]], np.float32))
    assert kept.scales.tolist() == [int("1000000100000010", 2) * 2.0**-22]
    assert kept.values.tolist() == [[127], [-64]]  # 0.5 / scale = 63.501


@pytest.mark.parametrize("largest", [0.0, 1e-45, 1.4e-36])
def test_a_column_of_zeros_or_of_nothing_but_tiny_numbers_is_zeros(largest: float) -> None:
    kept = quantize(np.array([[largest, 127], [-largest, 1]], np.float32))
    assert kept.values.tolist() == [[0, 127], [0, 1]]
    assert kept.scales.tolist() == [1, 1]


def test_the_largest_numbers_of_float32_stay_finite() -> None:
    largest = np.finfo(np.float32).max
    kept = quantize(np.array([[largest], [-largest]], np.float32))
    assert kept.values.tolist() == [[127], [-127]]
    np.testing.assert_allclose(kept.array(), [[largest], [-largest]], rtol=2**-14)


@given(matrices)
def test_a_second_rounding_changes_nothing(matrix: np.ndarray) -> None:
    kept = quantize(matrix)
    again = quantize(kept.array())
    np.testing.assert_array_equal(again.values, kept.values)
    np.testing.assert_array_equal(again.array(), kept.array())
    used = np.abs(kept.values).max(axis=0) > 0
    np.testing.assert_array_equal(again.scales[used], kept.scales[used])


@given(matrices)
def test_an_integer_times_its_scale_is_exact_and_near(matrix: np.ndarray) -> None:
    kept = quantize(matrix)
    exact = kept.values.astype(np.float64) * kept.scales.astype(np.float64)
    np.testing.assert_array_equal(kept.array(), exact)
    normal = np.abs(matrix).max(axis=0) >= 1.5e-36
    error = np.abs(exact - matrix)[:, normal]
    assert (error <= 0.505 * kept.scales[normal]).all()  # half a unit, and what the largest loses


def test_float16_worked_by_hand() -> None:
    """Between 1 and 2 float16 has steps of 2⁻¹⁰; its largest number is 65504, and 65520 is beyond it."""
    values = np.array([1 + 2.0**-11 * 1.5, 65504, 65519, -1e-9], np.float32)
    assert half("a", values).tolist() == [1 + 2.0**-10, 65504, 65504, 0]
    with pytest.raises(
        ConfigError, match=r"output\.bias: a number is too large for float16.*65504, got 65520"
    ):
        rounded({"output.bias": np.array([1, -65520], np.float32)}, "float16")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_biases_keep_float32_and_all_is_float32_again(precision: str) -> None:
    parameters = {"w": np.array([[1.0, 0.3]], np.float32), "b": np.array([0.3, 7], np.float32)}
    kept = rounded(parameters, precision)
    assert {array.dtype for array in kept.values()} == {np.dtype(np.float32)}
    assert (kept["b"] == parameters["b"]).all() == (precision != "float16")
    with pytest.raises(ConfigError, match="one of float32, float16, int8"):
        rounded(parameters, "int4")
