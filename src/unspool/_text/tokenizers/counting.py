"""Number and count the symbols of a corpus in one pass, before its tokenizer exists.

Symbols are numbered 1, 2, ... in order of first appearance. After the last text, `rank` sorts them by
frequency, and its table turns the provisional numbers into ids.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._errors import TokenizerError
from unspool._text.tokenizers.tokenizer_files import MOST_SYMBOLS

MOST_DISTINCT = 2 * MOST_SYMBOLS  # different symbols before an error: each takes about 200 bytes of memory


class Counted(Protocol):
    """Symbols that were numbered in order of first appearance, and counted."""

    def symbols(self) -> list[str]:
        """Return the symbols seen so far; the first has number 1."""

    def counts(self) -> NDArray[np.int64]:
        """Return how often each symbol was seen.  # (symbols,)."""


class Counter(Counted, Protocol):
    """A counter that numbers symbols in order of first appearance; `Numbering` does it for characters."""

    def number_texts(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Number the symbols of the next texts.

        Args:
            texts: Texts that follow those of the last call.

        Returns:
            The numbers of all symbols, from 1, and the number of symbols in each text.  # (N,), (texts,)

        Raises:
            UnicodeEncodeError: If a text has a lone surrogate.
        """


class SymbolCounter:
    """A counter for the symbols of any tokenizer; ``SymbolCounter(list)`` is the slow twin of `Numbering`.

    Args:
        split: A function that splits a text into symbols.
    """

    def __init__(self, split: Callable[[str], list[str]]) -> None:
        self._split = split
        self._numbers = _Numbers()
        self._counts = np.zeros(1, np.int64)  # by number; no symbol has 0

    def number_texts(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Number the symbols of the next texts; see `Counter`."""
        "".join(texts).encode("utf-8")  # refuses lone surrogates
        symbols = [self._split(text) for text in texts]
        numbers = np.fromiter(map(self._numbers.__getitem__, chain.from_iterable(symbols)), np.uint32)
        if len(self._numbers) > MOST_DISTINCT:
            hint = "choose the char tokenizer"
            got = f"more than {MOST_DISTINCT:,}"
            raise TokenizerError("different words in the corpus", expected="fewer", got=got, hint=hint)
        self._counts = _added(self._counts, numbers)
        return numbers, np.fromiter(map(len, symbols), np.int64, len(texts))

    def symbols(self) -> list[str]:
        """Return the symbols seen so far; the first has number 1."""
        return list(self._numbers)

    def counts(self) -> NDArray[np.int64]:
        """Return how often each symbol was seen.  # (symbols,)."""
        return self._counts[1:]


class Tallied:
    """Symbols that were counted before.

    Args:
        tally: How often each symbol was seen; the first has number 1.
    """

    def __init__(self, tally: Mapping[str, int]) -> None:
        self._tally = tally

    def symbols(self) -> list[str]:
        """Return the symbols; the first has number 1."""
        return list(self._tally)

    def counts(self) -> NDArray[np.int64]:
        """Return how often each symbol was seen.  # (symbols,)."""
        return np.fromiter(self._tally.values(), np.int64, len(self._tally))


class _Numbers(dict[str, int]):
    """The number of each symbol; a new symbol gets the next free one."""

    def __missing__(self, symbol: str) -> int:
        number = self[symbol] = len(self) + 1
        return number


def _added(counts: NDArray[np.int64], numbers: NDArray[Any]) -> NDArray[np.int64]:
    more = np.bincount(numbers, minlength=len(counts))
    more[: len(counts)] += counts
    return more


def check_max_vocab_size(max_vocab_size: int | None) -> None:
    """Refuse a `max_vocab_size` that leaves no room for a symbol beside the three special ones.

    Raises:
        ConfigError: If it is out of its range.
    """
    ok = max_vocab_size is None or is_whole(max_vocab_size, least=4)
    check("max_vocab_size", max_vocab_size, "a whole number ≥ 4, or None", ok)


class Ranking(NamedTuple):
    """The result of `rank`.

    Args:
        symbols: The symbols of the vocabulary, the most frequent first.
        unk: Whether symbols were cut off.
        table: The id of each provisional number; the id of 0 is ``<eos>``.  # (symbols + 1,)
        cut: The places, from 0, of the counted symbols that were cut off.
        lost: Number of symbols in the text that became ``<unk>``.
    """

    symbols: list[str]
    unk: bool
    table: NDArray[np.uint32]
    cut: list[int]
    lost: int


def rank(counter: Counted, *, max_vocab_size: int | None = None) -> Ranking:
    """Sort the counted symbols by descending frequency, ties in order of first appearance.

    Args:
        counter: The counter of a corpus.
        max_vocab_size: Highest number of ids with ``<pad>``, ``<unk>`` and ``<eos>``, 4 or more. The rarest
            symbols that do not fit become ``<unk>``. If all fit, or with None, there is no ``<unk>``.

    Raises:
        ConfigError: If `max_vocab_size` is out of its range.
        TokenizerError: If more symbols remain than a tokenizer may have.
    """
    check_max_vocab_size(max_vocab_size)
    symbols, counts = counter.symbols(), counter.counts()
    order = np.argsort(-counts, kind="stable")
    unk = max_vocab_size is not None and len(symbols) + 2 > max_vocab_size
    ranked = order[: max_vocab_size - 3] if unk and max_vocab_size is not None else order
    if len(ranked) > MOST_SYMBOLS:
        what, hint = "different symbols in the corpus", "choose a max_vocab_size"
        raise TokenizerError(what, expected=f"at most {MOST_SYMBOLS:,}", got=f"{len(ranked):,}", hint=hint)
    table = np.full(len(symbols) + 1, len(ranked) + 1, np.uint32)  # <unk>, where there is one
    table[ranked + 1] = np.arange(1, len(ranked) + 1)
    table[0] = len(ranked) + 1 + unk
    cut = order[len(ranked) :]
    return Ranking([symbols[i] for i in ranked], unk, table, cut.tolist(), int(counts[cut].sum()))
