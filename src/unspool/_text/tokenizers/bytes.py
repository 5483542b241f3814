"""The tokenizer of bytes: 256 symbols, so that nothing is ever unknown."""

import codecs
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._configuration import check, is_whole
from unspool._text.tokenizers.tokenizer import Tokenizer
from unspool._text.tokenizers.tokenizer_files import TokenizerFile
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import EncodedTexts, TextPlace

LETTERS = tuple(map(chr, range(256)))  # one character for each byte, by its number
NAMES = (*LETTERS[:128], *(f"\\x{byte:02x}" for byte in range(128, 256)))


class ByteTokenizer(Tokenizer):
    r"""A tokenizer of the bytes of UTF-8; the id of a byte is its value plus 1.

    A byte from 128 on is part of a character, and reports name it ``\xe2``. A model may write bytes that are
    not UTF-8; they decode to U+FFFD.

    Args:
        normalization: Unicode form of the texts, or None for no normalization.

    Example:
        >>> from unspool import ByteTokenizer
        >>> ByteTokenizer().encode("né").tolist()
        [111, 196, 170]
    """

    kind = "bytes"
    description = "byte by byte"
    whole_characters = False

    def __init__(self, *, normalization: str | None = "NFC") -> None:
        super().__init__(LETTERS, normalization=normalization)

    @classmethod
    def fit(
        cls, texts: Iterable[str], *, max_vocab_size: int | None = None, normalization: str | None = "NFC"
    ) -> Self:
        """Make the tokenizer, which is the same for all texts; see `Tokenizer.fit`.

        Example:
            >>> unspool.ByteTokenizer.fit([]).vocab_size
            258
        """
        size = len(LETTERS) + 2
        ok = max_vocab_size is None or is_whole(max_vocab_size, least=size)
        expected = f"a whole number ≥ {size}, or None, with the bytes tokenizer"
        check("max_vocab_size", max_vocab_size, expected, ok)
        return cls(normalization=normalization)

    @staticmethod
    def split(text: str) -> list[str]:
        """Split a text into its characters, each of which is one to four symbols.

        Example:
            >>> unspool.ByteTokenizer.split("né")
            ['n', 'é']
        """
        return list(text)

    @staticmethod
    def letters(text: str) -> str:
        """Return a text in the letters of `spellings`, one for each byte.

        Example:
            >>> unspool.ByteTokenizer.letters("é")
            'Ã©'
        """
        return text.encode().decode("latin-1")

    def piece_ids(self, piece: str) -> list[int]:
        """Return the ids of one character.

        Example:
            >>> unspool.ByteTokenizer().piece_ids("é")
            [196, 170]
        """
        return [byte + 1 for byte in piece.encode()]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the names of the bytes.

        Example:
            >>> unspool.ByteTokenizer().symbols[97]
            'a'
        """
        return NAMES

    @property
    def decoded_lengths(self) -> NDArray[np.int64]:
        """Return how many characters begin with each id: 0 for later bytes of a character.  # (V,).

        Example:
            >>> unspool.ByteTokenizer().decoded_lengths[[98, 170]].tolist()
            [1, 0]
        """
        lengths = np.ones(self.vocab_size, np.int64)
        lengths[[0, -1]] = 0
        lengths[0x80 + 1 : 0xC0 + 1] = 0
        return lengths

    def decode(self, ids: ArrayLike) -> str:
        """Return the text of token ids; see `Tokenizer.decode`.

        Example:
            >>> unspool.ByteTokenizer().decode([196, 170])
            'é'
        """
        return self._bytes(ids).decode("utf-8", "replace")

    def decodable(self, ids: ArrayLike) -> int:
        """Return the number of ids that can be decoded without the next: all but an unfinished character.

        Example:
            >>> unspool.ByteTokenizer().decodable([98, 196])
            1
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        decoder.decode(self._bytes(ids))
        return np.size(ids) - len(decoder.getstate()[0])

    def _bytes(self, ids: ArrayLike) -> bytes:
        array = self._checked(ids)
        return (array[(array > 0) & (array < self.eos_id)] - 1).astype(np.uint8).tobytes()

    def _encoded(self, texts: Sequence[str], unknown: Unknown, place: TextPlace) -> EncodedTexts:
        parts = [text.encode() for text in texts]
        ids = np.frombuffer(b"".join(parts), np.uint8).astype(np.int32) + 1
        lengths, characters = (np.fromiter(map(len, each), np.int64, len(texts)) for each in (parts, texts))
        return EncodedTexts(ids, lengths, characters, np.zeros_like(lengths))

    @classmethod
    def _from_file(cls, file: TokenizerFile, where: str) -> Self:
        return cls(normalization=file.normalization)
