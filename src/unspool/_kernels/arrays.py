"""Arrays for the native module, checked before it reads them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]

NO_ID = -1  # means "never" on the native side, where Python has None


def check_array(
    name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    """Raise ValueError unless the array is one that the native side can read.

    Args:
        name: The name of the array, for messages.
        array: The array.
        dtype: The expected type.
        shape: The expected shape; None stands for any size.
    """
    if array.shape == shape and array.dtype == dtype and array.flags.c_contiguous:
        return  # called thirty times a step
    fits = len(array.shape) == len(shape) and all(
        n is None or n == m for n, m in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits or not array.flags.c_contiguous:
        raise ValueError(
            f"{name}: expected C-contiguous {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}"
        )


def check_ids(name: str, ids: Ids, vocab_size: int) -> None:
    """Raise ValueError unless there are ids, all of them in the vocabulary.

    Args:
        name: The name of the array, for messages.
        ids: The ids.
        vocab_size: Number of ids in the vocabulary.
    """
    if not ids.size:
        raise ValueError(f"{name}: expected at least one id, got shape {ids.shape}")
    if int(ids.view(np.uint32).max()) >= vocab_size:  # one pass: as uint32, a negative id is very large
        raise ValueError(f"{name}: expected ids in [0, {vocab_size}), got {ids.min()} to {ids.max()}")
