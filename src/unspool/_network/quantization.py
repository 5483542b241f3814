"""The precisions in which parameters are kept: float32, float16, and int8 with a scale for each column.

A kernel in int8 is ``values * scales``: each column of a matrix has its own scale, the largest magnitude of
the column being 127. A product with it may multiply the integers first and the scales once for each column.
Biases are few and stay in float32.

A scale has 16 significant bits, so that an integer times a scale is exact in float32: whoever multiplies them
gets the same numbers, and rounding these once more gives the same integers and scales.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import as_spelled, check
from unspool._errors import ConfigError

PRECISIONS = ("float32", "float16", "int8")
LARGEST = 127  # of int8, the same on both sides of zero
LARGEST_HALF = 65504.0  # of float16
SIGNIFICANT = np.uint32(0xFFFFFF00)  # the bits of a float32 that a scale has: sign, exponent, 15 of 23


@dataclass(frozen=True, eq=False)
class QuantizedArray:
    """A matrix in int8, with a scale for each of its columns.

    Args:
        values: The integers, from -127 to 127.  # (rows, columns), int8
        scales: What one unit of each column stands for.  # (columns,), float32
    """

    values: NDArray[np.int8]
    scales: NDArray[np.float32]

    def array(self) -> NDArray[np.float32]:
        """Return the numbers that it stands for.  # (rows, columns)."""
        with np.errstate(over="ignore"):  # by a scale that no rounding gave
            return self.values.astype(np.float32) * self.scales


def quantize(matrix: NDArray[Any]) -> QuantizedArray:
    """Round a matrix to int8, column by column.

    Args:
        matrix: Finite numbers.  # (rows, columns)

    Returns:
        The nearest integers, ties to even. A second rounding of what they stand for gives the same integers
        and scales. A column whose numbers are all below 1.5e-36 becomes zeros.
    """
    largest = np.abs(matrix).max(axis=0).astype(np.float32)
    exact = (largest / np.float32(LARGEST)).astype(np.float32)
    scales = (exact.view(np.uint32) & SIGNIFICANT).view(np.float32)  # rounded down: no product is infinite
    scales[scales < np.finfo(np.float32).tiny] = 1  # zeros, or too small for a scale of 16 bits
    values = np.clip(np.rint(matrix / scales), -LARGEST, LARGEST).astype(np.int8)
    return QuantizedArray(values, scales)


def is_quantized(name: str, array: NDArray[Any]) -> bool:
    """Whether int8 keeps a parameter as integers: the matrices, not the biases."""
    return array.ndim == 2


def rounded(parameters: Mapping[str, NDArray[Any]], precision: str) -> dict[str, NDArray[np.float32]]:
    """Return parameters as a precision keeps them, in float32 again.

    Args:
        parameters: Name -> array.
        precision: One of `PRECISIONS`.

    Raises:
        ConfigError: If there is no such precision, or a number is too large for it.
    """
    precision = as_spelled(precision, PRECISIONS)
    check("precision", precision, f"one of {', '.join(PRECISIONS)}", precision in PRECISIONS)
    if precision == "float32":
        return {name: np.asarray(array, np.float32) for name, array in parameters.items()}
    if precision == "float16":
        return {name: half(name, array).astype(np.float32) for name, array in parameters.items()}
    return {
        name: quantize(array).array() if is_quantized(name, array) else np.asarray(array, np.float32)
        for name, array in parameters.items()
    }


def half(name: str, array: NDArray[Any]) -> NDArray[np.float16]:
    """Round an array to float16.

    Args:
        name: Its name, for messages.
        array: Finite numbers.

    Raises:
        ConfigError: If a number is beyond float16.
    """
    with np.errstate(over="ignore"):
        small = np.asarray(array).astype(np.float16)
    if not np.isfinite(small).all():
        raise ConfigError(
            f"{name}: a number is too large for float16",
            expected=f"magnitudes up to {LARGEST_HALF:.0f}",
            got=f"{np.abs(array).max():g}",
            hint="choose int8, or float32",
        )
    return small
