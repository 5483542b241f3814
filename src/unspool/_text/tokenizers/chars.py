"""The tokenizer of characters: every Unicode code point is a symbol."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._errors import TokenizerError
from unspool._kernels.lines import Numbering, to_codepoints
from unspool._text.tokenizers.counting import Counter
from unspool._text.tokenizers.spelling_model import SpellingModel
from unspool._text.tokenizers.tokenizer import PAD_ID
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer


class CharTokenizer(VocabularyTokenizer):
    """A tokenizer of characters; every Unicode code point is a symbol.

    Args:
        symbols: The symbols in the order of their ids, without the special ones.
        unk: Whether there is an ``<unk>`` for unknown symbols.
        normalization: Unicode form of the texts, or None for no normalization.
        spelling_model: The probability of each spelling that ``<unk>`` stands for, or None.

    Example:
        >>> from unspool import CharTokenizer
        >>> tokenizer = CharTokenizer.fit(["a cat", "a cow"])
        >>> tokenizer.decode(tokenizer.encode("taco"))
        'taco'
    """

    kind = "char"
    description = "character by character"

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        unk: bool = False,
        normalization: str | None = "NFC",
        spelling_model: SpellingModel | None = None,
    ) -> None:
        super().__init__(symbols, unk=unk, normalization=normalization, spelling_model=spelling_model)
        for symbol in self._known:
            if len(symbol) != 1:
                what = f"symbol {self._known[symbol]} of a char tokenizer"
                raise TokenizerError(what, expected="a single character", got=repr(symbol))
        codes = to_codepoints("".join(self._known)).astype(np.int64)
        size = max(0x100, int(codes.max()) + 2)  # the last entry stands for all characters above it
        self._ids = np.zeros(size, np.int32)
        self._ids[codes] = np.arange(1, len(codes) + 1)
        self._codes = np.concatenate([[0], codes, [0, 0]])  # by id; <unk> and <eos> are never read

    @staticmethod
    def split(text: str) -> list[str]:
        """Split a text into its characters.

        Example:
            >>> unspool.CharTokenizer.split("otto")
            ['o', 't', 't', 'o']
        """
        return list(text)

    @classmethod
    def counter(cls) -> Counter:
        """Return the counter for a new tokenizer of this kind.

        Example:
            >>> counter = unspool.CharTokenizer.counter()
            >>> numbers, lengths = counter.number_texts(["anna"])
            >>> counter.symbols(), numbers.tolist()
            (['a', 'n'], [1, 2, 2, 1])
        """
        return Numbering()

    def decode(self, ids: ArrayLike) -> str:
        """Return the text of token ids by one look-up in a table; see `Tokenizer.decode`.

        Example:
            >>> unspool.CharTokenizer.fit(["anna"]).decode([2, 1, 2])
            'nan'
        """
        array = self._checked(ids)
        if self.unk_id is not None and (array == self.unk_id).any():
            return super().decode(array)
        codes: NDArray[Any] = self._codes[array[(array != PAD_ID) & (array != self.eos_id)]]
        return codes.astype("<u4").tobytes().decode("utf-32-le")

    def _look_up(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        codes = to_codepoints("".join(texts))
        if codes.dtype != np.uint8:
            codes = np.minimum(codes, len(self._ids) - 1)
        return self._ids[codes], np.fromiter(map(len, texts), np.int64, len(texts))
