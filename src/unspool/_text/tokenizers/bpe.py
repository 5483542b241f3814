"""The tokenizer of subwords: frequent runs of characters, and bytes for whatever is in none of them."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._configuration import check, is_whole
from unspool._errors import TokenizerError
from unspool._text.records import check_normalization, normalized
from unspool._text.tokenizers.bytes import LETTERS, NAMES, ByteTokenizer
from unspool._text.tokenizers.longest import LongestSymbols
from unspool._text.tokenizers.merging import LONGEST, PIECE, count_pieces, learn_symbols
from unspool._text.tokenizers.tokenizer import Tokenizer
from unspool._text.tokenizers.tokenizer_files import TokenizerFile, check_symbols, expect
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import EncodedTexts, TextPlace

USUAL_SIZE = 1024  # ids of a new tokenizer, unless a `max_vocab_size` says otherwise
MOST_KEPT = 1 << 18  # pieces whose ids are kept
NEAR_END = 4096  # characters before the end of a text in which its last piece begins


class BpeTokenizer(ByteTokenizer):
    """A tokenizer of subwords, learnt by byte pair encoding; what is in no symbol is read byte by byte.

    A text is cut from left to right into the longest symbols, not by the order in which pairs were learnt:
    Uzan et al., "Greed is All You Need" (2024). The ids 1 to 256 are the bytes.

    Args:
        symbols: The symbols of ids 257, 258, ...: parts of words, numbers or runs of marks, each with at most
            one space before it. A single character of ASCII is a byte already.
        normalization: Unicode form of the texts, or None for no normalization.

    Raises:
        TokenizerError: If these cannot be symbols.

    Example:
        >>> from unspool import BpeTokenizer
        >>> tokenizer = BpeTokenizer.fit(["low lower lowest"])
        >>> tokenizer.split("slower é")
        ['s', 'low', 'e', 'r', ' ', 'é']
    """

    kind = "bpe"
    description = "by subwords"
    learnt_keys = ("symbols",)

    def __init__(self, symbols: Sequence[str], *, normalization: str | None = "NFC") -> None:
        for symbol in check_symbols(symbols, where="tokenizer") if symbols else ():
            if not PIECE.fullmatch(symbol) or (len(symbol) == 1 and symbol.isascii()):
                expected = "a part of a word, a number or a run of marks, no single character of ASCII"
                raise TokenizerError("symbol of a bpe tokenizer", expected=expected, got=repr(symbol))
        Tokenizer.__init__(self, (*LETTERS, *map(self.letters, symbols)), normalization=normalization)
        self._learnt_symbols = tuple(symbols)
        self._longest = LongestSymbols(symbols)
        self._spelled = [letters.encode("latin-1") for letters in self.spellings]
        self._ids = _PieceIds(self)
        self._known = {symbol: (i,) for i, symbol in enumerate(symbols, start=len(LETTERS) + 1)}

    @classmethod
    def fit(
        cls, texts: Iterable[str], *, max_vocab_size: int | None = None, normalization: str | None = "NFC"
    ) -> Self:
        """Learn the symbols of texts; see `Tokenizer.fit`.

        Without a `max_vocab_size` there are at most 1,024 ids.

        Example:
            >>> unspool.BpeTokenizer.fit(["low lower lowest"]).symbols[256:]
            ('lo', 'low', ' low', ' lowe')
        """
        least = len(LETTERS) + 2
        ok = max_vocab_size is None or is_whole(max_vocab_size, least=least)
        expected = f"a whole number ≥ {least}, or None, with the {cls.kind} tokenizer"
        check("max_vocab_size", max_vocab_size, expected, ok)
        form = check_normalization(normalization)
        pieces = count_pieces(normalized(text, form) for text in texts)
        readable = {piece: count for piece, count in pieces.items() if not _has_surrogate(piece)}
        return cls(learn_symbols(readable, (max_vocab_size or USUAL_SIZE) - least), normalization=form)

    def split(self, text: str) -> list[str]:  # type: ignore[override]  # it needs the symbols
        """Split a text into the longest symbols; a character that is in none is a piece of its own.

        Example:
            >>> unspool.BpeTokenizer(["th", "the"]).split("theth é")
            ['the', 'th', ' ', 'é']
        """
        return self._longest.cut(text)

    @staticmethod
    def complete_length(text: str) -> int:
        """Return the length of the start of an unfinished text that can be split whatever follows.

        Example:
            >>> unspool.BpeTokenizer.complete_length("a cat")
            1
        """
        return len(text) - sum(map(len, PIECE.findall(text[-NEAR_END:])[-1:]))

    def piece_ids(self, piece: str) -> list[int]:
        """Return the id of a symbol, or those of the bytes of a character.

        Example:
            >>> tokenizer = unspool.BpeTokenizer(["th"])
            >>> tokenizer.piece_ids("th"), tokenizer.piece_ids("é")
            ([257], [196, 170])
        """
        return list(self._known[piece]) if piece in self._known else super().piece_ids(piece)

    @property
    def symbols(self) -> tuple[str, ...]:
        r"""Return the names of the bytes, and the symbols.

        Example:
            >>> unspool.BpeTokenizer(["th"]).symbols[255:]
            ('\\xff', 'th')
        """
        return (*NAMES, *self._learnt_symbols)

    @property
    def decoded_lengths(self) -> NDArray[np.int64]:
        """Return how many characters begin with each id: 0 for later bytes of a character.  # (V,).

        Example:
            >>> unspool.BpeTokenizer(["th"]).decoded_lengths[[98, 170, 257]].tolist()
            [1, 0, 2]
        """
        longer = [0, *map(len, self._learnt_symbols), 0]
        return np.concatenate([super().decoded_lengths[: len(LETTERS) + 1], longer[1:]])

    def _bytes(self, ids: ArrayLike) -> bytes:
        return b"".join(map(self._spelled.__getitem__, self._checked(ids).tolist()))

    def _encoded(self, texts: Sequence[str], unknown: Unknown, place: TextPlace) -> EncodedTexts:
        "".join(texts).encode()  # refuses lone surrogates
        several = [list(chain.from_iterable(map(self._ids.of, PIECE.findall(text)))) for text in texts]
        ids = np.fromiter(chain.from_iterable(several), np.int32)
        lengths = np.fromiter(map(len, several), np.int64, len(texts))
        characters = np.fromiter(map(len, texts), np.int64, len(texts))
        return EncodedTexts(ids, lengths, characters, np.zeros_like(lengths))

    def _learnt(self) -> dict[str, Any]:
        return {"symbols": list(self._learnt_symbols)}

    @classmethod
    def _from_file(cls, file: TokenizerFile, where: str) -> Self:
        symbols = file.learnt["symbols"]
        expect(isinstance(symbols, list), where, "symbols", "a list of strings", symbols)
        if symbols:
            check_symbols(symbols, where=where)
        try:
            return cls(symbols, normalization=file.normalization)
        except TokenizerError as error:
            raise TokenizerError(f"{where}: {error.what}", expected=error.expected, got=error.got) from None


class _PieceIds:
    """The ids of pieces of texts, most of which come again; no symbol reaches over the end of one."""

    def __init__(self, tokenizer: BpeTokenizer) -> None:
        self._tokenizer = tokenizer
        self._kept: dict[str, tuple[int, ...]] = {}

    def of(self, piece: str) -> tuple[int, ...]:
        """Return the ids of a piece."""
        ids = self._kept.get(piece)
        if ids is None:
            pieces = self._tokenizer.split(piece)
            ids = tuple(chain.from_iterable(map(self._tokenizer.piece_ids, pieces)))
            if len(piece) <= LONGEST:
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[piece] = ids
        return ids


def _has_surrogate(piece: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in piece)
