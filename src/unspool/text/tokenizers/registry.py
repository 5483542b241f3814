"""Tokenizers: text to token ids and back, exactly.

Ids follow the Keras ``Tokenizer``: 0 is ``<pad>``; the symbols have 1, 2, ... by descending frequency, ties
in order of first appearance; then ``<unk>`` where a `max_vocab_size` cut symbols off; ``<eos>`` is last. The
special ids have no spelling in the text: a text that says "<eos>" is five ordinary characters.

A new kind of tokenizer is a class with a `kind` and a `split`, and its row in `TOKENIZERS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool.configuration import check
from unspool.errors import ConfigError, TokenizerError
from unspool.text.codepoints import from_codepoints, to_codepoints
from unspool.text.records import check_normalization, normalized
from unspool.text.tokenizers.counting import CharacterCounter, Counter, SymbolCounter
from unspool.text.tokenizers.tokenizer_files import (
    TokenizerFile,
    check_symbols,
    read_tokenizer,
    write_tokenizer,
)
from unspool.text.tokenizers.unknown_symbols import EncodedTexts, LookUp, TextPlace, Unknown, surrogate_error
from unspool.text.tokenizers.word_tokens import complete_length, split_words

PAD_ID = 0
UNK = "<unk>"  # how the id of a cut-off word is shown; no text is ever read as it


class Tokenizer(ABC):
    """Turn text into token ids and back.

    Args:
        symbols: The symbols in the order of their ids, without the special ones.
        unk: Whether there is an ``<unk>`` for what is not among them.
        normalization: Unicode form that texts are brought into, or None.

    Raises:
        TokenizerError: If the symbols cannot be those of a tokenizer of this kind.
    """

    kind: ClassVar[str]

    def __init__(
        self, symbols: Sequence[str], *, unk: bool = False, normalization: str | None = "NFC"
    ) -> None:
        self._known = {
            symbol: i for i, symbol in enumerate(check_symbols(symbols, where="tokenizer"), start=1)
        }
        self._spellings = ("", *self._known, *([UNK] if unk else []), "")
        self.unk_id = len(self._known) + 1 if unk else None
        self.normalization = check_normalization(normalization)

    @staticmethod
    @abstractmethod
    def split(text: str) -> list[str]:
        """Split a text into symbols that put together are the text."""

    @staticmethod
    def complete_length(text: str) -> int:
        """Tell how much of an unfinished text can be split without knowing how it goes on."""
        return len(text)

    @classmethod
    def counter(cls) -> Counter:
        """Make the counter that a new tokenizer of this kind is built from."""
        return SymbolCounter(cls.split)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Give the symbols of ids 1, 2, ...: all but ``<pad>`` and ``<eos>``; any ``<unk>`` is last."""
        return self._spellings[1:-1]

    @property
    def vocab_size(self) -> int:
        """Count the ids, ``<pad>`` and ``<eos>`` included."""
        return len(self._spellings)

    @property
    def eos_id(self) -> int:
        """Give the id of ``<eos>``, the last one."""
        return len(self._spellings) - 1

    @property
    def symbol_lengths(self) -> NDArray[np.int64]:
        """Count the characters of each id: 0 for ``<pad>`` and ``<eos>``, -1 for ``<unk>``.  # (V,)."""
        lengths = np.fromiter(map(len, self._spellings), np.int64, self.vocab_size)
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
            ids, lengths = self._look_up(texts)
        except UnicodeEncodeError:
            raise surrogate_error(texts, place) from None
        found = LookUp(texts, ids, lengths, self._known, self.split)
        return found.resolve(unknown, unk_id=self.unk_id, place=place)

    def decode(self, ids: ArrayLike) -> str:
        """Give the text of token ids; ``<pad>`` and ``<eos>`` are left out, ``<unk>`` is shown as such.

        Decoding is piecewise: ``decode(a) + decode(b)`` is the text of both together.

        Args:
            ids: Token ids from 0 to ``vocab_size - 1``.  # (N,)

        Raises:
            TokenizerError: If an id is out of range.
        """
        return "".join(map(self._spellings.__getitem__, self._checked(ids).tolist()))

    def to_json(self) -> str:
        """Write the tokenizer as JSON text that `tokenizer_from_json` reads."""
        file = TokenizerFile(self.kind, self.normalization, self.unk_id is not None, tuple(self._known))
        return write_tokenizer(file)

    @classmethod
    def from_json(cls, text: str, *, where: str) -> "Tokenizer":
        """Read a tokenizer of this kind from its JSON text.

        Args:
            text: What `to_json` wrote.
            where: What the text was read from, for messages.

        Raises:
            TokenizerError: If anything about the text is wrong; the message says what.
        """
        return cls._from_file(read_tokenizer(text, where=where, kinds=[cls.kind]), where)

    @classmethod
    def _from_file(cls, file: TokenizerFile, where: str) -> "Tokenizer":
        try:
            return cls(file.symbols, unk=file.unk, normalization=file.normalization)
        except TokenizerError as error:
            raise TokenizerError(f"{where}: {error.what}", expected=error.expected, got=error.got) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} vocab_size={self.vocab_size} normalization={self.normalization}>"

    def _identity(self) -> tuple[object, ...]:
        return self.kind, self._spellings, self.unk_id, self.normalization

    def _look_up(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Give the id of each symbol, 0 where it is unknown, and the number of symbols of each text.

        Raises:
            UnicodeEncodeError: If a text has a lone surrogate.
        """
        "".join(texts).encode("utf-8")
        symbols = [self.split(text) for text in texts]
        ids = (self._known.get(symbol, PAD_ID) for symbol in chain.from_iterable(symbols))
        return np.fromiter(ids, np.int32), np.fromiter(map(len, symbols), np.int64, len(texts))

    def _checked(self, ids: ArrayLike) -> NDArray[Any]:
        array = np.asarray(ids).reshape(-1)
        if array.size == 0:
            return array.astype(np.int64)
        bad = array[(array < 0) | (array > self.eos_id)] if array.dtype.kind in "iu" else array
        if bad.size:
            expected = f"whole numbers from 0 to {self.eos_id}"
            raise TokenizerError("token ids", expected=expected, got=repr(bad[0].item()))
        return array


class CharTokenizer(Tokenizer):
    """Read a text character by character; every Unicode code point is a symbol of its own."""

    kind = "char"

    def __init__(
        self, symbols: Sequence[str], *, unk: bool = False, normalization: str | None = "NFC"
    ) -> None:
        super().__init__(symbols, unk=unk, normalization=normalization)
        for symbol in self._known:
            if len(symbol) != 1:
                what = f"symbol {self._known[symbol]} of a char tokenizer"
                raise TokenizerError(what, expected="a single character", got=repr(symbol[:40]))
        codes = to_codepoints("".join(self._known)).astype(np.int64)
        size = max(0x100, int(codes.max()) + 2)  # the last entry stands for all characters above it
        self._ids = np.zeros(size, np.int32)
        self._ids[codes] = np.arange(1, len(codes) + 1)
        self._codes = np.concatenate([[0], codes, [0, 0]])  # by id; those of <unk> and <eos> are never read

    @staticmethod
    def split(text: str) -> list[str]:
        """Split a text into its characters."""
        return list(text)

    @classmethod
    def counter(cls) -> Counter:
        """Make the counter that a new tokenizer of this kind is built from."""
        return CharacterCounter()

    def decode(self, ids: ArrayLike) -> str:
        """Give the text of token ids, as `Tokenizer.decode` does, by one look-up in a table."""
        array = self._checked(ids)
        if self.unk_id is not None and (array == self.unk_id).any():
            return super().decode(array)
        return from_codepoints(self._codes[array[(array != PAD_ID) & (array != self.eos_id)]])

    def _look_up(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        codes = to_codepoints("".join(texts))
        if codes.dtype != np.uint8:
            codes = np.minimum(codes, len(self._ids) - 1)
        return self._ids[codes], np.fromiter(map(len, texts), np.int64, len(texts))


class WordTokenizer(Tokenizer):
    """Read a text word by word; white space and punctuation are symbols too, so that nothing is lost."""

    kind = "word"

    @staticmethod
    def split(text: str) -> list[str]:
        """Split a text into words, punctuation and white space; see `word_tokens`."""
        return split_words(text)

    @staticmethod
    def complete_length(text: str) -> int:
        """Tell how much of an unfinished text can be split without knowing how it goes on."""
        return complete_length(text)


TOKENIZERS: dict[str, type[Tokenizer]] = {"char": CharTokenizer, "word": WordTokenizer}


def tokenizer_from_json(text: str, *, where: str) -> Tokenizer:
    """Read a tokenizer of any kind from its JSON text.

    Args:
        text: What `Tokenizer.to_json` wrote.
        where: What the text was read from, for messages.

    Raises:
        TokenizerError: If anything about the text is wrong; the message says what.
    """
    file = read_tokenizer(text, where=where, kinds=list(TOKENIZERS))
    return TOKENIZERS[file.kind]._from_file(file, where)


def tokenizer_class(kind: str) -> type[Tokenizer]:
    """Look a kind of tokenizer up by name.

    Raises:
        ConfigError: If there is no such kind.
    """
    if kind not in TOKENIZERS:
        raise ConfigError("parameter tokenizer", expected=f"one of {', '.join(TOKENIZERS)}", got=repr(kind))
    return TOKENIZERS[kind]
