"""The arrays that the native module takes, checked before it sees them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

NO_ID = -1  # what the native side reads as "never"; outside it is None


def check_array(
    name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    """Raise ValueError unless the array is what the native side will take it for."""
    if array.shape == shape and array.dtype == dtype and array.flags.c_contiguous:
        return  # asked thirty times a step
    fits = len(array.shape) == len(shape) and all(
        n is None or n == m for n, m in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits or not array.flags.c_contiguous:
        raise ValueError(
            f"{name}: expected C-contiguous {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}"
        )


def check_ids(name: str, ids: NDArray[np.int32], vocab_size: int) -> None:
    """Raise ValueError unless there are ids, all of them in the vocabulary."""
    if not ids.size:
        raise ValueError(f"{name}: expected at least one id, got shape {ids.shape}")
    if int(ids.view(np.uint32).max()) >= vocab_size:  # one pass: what is below 0 is far above
        raise ValueError(f"{name}: expected ids in [0, {vocab_size}), got {ids.min()} to {ids.max()}")
