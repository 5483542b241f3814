"""Tokenizers: text to token ids and back, exactly.

Ids follow the Keras ``Tokenizer``: 0 is ``<pad>``; the symbols have 1, 2, ... by descending frequency, ties
in order of first appearance; then ``<unk>`` if a `max_vocab_size` cut symbols off; ``<eos>`` is last. The
special ids have no spelling in the text: a text with "<eos>" in it has five ordinary characters there.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._configuration import check
from unspool._errors import TokenizerError
from unspool._text.records import check_normalization, normalized
from unspool._text.tokenizers.spelling_model import SpellingModel
from unspool._text.tokenizers.tokenizer_files import (
    FORMAT_VERSION,
    TokenizerFile,
    read_tokenizer,
    write_tokenizer,
)
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import EncodedTexts, TextPlace, surrogate_error

PAD_ID = 0
UNK = "<unk>"  # the shown spelling of a cut-off word; no text is ever read as it


class Tokenizer(ABC):
    """A translation of text into token ids and back.

    Args:
        spellings: The spelling of each id, from 1 to the one before ``<eos>``.
        normalization: Unicode form of the texts, or None for no normalization.
        unk: Whether there is an ``<unk>`` between these and ``<eos>``.
        spelling_model: The probability of each spelling that ``<unk>`` stands for; None if there is no
            ``<unk>``, or no text to learn it from.

    Attributes:
        kind: The tokenizer's name in `TOKENIZERS`.
        description: A description for people of how it splits a text.
        spellings: The spelling of each id in `letters`; ``<pad>`` and ``<eos>`` are empty.  # (V,)
        learnt_keys: The keys of its JSON form that store what it has learned, beside the normalization.
        optional_keys: Further such keys, which an older file may lack.
        whole_characters: Whether every symbol is one or more whole characters.
    """

    kind: ClassVar[str]
    description: ClassVar[str]
    learnt_keys: ClassVar[tuple[str, ...]] = ()
    optional_keys: ClassVar[tuple[str, ...]] = ()
    whole_characters: ClassVar[bool] = True

    def __init__(
        self,
        spellings: Iterable[str],
        *,
        normalization: str | None,
        unk: bool = False,
        spelling_model: SpellingModel | None = None,
    ) -> None:
        self.spellings = ("", *spellings, *([UNK] if unk else []), "")
        self.unk_id = len(self.spellings) - 2 if unk else None
        self.spelling_model = spelling_model if unk else None
        self.normalization = check_normalization(normalization)

    @classmethod
    @abstractmethod
    def fit(
        cls, texts: Iterable[str], *, max_vocab_size: int | None = None, normalization: str | None = "NFC"
    ) -> Self:
        """Make a tokenizer that knows the symbols of texts.

        Args:
            texts: The texts; the tokenizer normalizes them.
            max_vocab_size: Highest number of ids, special ones included, 4 or more; None for no limit.
            normalization: Unicode form of the texts, or None for no normalization.

        Raises:
            ConfigError: If an option is out of its range.
            TokenizerError: If no tokenizer can be made from the texts.
        """

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """Split a text into pieces that are encoded one by one; joined, they are the text."""

    @abstractmethod
    def piece_ids(self, piece: str) -> list[int]:
        """Return the ids of a piece from `split`; none if it is unknown."""

    @staticmethod
    def letters(text: str) -> str:
        """Return a text in the letters of `spellings`: its characters, if symbols are whole characters.

        Example:
            >>> unspool.CharTokenizer.letters("anna")
            'anna'
        """
        return text

    @classmethod
    def complete_length(cls, text: str) -> int:
        """Return the length of the start of an unfinished text that can be split whatever follows.

        Example:
            >>> unspool.CharTokenizer.complete_length("anna")
            4
        """
        return len(text)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols of ids 1, 2, ...: all but ``<pad>`` and ``<eos>``; ``<unk>`` is last.

        Example:
            >>> unspool.CharTokenizer.fit(["anna"]).symbols
            ('a', 'n')
        """
        return self.spellings[1:-1]

    @property
    def vocab_size(self) -> int:
        """Return the number of ids, with ``<pad>`` and ``<eos>``.

        Example:
            >>> unspool.CharTokenizer.fit(["anna"]).vocab_size
            4
        """
        return len(self.spellings)

    @property
    def eos_id(self) -> int:
        """Return the id of ``<eos>``, the last one.

        Example:
            >>> unspool.CharTokenizer.fit(["anna"]).eos_id
            3
        """
        return len(self.spellings) - 1

    @property
    def decoded_lengths(self) -> NDArray[np.int64]:
        """Return the number of characters that each id adds to a decoded text.  # (V,).

        Example:
            >>> unspool.WordTokenizer.fit(["a cat"]).decoded_lengths.tolist()
            [0, 1, 1, 3, 0]
        """
        return np.fromiter(map(len, self.spellings), np.int64, self.vocab_size)

    @property
    def symbol_lengths(self) -> NDArray[np.int64]:
        """Return the characters of each id: 0 for ``<pad>`` and ``<eos>``, -1 for ``<unk>``.  # (V,).

        Example:
            >>> unspool.WordTokenizer.fit(["a cat sat"], max_vocab_size=5).symbol_lengths.tolist()
            [0, 1, 1, -1, 0]
        """
        lengths = self.decoded_lengths
        if self.unk_id is not None:
            lengths[self.unk_id] = -1
        return lengths

    @property
    def spells_unk(self) -> bool | None:
        """Return whether a model spells what ``<unk>`` stands for; None without ``<unk>``.

        Example:
            >>> unspool.WordTokenizer.fit(["a cat sat"], max_vocab_size=5).spells_unk
            True
        """
        return None if self.unk_id is None else self.spelling_model is not None

    def normalize(self, text: str) -> str:
        """Return a text in the tokenizer's Unicode form.

        Example:
            >>> unspool.CharTokenizer(["é"]).normalize("e" + chr(0x301)) == "é"
            True
        """
        return normalized(text, self.normalization)

    def encode(self, text: str, *, unknown: Unknown = "error") -> NDArray[np.int32]:
        """Return the token ids of a text, normalized first, without ``<eos>``.

        Args:
            text: Any text.
            unknown: The treatment of unknown symbols: "error"; "drop" leaves them out; "replace" uses
                ``<unk>`` if there is one, else the nearest known symbol.

        Returns:
            The ids; if nothing was unknown, ``decode`` returns the normalized text.  # (N,)

        Raises:
            UnknownSymbolError: If a symbol is unknown and `unknown` is "error".
            TokenizerError: If the text has a lone surrogate.

        Example:
            >>> unspool.CharTokenizer.fit(["anna"]).encode("nan").tolist()
            [2, 1, 2]
        """
        return self.encode_texts([self.normalize(text)], unknown=unknown).ids.astype(np.int32)

    def encode_texts(
        self,
        texts: Sequence[str],
        *,
        unknown: Unknown = "error",
        place: TextPlace = lambda _: ("the text", 0),
    ) -> EncodedTexts:
        """Return the token ids of many texts at once, which is much faster for short texts.

        Args:
            texts: Texts that are already normalized.
            unknown: The treatment of unknown symbols, as in `encode`.
            place: A function of a text's index that returns its name for messages and the number of
                characters before it.

        Returns:
            The ids of all texts.

        Raises:
            UnknownSymbolError: If a symbol is unknown and `unknown` is "error".
            TokenizerError: If a text has a lone surrogate.

        Example:
            >>> encoded = unspool.CharTokenizer.fit(["anna"]).encode_texts(["an", "nan"])
            >>> encoded.ids.tolist(), encoded.lengths.tolist()
            ([1, 2, 2, 1, 2], [2, 3])
        """
        check("unknown", unknown, "error, drop or replace", unknown in ("error", "drop", "replace"))
        try:
            return self._encoded(texts, unknown, place)
        except UnicodeEncodeError:
            raise surrogate_error(texts, place) from None

    @abstractmethod
    def decode(self, ids: ArrayLike) -> str:
        """Return the text of token ids; ``<pad>`` and ``<eos>`` are left out, ``<unk>`` is shown as such.

        Where `decodable` allows it, decoding works in pieces: ``decode(a) + decode(b)`` is the text of both.

        Args:
            ids: Token ids from 0 to ``vocab_size - 1``.  # (N,)

        Raises:
            TokenizerError: If an id is out of range.
        """

    def decodable(self, ids: ArrayLike) -> int:
        """Return the number of leading ids that can be decoded without the ids that follow.

        Example:
            >>> unspool.CharTokenizer.fit(["anna"]).decodable([1, 2])
            2
        """
        return np.size(ids)

    def to_json(self) -> str:
        """Return the tokenizer as JSON text that `tokenizer_from_json` reads.

        Example:
            >>> "symbols" in unspool.CharTokenizer.fit(["anna"]).to_json()
            True
        """
        learnt = self._learnt()
        version = FORMAT_VERSION if set(learnt) & set(self.optional_keys) else 1
        return write_tokenizer(TokenizerFile(self.kind, self.normalization, learnt, version))

    def _learnt(self) -> dict[str, Any]:
        """Return the values of `learnt_keys`, and of `optional_keys` where there are any, in JSON types."""
        return {}

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Self:
        """Read a tokenizer of this kind from its JSON text.

        Args:
            text: The text that `to_json` returned.
            where: The place that the text was read from, for messages.

        Raises:
            TokenizerError: If anything in the text is wrong; the message names it.

        Example:
            >>> tokenizer = unspool.CharTokenizer.fit(["anna"])
            >>> unspool.CharTokenizer.from_json(tokenizer.to_json(), where="a file") == tokenizer
            True
        """
        return cls._from_file(
            read_tokenizer(text, where=where, keys={cls.kind: (cls.learnt_keys, cls.optional_keys)}), where
        )

    @classmethod
    @abstractmethod
    def _from_file(cls, file: TokenizerFile, where: str) -> Self:
        """Make the tokenizer of a file whose learned values are not yet checked."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} vocab_size={self.vocab_size} normalization={self.normalization}>"

    def _identity(self) -> tuple[object, ...]:
        return self.kind, self.spellings, self.unk_id, self.normalization, self.spelling_model

    @abstractmethod
    def _encoded(self, texts: Sequence[str], unknown: Unknown, place: TextPlace) -> EncodedTexts:
        """Encode texts as `encode_texts` describes; a lone surrogate raises UnicodeEncodeError."""

    def _checked(self, ids: ArrayLike) -> NDArray[Any]:
        array = np.asarray(ids).reshape(-1)
        if array.size == 0:
            return array.astype(np.int64)
        bad = array[(array < 0) | (array > self.eos_id)] if array.dtype.kind in "iu" else array
        if bad.size:
            expected = f"whole numbers from 0 to {self.eos_id}"
            raise TokenizerError("token ids", expected=expected, got=repr(bad[0].item()))
        return array
