"""Products in int8 against whole numbers of NumPy, for every instruction set of this processor."""

import numpy as np
import pytest

from unspool._kernels.arrays import Floats
from unspool._kernels.machine import kernel_names
from unspool._kernels.products import multiply
from unspool._network.quantization import quantize

NAMES = kernel_names()
SIZES = [
    (1, 1, 1),
    (1, 4, 3),
    (1, 128, 512),
    (2, 7, 65),
    (3, 5, 33),
    (13, 301, 100),
    (53, 1101, 27),
]


def sides(m: int, k: int, n: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(m * 1000 + n)
    rows = random.standard_normal((m, k)) * 10.0 ** random.uniform(
        -3, 3, (m, 1)
    )  # each row has its own scale
    return rows.astype(np.float32), random.standard_normal((k, n)).astype(np.float32)


def twin(a: Floats, b: Floats, *, fused: bool) -> Floats:
    """Multiply with sums of Python's own kind of whole number.

    Args:
        a: The left side, of which no row is zero.
        b: The right side.
        fused: Whether a product and the sum that rounds it to a whole number are one operation.
    """
    right, largest = quantize(b), np.abs(a).max(axis=1, keepdims=True)
    scales, inverse = largest / np.float32(127), np.float32(127) / largest
    scaled = a.astype(np.float64) * inverse.astype(np.float64) if fused else a * inverse
    whole = np.rint(scaled).astype(np.int64) @ right.values.astype(np.int64)
    return np.asarray(whole.astype(np.float32) * (right.scales * scales), np.float32)


def product(a: Floats, b: Floats, name: str) -> Floats:
    return multiply(a, b, kernels=name, precision="int8")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_products_have_the_same_bits_as_numpy(name: str, m: int, k: int, n: int) -> None:
    a, b = sides(m, k, n)
    found = product(a, b, name)
    np.testing.assert_array_equal(found, twin(a, b, fused=name != "generic"))
    exact = a.astype(np.float64) @ b
    largest = np.abs(a).max(axis=1, keepdims=True) * np.abs(b).max(axis=0)
    assert (np.abs(found - exact) <= largest * (k * 1.01 / 127)).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("largest", [-127, 127])
def test_the_largest_numbers_of_both_sides_do_not_overflow(name: str, largest: int) -> None:
    for k in (1, 2, 3, 4, 5, 8, 33, 2048):
        a, b = np.full((5, k), 127, np.float32), np.full((k, 40), largest, np.float32)
        assert (product(a, b, name) == np.float32(127 * largest * k)).all()
        assert (product(-a[:1], b, name) == np.float32(-127 * largest * k)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_row_does_not_depend_on_the_others(name: str) -> None:
    a, b = sides(61, 1051, 77)
    whole = product(a, b, name)
    for rows in (1, 2, 3, 7, 12, 50):
        assert np.array_equal(product(np.ascontiguousarray(a[-rows:]), b, name), whole[-rows:])


@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_is_not_finite_stays_in_its_row(name: str) -> None:
    a, b = sides(4, 37, 20)
    expected = product(a, b, name)
    for wrong in (np.nan, np.inf, -np.inf):
        for column in (0, 36):
            broken = a.copy()
            broken[2, column] = wrong
            found = product(broken, b, name)
            assert np.isnan(found[2]).all()
            assert np.array_equal(np.delete(found, 2, axis=0), np.delete(expected, 2, axis=0))


@pytest.mark.parametrize("name", NAMES)
def test_zeros_and_numbers_near_them_give_zeros(name: str) -> None:
    a, b = sides(3, 9, 20)
    a[0], a[1] = 0, 1e-38
    b[:, 3] = 0
    found = product(a, b, name)
    assert (found[:2] == 0).all()
    assert (found[:, 3] == 0).all()
    assert np.count_nonzero(found[2]) == 19


@pytest.mark.parametrize("name", NAMES)
def test_a_matrix_that_was_rounded_is_rounded_no_more(name: str) -> None:
    a, b = sides(3, 64, 30)
    assert np.array_equal(product(a, quantize(b).array(), name), product(a, b, name))
