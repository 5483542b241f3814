"""Arrays for the native module, checked before it reads them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ids = NDArray[np.int32]

UNSIGNED = (np.uint8, np.uint16, np.uint32)

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


def check_row(name: str, array: NDArray[Any], *dtypes: type[np.generic]) -> None:
    """Raise ValueError unless the array has one axis and one of several types.

    Args:
        name: The name of the array, for messages.
        array: The array.
        dtypes: The types that it may have.
    """
    if array.dtype not in dtypes or array.ndim != 1 or not array.flags.c_contiguous:
        allowed = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise ValueError(
            f"{name}: expected C-contiguous {allowed} in one row, got {array.dtype} {array.shape}"
        )


def check_number(name: str, number: float, least: float, most: float) -> None:
    """Raise ValueError unless a number is in its range, which NaN never is.

    Args:
        name: The name of the number, for messages.
        number: The number.
        least: The least that it may be.
        most: The most that it may be.
    """
    if not least <= number <= most:
        raise ValueError(f"{name}: expected a number from {least} to {most}, got {number}")


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


def native_id(name: str, number: int | None, vocab_size: int) -> int:
    """Return an id as the native side has it, where "never" is a number.

    Args:
        name: The name of the id, for messages.
        number: The id, or None.
        vocab_size: Number of ids in the vocabulary.

    Raises:
        ValueError: If the id is not in the vocabulary.
    """
    if number is None:
        return NO_ID
    check_number(name, number, 0, vocab_size - 1)
    return number
