"""The precision of products: float32, bf16 with float32 sums, or, where there are no gradients, int8."""

import os

import numpy as np

from unspool import _native
from unspool._kernels.arrays import Floats, check_array
from unspool._kernels.machine import chosen_kernels

PRECISIONS: tuple[str, ...] = ("float32", "bf16", "auto")  # of training
INFERENCE: tuple[str, ...] = ("float32", "bf16", "int8", "auto")  # of writing and scoring
EMULATE = "UNSPOOL_EMULATE_BF16"
EMULATED = "bf16 (emulated)"


def has_bf16(kernels: str | None = None) -> bool:
    """Return whether these kernels, or those in use, multiply bf16 by an instruction of the processor."""
    return _native.has_bf16(kernels or chosen_kernels())


def emulates_bf16() -> bool:
    """Return whether ``UNSPOOL_EMULATE_BF16=1`` asks for bf16 on kernels without an instruction for it."""
    return os.environ.get(EMULATE) == "1"


def used_precision(asked: str) -> str:
    """Return the precision that is used if one of `PRECISIONS` is asked for.

    Args:
        asked: The requested precision.

    Returns:
        "bf16", "bf16 (emulated)" or "float32". It is float32 too if bf16 is asked for and not available, see
        `missing_bf16`. "auto" never emulates.
    """
    if asked == "float32":
        return asked
    if has_bf16():
        return "bf16"
    return EMULATED if asked == "bf16" and emulates_bf16() else "float32"


def used_inference(asked: str) -> str:
    """Return the precision of writing and scoring that is used if one of `INFERENCE` is asked for.

    "auto" is bf16 where the processor has an instruction for it, else float32. Without the instruction bf16
    is computed in float32, from weights that take half the memory traffic.
    """
    return asked if asked != "auto" else "bf16" if has_bf16() else "float32"


def missing_bf16(asked: str) -> str | None:
    """Return a warning if bf16 is asked for and float32 is used instead, else None."""
    if asked != "bf16" or used_precision(asked) != "float32":
        return None
    return (
        "precision bf16: expected a processor with AMX, AMD's AVX512-BF16 or Arm BF16, got "
        f"{chosen_kernels()} kernels without; training in float32"
    )


def round_to_bf16(values: Floats, *, kernels: str | None = None) -> Floats:
    """Round to the values of bf16, to nearest and ties to even, as the kernels do; NaN stays NaN."""
    check_array("values", values, np.float32, values.shape)
    out = np.empty_like(values)
    _native.round_to_bf16(kernels or chosen_kernels(), values, out)
    return out
