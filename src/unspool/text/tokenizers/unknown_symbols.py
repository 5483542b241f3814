"""What becomes of symbols that a model does not know: an error that helps, or one of two ways out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unspool.errors import InputError, TokenizerError, UnknownSymbolError
from unspool.text.tokenizers.nearest import nearest_symbols, replacement

NOT_FOUND = 0  # no symbol has this id, which is that of <pad>

Unknown = Literal["error", "drop", "replace"]
TextPlace = Callable[
    [int], tuple[str, int]
]  # index of a text -> its name, and the characters before it there


class EncodedTexts(NamedTuple):
    """Hold the ids of several texts, one after the other.

    Args:
        ids: Token ids without ``<eos>``.  # (N,)
        lengths: How many of them belong to each text.  # (texts,)
        characters: How many characters of each text they stand for.  # (texts,)
        strangers: How many symbols of each text were dropped or replaced.  # (texts,)
    """

    ids: NDArray[Any]
    lengths: NDArray[np.int64]
    characters: NDArray[np.int64]
    strangers: NDArray[np.int64]

    @property
    def unknown(self) -> int:
        """Count the symbols of all texts that were dropped or replaced."""
        return int(self.strangers.sum())


def unknown_rule(unknown: Unknown | None, *, unk_id: int | None) -> Unknown:
    """Choose what becomes of unknown symbols where the user left it open.

    Args:
        unknown: What the user chose; None for what the model was trained with: "replace" where it has an
            ``<unk>``, and "error" where it knows none.
        unk_id: The id of ``<unk>``, if there is one.
    """
    return unknown or ("error" if unk_id is None else "replace")


@dataclass(frozen=True, eq=False)
class LookUp:
    """Hold the ids that were found for the symbols of several texts.

    Args:
        texts: The texts.
        ids: The id of each symbol, `NOT_FOUND` where it is unknown.  # (N,)
        lengths: How many symbols each text has.  # (texts,)
        known: The known symbols with their ids, the most frequent first.
        split: Splits a text into symbols.
    """

    texts: Sequence[str]
    ids: NDArray[Any]
    lengths: NDArray[np.int64]
    known: Mapping[str, int]
    split: Callable[[str], list[str]]

    def resolve(self, unknown: Unknown, *, unk_id: int | None, place: TextPlace) -> EncodedTexts:
        """Deal with the unknown symbols in the way that was asked for.

        Args:
            unknown: "error"; "drop" leaves them out; "replace" takes `unk_id`, or where there is none the
                nearest known symbol.
            unk_id: The id of ``<unk>``, if there is one.
            place: Names a text by its index, for messages.

        Raises:
            UnknownSymbolError: If there is one and `unknown` is "error".
        """
        if (self.ids != NOT_FOUND).all():
            return EncodedTexts(self.ids, self.lengths, self._characters(), np.zeros_like(self.lengths))
        if unknown == "error":
            raise self._error(place)
        return self._dropped() if unknown == "drop" else self._replaced(unk_id)

    def _characters(self) -> NDArray[np.int64]:
        return np.fromiter(map(len, self.texts), np.int64, len(self.texts))

    def _error(self, place: TextPlace) -> UnknownSymbolError:
        first = int(np.argmax(self.ids == NOT_FOUND))
        index = int(np.searchsorted(np.cumsum(self.lengths), first, side="right"))
        symbols = self.split(self.texts[index])
        position = first - int(self.lengths[:index].sum())
        where, before = place(index)
        character = before + sum(map(len, symbols[:position])) + 1
        strangers = list(dict.fromkeys(self._unknown_in(symbols[position:])))
        what = f"unknown symbol {name_of(strangers[0])} at character {character} of {where}"
        if strangers[1:]:
            what += f" (and {len(strangers) - 1} more: {', '.join(map(repr, strangers[1:4]))})"
        near = ", ".join(map(name_of, nearest_symbols(strangers[0], self.known)))
        expected = f"one of the {len(self.known):,} that the model knows"
        hint = "change it, or have such symbols dropped or replaced: unknown='drop' or 'replace' (--unknown)"
        return UnknownSymbolError(
            what, expected=f"{expected}, nearest {near}" if near else expected, hint=hint
        )

    def _dropped(self) -> EncodedTexts:
        kept = self.ids != NOT_FOUND
        ends = np.cumsum(self.lengths)
        kept_before = np.concatenate([[0], np.cumsum(kept)])
        remaining = kept_before[ends] - kept_before[ends - self.lengths]
        characters = self._characters()
        for index in np.flatnonzero(remaining != self.lengths).tolist():
            characters[index] -= len("".join(self._unknown_in(self.split(self.texts[index]))))
        return EncodedTexts(self.ids[kept], remaining, characters, self.lengths - remaining)

    def _replaced(self, unk_id: int | None) -> EncodedTexts:
        unknown = np.flatnonzero(self.ids == NOT_FOUND)
        ids = self.ids.copy()
        ids[unknown] = self._stand_ins(unknown) if unk_id is None else unk_id
        owners = np.searchsorted(np.cumsum(self.lengths), unknown, side="right")
        strangers = np.bincount(owners, minlength=len(self.texts)).astype(np.int64)
        return EncodedTexts(ids, self.lengths, self._characters(), strangers)

    def _stand_ins(self, unknown: NDArray[np.intp]) -> list[int]:
        """Choose the nearest known symbol for each unknown one, looking for it once."""
        affected = np.unique(np.searchsorted(np.cumsum(self.lengths), unknown, side="right"))
        symbols = chain.from_iterable(self.split(self.texts[index]) for index in affected.tolist())
        strangers = self._unknown_in(symbols)
        chosen = {symbol: self.known[replacement(symbol, self.known)] for symbol in dict.fromkeys(strangers)}
        return [chosen[symbol] for symbol in strangers]

    def _unknown_in(self, symbols: Iterable[str]) -> list[str]:
        return [symbol for symbol in symbols if symbol not in self.known]


def surrogate_error(
    texts: Sequence[str], place: TextPlace, kind: type[InputError] = TokenizerError
) -> InputError:
    """Build the error about the first lone surrogate of texts that have one.

    Args:
        texts: The texts; one of them at least has a lone surrogate.
        place: Names a text by its index.
        kind: Class of the error.
    """
    for index, text in enumerate(texts):
        for position, character in enumerate(text):
            if "\ud800" <= character <= "\udfff":
                where, before = place(index)
                return _lone_surrogate(kind, character, f"character {before + position + 1} of {where}")
    raise RuntimeError("no text has a lone surrogate")


def _lone_surrogate(kind: type[InputError], symbol: str, place: str) -> InputError:
    """Build the error about half of a UTF-16 pair, which is no character and fits in no file.

    Args:
        kind: Class of the error.
        symbol: The surrogate.
        place: Where it is: "character 3 of the text".
    """
    hint = "clean the text before it comes here"
    if "\udc80" <= symbol <= "\udcff":
        hint = f"it stands for the byte 0x{ord(symbol) - 0xDC00:02X} that was not UTF-8; fix the encoding"
    return kind(place, expected="a Unicode character", got=f"the lone surrogate {name_of(symbol)}", hint=hint)


def name_of(symbol: str) -> str:
    """Show a symbol for a message: quoted, and with its code point if it is one character."""
    if len(symbol) != 1:
        return repr(symbol)
    code = f"U+{ord(symbol):04X}"
    return code if "\ud800" <= symbol <= "\udfff" else f"{symbol!r} ({code})"
