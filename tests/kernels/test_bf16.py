"""Products in bf16 against NumPy, for every instruction set of this processor, by instruction or emulated."""

import numpy as np
import pytest

from unspool._kernels import precision
from unspool._kernels.arrays import Floats
from unspool._kernels.machine import kernel_names
from unspool._kernels.precision import round_to_bf16
from unspool._kernels.products import multiply

NAMES = kernel_names()
SIZES = [(1, 1, 1), (1, 128, 512), (2, 7, 65), (3, 5, 33), (13, 301, 100), (24, 17, 16), (53, 1101, 27)]


def rounded(values: Floats) -> Floats:
    """Round to bf16, to nearest and ties to even; the twin of the kernels."""
    bits = values.view(np.uint32)
    up = bits + (np.uint32(0x7FFF) + ((bits >> 16) & 1))
    quiet = bits | 0x400000  # a NaN whose upper half says so
    return (np.where(np.isnan(values), quiet, up) & np.uint32(0xFFFF0000)).view(np.float32)


def sides(m: int, k: int, n: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(m * 1000 + n)
    return (
        random.standard_normal((m, k)).astype(np.float32),
        random.standard_normal((k, n)).astype(np.float32),
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:overflow")
def test_rounding_has_the_same_bits_as_numpy(name: str) -> None:
    patterns = np.arange(0, 1 << 32, 9973, dtype=np.uint32)  # both signs, all exponents, subnormal ones too
    upper = np.arange(1 << 16, dtype=np.uint32) << 16  # every bf16, half way to the next, and beside that
    all_bits = [patterns, *(upper | lower for lower in (0, 0x7FFF, 0x8000, 0x8001))]
    values = np.concatenate(all_bits).view(np.float32)
    found = round_to_bf16(values, kernels=name)
    np.testing.assert_array_equal(found.view(np.uint32), rounded(values).view(np.uint32))


@pytest.mark.parametrize("name", NAMES)
def test_rounding_by_hand(name: str) -> None:
    nan, big = np.uint32(0x7F800001), np.finfo(np.float32).max
    values = np.array(
        [1.0, 1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8 + 2**-20), big, -np.inf, 2.0**-149, -0.0], np.float32
    )
    expected = np.array([1.0, 1.0, 1 + 2**-6, -(1 + 2**-7), np.inf, -np.inf, 0.0, -0.0], np.float32)
    found = round_to_bf16(values, kernels=name)
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))
    assert np.isnan(round_to_bf16(np.array([nan]).view(np.float32), kernels=name)).all()


def product(a: Floats, b: Floats, *, name: str, transposed: bool) -> Floats:
    left = np.ascontiguousarray(a.T) if transposed else a
    return multiply(left, b, kernels=name, precision="bf16", transposed=transposed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
@pytest.mark.parametrize("transposed", [False, True])
def test_products_are_those_of_rounded_operands(name: str, m: int, k: int, n: int, transposed: bool) -> None:
    a, b = sides(m, k, n)
    exact = rounded(a).astype(np.float64) @ rounded(b).astype(np.float64)
    found = product(a, b, name=name, transposed=transposed)
    np.testing.assert_allclose(found, exact, rtol=0, atol=5e-7 * k)
    unrounded = a.astype(np.float64) @ b.astype(np.float64)
    assert k == 1 or np.abs(found - unrounded).max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("m", "k", "n"), SIZES)
def test_transposed_products_in_float32(name: str, m: int, k: int, n: int) -> None:
    a, b = sides(m, k, n)
    found = multiply(np.ascontiguousarray(a.T), b, kernels=name, transposed=True)
    np.testing.assert_allclose(found, a.astype(np.float64) @ b, rtol=0, atol=1e-6 * k)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("transposed", [False, True])
def test_rows_of_a_product_do_not_depend_on_their_number(name: str, transposed: bool) -> None:
    a, b = sides(61, 1051, 77)
    whole = product(a, b, name=name, transposed=transposed)
    for rows in (1, 2, 3, 7, 12, 50):
        part = product(np.ascontiguousarray(a[:rows]), b, name=name, transposed=transposed)
        assert np.array_equal(part, whole[:rows])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_read_beyond_an_odd_end(name: str) -> None:
    a, b = sides(5, 7, 9)
    spread = np.full((5, 8), np.nan, np.float32)
    spread[:, :7] = a
    padded = np.full((8, 9), 0, np.float32)
    padded[:7] = b
    spread[:, 7] = 0
    expected = product(a, b, name=name, transposed=False)
    assert np.array_equal(product(spread, padded, name=name, transposed=False), expected)


def test_what_is_used_where_something_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(precision.EMULATE, raising=False)
    for there, asked, used in [
        (True, "float32", "float32"),
        (True, "bf16", "bf16"),
        (True, "auto", "bf16"),
        (False, "float32", "float32"),
        (False, "bf16", "float32"),
        (False, "auto", "float32"),
    ]:
        monkeypatch.setattr(precision, "has_bf16", lambda there=there: there)
        assert precision.used_precision(asked) == used
        assert (precision.missing_bf16(asked) is None) == (used != "float32" or asked != "bf16")
    monkeypatch.setenv(precision.EMULATE, "1")
    assert precision.used_precision("bf16") == "bf16 (emulated)"
    assert precision.used_precision("auto") == "float32"
    assert precision.missing_bf16("bf16") is None


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("_bf16")])
def test_kernels_without_the_instruction_say_so(name: str) -> None:
    assert not precision.has_bf16(name)
