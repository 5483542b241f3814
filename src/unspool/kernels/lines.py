"""Lines of plain text, found, hashed and numbered natively: the face of `native/lines.h`.

Texts come as code points, uint8 where all of them are ASCII and uint32 otherwise. Both functions let other
threads run.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool.kernels import chosen_kernels

LINE_END = 10
EVERY_LINE = (1 << 64) - 1  # the limit that holds all lines out; none out is 0
CODE_POINTS = 0x110000
ASCII = 128


class Lines(NamedTuple):
    """Hold where the lines of a text are that are more than white space.

    Args:
        bounds: Begin and end of each, without its line end.  # (lines, 2)
        held_out: Whether it is held out.  # (lines,)
    """

    bounds: NDArray[np.int64]
    held_out: NDArray[np.bool_]


def find_lines(codes: NDArray[Any], *, limit: int, kernels: str | None = None) -> Lines:
    r"""Find the lines of a text, and tell which are held out.

    Args:
        codes: Code points; ``\n`` ends a line.  # (N,)
        limit: A line is held out if the BLAKE2b digest (8 bytes, no key, no salt) of its UTF-8, read as a
            number with its big end first, is below it.
        kernels: The instruction set; None for the one in use.
    """
    _check(codes)
    most = int(np.count_nonzero(codes == LINE_END)) + 1
    bounds, held_out = np.empty((most, 2), np.int64), np.empty(most, np.bool_)
    count = _native.find_lines(kernels or chosen_kernels(), codes, limit, bounds, held_out)
    return Lines(bounds[:count], held_out[:count])


class Numbering:
    """Number characters 1, 2, ... in order of first appearance, and count them.

    Args:
        table: The number of each code point, 0 for none yet; it changes in place.  # (0x110000,) uint32
    """

    def __init__(self, table: NDArray[np.uint32]) -> None:
        if table.shape != (CODE_POINTS,) or table.dtype != np.uint32:
            raise ValueError(f"table: expected uint32 ({CODE_POINTS},), got {table.dtype} {table.shape}")
        self._table = table
        self._counts = np.zeros(CODE_POINTS, np.int64)
        self._codes: list[int] = []

    def number(self, codes: NDArray[Any], lines: Lines) -> tuple[NDArray[Any], NDArray[Any]]:
        """Number the characters of the next lines.

        Args:
            codes: Code points of the text.  # (N,)
            lines: Where its lines are.

        Returns:
            The numbers of the lines to learn from and of those held out, a 0 after each line.  # (M,), (K,)
        """
        _check(codes)
        sizes = lines.bounds[:, 1] - lines.bounds[:, 0] + 1
        held = int(sizes[lines.held_out].sum())
        most = len(self._codes) + (ASCII if codes.dtype == np.uint8 else len(codes))
        dtype = np.min_scalar_type(most)
        training, validation = np.empty(int(sizes.sum()) - held, dtype), np.empty(held, dtype)
        self._codes += _native.number_lines(
            codes, *lines, self._table, self._counts, len(self._codes), training, validation
        )
        return training, validation

    def symbols(self) -> list[str]:
        """List the characters seen so far; the first has number 1."""
        return list(map(chr, self._codes))

    def counts(self) -> NDArray[np.int64]:
        """Give how often each of them was seen.  # (symbols,)."""
        return self._counts[self._codes]


def _check(codes: NDArray[Any]) -> None:
    """Raise ValueError unless the codes are what the native side will take them for."""
    ascii_bytes = codes.dtype == np.uint8 and (not codes.size or codes.max() < ASCII)
    wide = codes.dtype == np.uint32 and (not codes.size or codes.max() < CODE_POINTS)
    if not (ascii_bytes or wide) or codes.ndim != 1 or not codes.flags.c_contiguous:
        raise ValueError(f"codes: expected ASCII as uint8 or code points as uint32, got {codes.dtype}")
