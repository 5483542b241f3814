"""Plain matrix products by the kernels' own tile, for tests and measurements."""

import numpy as np

from unspool import _native
from unspool._kernels.arrays import Floats, check_array
from unspool._kernels.machine import chosen_kernels
from unspool._kernels.shape import FORMATS


def multiply(
    a: Floats,
    b: Floats,
    *,
    kernels: str | None = None,
    precision: str = "float32",
    transposed: bool = False,
) -> Floats:
    """Multiply two matrices with the kernels' own tile, which is part of every other product here.

    Args:
        a: The left matrix.  # (M, K), or (K, M) if it is given transposed
        b: The right matrix.  # (K, N)
        kernels: An instruction set from `kernel_names`; None for the one in use.
        precision: "float32"; "bf16" for rounded inputs and sums in float32; or "int8" for inputs rounded to
            integers with a scale for each row of `a` and each column of `b`, and sums in int32.
        transposed: Whether to multiply the transpose of `a`, as for weight gradients; not in int8.
    """
    check_array("a", a, np.float32, (None, None))
    check_array("b", b, np.float32, (a.shape[0 if transposed else 1], None))
    shape = (a.shape[1 if transposed else 0], b.shape[1])
    if not a.size or not b.size:
        return np.zeros(shape, np.float32)
    out = np.empty(shape, np.float32)
    _native.multiply(kernels or chosen_kernels(), FORMATS[precision], transposed, a, b, out)
    return out
