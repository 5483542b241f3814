"""Tokenizers: text to token ids and back, exactly.

Ids follow the Keras ``Tokenizer``: 0 is ``<pad>``; the symbols have 1, 2, ... by descending frequency, ties
in order of first appearance; then ``<unk>`` where a `max_vocab_size` cut symbols off; ``<eos>`` is last. The
special ids have no spelling in the text: a text that says "<eos>" is five ordinary characters.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool.configuration import check
from unspool.errors import TokenizerError
from unspool.text.records import check_normalization, normalized
from unspool.text.tokenizers.tokenizer_files import TokenizerFile, read_tokenizer, write_tokenizer
from unspool.text.tokenizers.unknown_symbols import EncodedTexts, TextPlace, Unknown, surrogate_error

PAD_ID = 0
UNK = "<unk>"  # how the id of a cut-off word is shown; no text is ever read as it


class Tokenizer(ABC):
    """Turn text into token ids and back.

    Args:
        spellings: What each id spells, from 1 to the one before ``<eos>``.
        normalization: Unicode form that texts are brought into, or None.
        unk: Whether an ``<unk>`` stands between these and ``<eos>``.

    Attributes:
        kind: Its name in `TOKENIZERS`.
        description: How it reads, for people.
        spellings: What each id spells in `letters`; ``<pad>`` and ``<eos>`` are empty.  # (V,)
        learnt_keys: The keys of its JSON form that hold what it has learnt, beside the normalization.
        whole_characters: Whether every symbol is one or more whole characters.
    """

    kind: ClassVar[str]
    description: ClassVar[str]
    learnt_keys: ClassVar[tuple[str, ...]] = ()
    whole_characters: ClassVar[bool] = True

    def __init__(self, spellings: Iterable[str], *, normalization: str | None, unk: bool = False) -> None:
        self.spellings = ("", *spellings, *([UNK] if unk else []), "")
        self.unk_id = len(self.spellings) - 2 if unk else None
        self.normalization = check_normalization(normalization)

    @classmethod
    @abstractmethod
    def fit(
        cls, texts: Iterable[str], *, max_vocab_size: int | None = None, normalization: str | None = "NFC"
    ) -> Self:
        """Make a tokenizer that knows the symbols of texts.

        Args:
            texts: The texts, which are normalized on the way.
            max_vocab_size: Bound on the number of ids, special ones included, 4 or more; None for no bound.
            normalization: Unicode form that texts are brought into, or None.

        Raises:
            ConfigError: If an option is out of its range.
            TokenizerError: If no tokenizer can be made of the texts.
        """

    @staticmethod
    @abstractmethod
    def split(text: str) -> list[str]:
        """Split a text into pieces that put together are the text, and that are encoded one by one."""

    @abstractmethod
    def piece_ids(self, piece: str) -> list[int]:
        """Give the ids of a piece that `split` gave; none if it is unknown."""

    @staticmethod
    def letters(text: str) -> str:
        """Write a text in the letters of `spellings`: its characters, where symbols are whole ones."""
        return text

    @staticmethod
    def complete_length(text: str) -> int:
        """Tell how much of an unfinished text can be split without knowing how it goes on."""
        return len(text)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Name the symbols of ids 1, 2, ...: all but ``<pad>`` and ``<eos>``; any ``<unk>`` is last."""
        return self.spellings[1:-1]

    @property
    def vocab_size(self) -> int:
        """Count the ids, ``<pad>`` and ``<eos>`` included."""
        return len(self.spellings)

    @property
    def eos_id(self) -> int:
        """Give the id of ``<eos>``, the last one."""
        return len(self.spellings) - 1

    @property
    def decoded_lengths(self) -> NDArray[np.int64]:
        """Count the characters that each id adds to a decoded text.  # (V,)."""
        return np.fromiter(map(len, self.spellings), np.int64, self.vocab_size)

    @property
    def symbol_lengths(self) -> NDArray[np.int64]:
        """Count the characters of each id: 0 for ``<pad>`` and ``<eos>``, -1 for ``<unk>``.  # (V,)."""
        lengths = self.decoded_lengths
        if self.unk_id is not None:
            lengths[self.unk_id] = -1
        return lengths

    def normalize(self, text: str) -> str:
        """Bring a text into the Unicode form that the tokenizer was made with."""
        return normalized(text, self.normalization)

    def encode(self, text: str, *, unknown: Unknown = "error") -> NDArray[np.int32]:
        """Give the token ids of a text, normalized first, without ``<eos>``.

        Args:
            text: Any text.
            unknown: What becomes of a symbol that is not known: "error"; "drop" leaves it out; "replace"
                takes ``<unk>`` where there is one, else the nearest known symbol.

        Returns:
            The ids; ``decode`` gives the normalized text back if nothing was unknown.  # (N,)

        Raises:
            UnknownSymbolError: If a symbol is not known and `unknown` is "error".
            TokenizerError: If the text has a lone surrogate.
        """
        return self.encode_texts([self.normalize(text)], unknown=unknown).ids.astype(np.int32)

    def encode_texts(
        self,
        texts: Sequence[str],
        *,
        unknown: Unknown = "error",
        place: TextPlace = lambda _: ("the text", 0),
    ) -> EncodedTexts:
        """Give the token ids of many texts at once, which is what makes short ones cheap.

        Args:
            texts: Texts that are normalized already.
            unknown: As in `encode`.
            place: Names a text by its index, for messages, and tells how many characters came before it.

        Returns:
            The ids of all texts.

        Raises:
            UnknownSymbolError: If a symbol is not known and `unknown` is "error".
            TokenizerError: If a text has a lone surrogate.
        """
        check("unknown", unknown, "error, drop or replace", unknown in ("error", "drop", "replace"))
        try:
            return self._encoded(texts, unknown, place)
        except UnicodeEncodeError:
            raise surrogate_error(texts, place) from None

    @abstractmethod
    def decode(self, ids: ArrayLike) -> str:
        """Give the text of token ids; ``<pad>`` and ``<eos>`` are left out, ``<unk>`` is shown as such.

        Decoding is piecewise, where `decodable` says so: ``decode(a) + decode(b)`` is the text of both.

        Args:
            ids: Token ids from 0 to ``vocab_size - 1``.  # (N,)

        Raises:
            TokenizerError: If an id is out of range.
        """

    def decodable(self, ids: ArrayLike) -> int:
        """Count the ids that can be decoded without knowing those that follow."""
        return np.size(ids)

    def to_json(self) -> str:
        """Write the tokenizer as JSON text that `tokenizer_from_json` reads."""
        return write_tokenizer(TokenizerFile(self.kind, self.normalization, self._learnt()))

    def _learnt(self) -> dict[str, Any]:
        """Give what stands under each of `learnt_keys`, in JSON types."""
        return {}

    @classmethod
    def from_json(cls, text: str, *, where: str) -> Self:
        """Read a tokenizer of this kind from its JSON text.

        Args:
            text: What `to_json` wrote.
            where: What the text was read from, for messages.

        Raises:
            TokenizerError: If anything about the text is wrong; the message says what.
        """
        return cls._from_file(read_tokenizer(text, where=where, keys={cls.kind: cls.learnt_keys}), where)

    @classmethod
    @abstractmethod
    def _from_file(cls, file: TokenizerFile, where: str) -> Self:
        """Make the tokenizer of a file, whose learnt values are still to be checked."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} vocab_size={self.vocab_size} normalization={self.normalization}>"

    def _identity(self) -> tuple[object, ...]:
        return self.kind, self.spellings, self.unk_id, self.normalization

    @abstractmethod
    def _encoded(self, texts: Sequence[str], unknown: Unknown, place: TextPlace) -> EncodedTexts:
        """Do what `encode_texts` says; UnicodeEncodeError tells of a lone surrogate."""

    def _checked(self, ids: ArrayLike) -> NDArray[Any]:
        array = np.asarray(ids).reshape(-1)
        if array.size == 0:
            return array.astype(np.int64)
        bad = array[(array < 0) | (array > self.eos_id)] if array.dtype.kind in "iu" else array
        if bad.size:
            expected = f"whole numbers from 0 to {self.eos_id}"
            raise TokenizerError("token ids", expected=expected, got=repr(bad[0].item()))
        return array
