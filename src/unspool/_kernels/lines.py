"""Find, hash and number lines of plain text natively: the Python side of `native/text/lines.h`.

Texts come as code points, uint8 if all of them are ASCII and uint32 otherwise. All operations let other
threads run.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool._kernels.arrays import UNSIGNED, check_array, check_number, check_row
from unspool._kernels.machine import chosen_kernels

LINE_END = 10
EVERY_LINE = (1 << 64) - 1  # the limit that holds out all lines; 0 holds out none
CODE_POINTS = 0x110000
ASCII = 128


def to_codepoints(text: str) -> NDArray[Any]:
    """Return the code point of each character, with no Python step for each.

    Args:
        text: A text without lone surrogates.

    Returns:
        Unsigned integers; uint8 for ASCII text, which is four times less to go through.  # (N,)

    Raises:
        UnicodeEncodeError: If the text has a lone surrogate; its `start` says where.
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


class Lines(NamedTuple):
    """The lines of a text that are more than white space.

    Args:
        bounds: Begin and end of each line, without its line end.  # (lines, 2)
        held_out: Whether each line is held out.  # (lines,)
    """

    bounds: NDArray[np.int64]
    held_out: NDArray[np.bool_]


def find_lines(codes: NDArray[Any], *, limit: int, kernels: str | None = None) -> Lines:
    r"""Find the lines of a text, and which of them are held out.

    Args:
        codes: Code points; ``\n`` ends a line.  # (N,)
        limit: A line is held out if the BLAKE2b digest (8 bytes, no key, no salt) of its UTF-8, read as a
            big-endian number, is below this limit.
        kernels: An instruction set from `kernel_names`; None for the one in use.
    """
    _check(codes)
    check_number("limit", limit, 0, EVERY_LINE)
    most = int(np.count_nonzero(codes == LINE_END)) + 1
    bounds, held_out = np.empty((most, 2), np.int64), np.empty(most, np.bool_)
    count = _native.find_lines(kernels or chosen_kernels(), codes, limit, bounds, held_out)
    return Lines(bounds[:count], held_out[:count])


class NumberedLines(NamedTuple):
    """The numbers of some lines, with a 0 after each line.

    Args:
        training: The numbers of the lines to learn from.  # (M,)
        training_ends: The end of each of these lines, after its 0.  # (lines to learn from,)
        validation: The numbers of the held-out lines.  # (K,)
        validation_ends: The end of each of these lines, after its 0.  # (lines held out,)
        counts: How often each number was written; 0 is not counted.  # (numbers + 1,)
    """

    training: NDArray[Any]
    training_ends: NDArray[np.int64]
    validation: NDArray[Any]
    validation_ends: NDArray[np.int64]
    counts: NDArray[np.int64]


class Numbering:
    """A numbering of characters 1, 2, ... in order of first appearance, with their counts."""

    def __init__(self) -> None:
        self._table = np.zeros(CODE_POINTS, np.uint32)  # the number of each code point, 0 for none yet
        self._counts = np.zeros(1, np.int64)
        self._codes: list[int] = []

    def number(
        self, codes: NDArray[Any], lines: Lines, *, tried: NumberedLines | None = None
    ) -> NumberedLines:
        """Number the characters of the next lines, and count them.

        Args:
            codes: Code points of the text.  # (N,)
            lines: The lines of the text.
            tried: The result of `try_number` for them, if there is one.
        """
        done, fresh = (tried, []) if tried else self._number(codes, lines, learn=True)
        self._codes += fresh or []
        counts = np.zeros(len(self._codes) + 1, np.int64)
        for counted in (self._counts, done.counts[: len(counts)]):
            counts[: len(counted)] += counted
        self._counts = counts
        return done

    def number_texts(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Number the characters of the next texts, and count them.

        Returns:
            The numbers of all characters, and how many each text has.  # (N,), (texts,)

        Raises:
            UnicodeEncodeError: If a text has a lone surrogate.
        """
        codes = to_codepoints("".join(texts))
        one_line = Lines(np.array([[0, len(codes)]], np.int64), np.zeros(1, np.bool_))
        numbers = self.number(codes, one_line, tried=self.try_number(codes, one_line)).training
        return numbers[:-1], np.fromiter(map(len, texts), np.int64, len(texts))

    def try_number(self, codes: NDArray[Any], lines: Lines) -> NumberedLines | None:
        """Return the numbers of any lines, or None if one of their characters has no number yet.

        Nothing changes, so several threads may do this, also while one calls `number`.
        """
        done, fresh = self._number(codes, lines, learn=False)
        return None if fresh is None else done

    def _number(
        self, codes: NDArray[Any], lines: Lines, *, learn: bool
    ) -> tuple[NumberedLines, list[int] | None]:
        """Return numbered lines, and the characters that got a number, or None if one has none."""
        _check(codes)
        _check_lines(lines, len(codes))
        known = len(self._codes)
        sizes = lines.bounds[:, 1] - lines.bounds[:, 0] + 1
        whole, validation_size = int(sizes.sum()), int(sizes[lines.held_out].sum())
        rows = int(np.count_nonzero(lines.held_out))
        most = known
        if learn:
            most += ASCII if codes.dtype == np.uint8 else len(codes)
        dtype = np.min_scalar_type(most)
        out = NumberedLines(
            np.empty(whole - validation_size, dtype),
            np.empty(len(sizes) - rows, np.int64),
            np.empty(validation_size, dtype),
            np.empty(rows, np.int64),
            np.zeros(most + 1, np.int64),
        )
        *sides, counts = out
        return out, _native.number_lines(codes, *lines, self._table, known, learn, counts, *sides)

    def symbols(self) -> list[str]:
        """Return the characters seen so far; the first has number 1."""
        return list(map(chr, self._codes))

    def counts(self) -> NDArray[np.int64]:
        """Return how often each character was seen.  # (symbols,)."""
        return self._counts[1:]


def recode(numbers: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    """Return ``table[numbers]``, several times faster than NumPy.

    Args:
        numbers: Indices, uint8, uint16 or uint32.  # (N,)
        table: The new value of each number, uint8, uint16 or uint32.  # (K,)

    Raises:
        IndexError: If a number is not in the table.
        ValueError: If an array has another shape or type.
    """
    for name, array in (("numbers", numbers), ("table", table)):
        check_row(name, array, *UNSIGNED)
    if numbers.size and numbers.max() >= len(table):
        raise IndexError(f"numbers: expected them below {len(table)}, got {numbers.max()}")
    out = np.empty(len(numbers), table.dtype)
    _native.recode(numbers, table, out)
    return out


def _check_lines(lines: Lines, size: int) -> None:
    """Raise ValueError unless the lines are in a text of this many code points."""
    count = len(lines.held_out)
    check_array("held_out", lines.held_out, np.bool_, (count,))
    check_array("bounds", lines.bounds, np.int64, (count, 2))
    begins, ends = lines.bounds.T
    if count and not ((begins >= 0).all() and (begins <= ends).all() and (ends <= size).all()):
        raise ValueError(f"bounds: expected lines inside {size} code points")


def _check(codes: NDArray[Any]) -> None:
    """Raise ValueError unless the codes are an array that the native side can read."""
    check_row("codes", codes, np.uint8, np.uint32)
    limit = ASCII if codes.dtype == np.uint8 else CODE_POINTS
    if codes.size and codes.max() >= limit:
        raise ValueError(f"codes: expected {codes.dtype} below {limit}, got {codes.max()}")
