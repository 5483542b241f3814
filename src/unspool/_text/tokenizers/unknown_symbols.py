"""The treatment of symbols that a model does not know: a helpful error, or one of two replacements."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from unspool._errors import InputError, TokenizerError, UnknownSymbolError
from unspool._text.tokenizers.nearest import nearest_symbols, replacement
from unspool._text.tokenizers.spelling_model import SpellingModel
from unspool._text.tokenizers.unknown import Unknown

T = TypeVar("T")

NOT_FOUND = 0  # the id of <pad>; no symbol has it

TextPlace = Callable[
    [int], tuple[str, int]
]  # index of a text -> its name, and the number of characters before it


class EncodedTexts(NamedTuple):
    """The ids of several texts, one after the other.

    Args:
        ids: Token ids without ``<eos>``.  # (N,)
        lengths: The number of ids of each text.  # (texts,)
        characters: The number of characters of each text that its ids stand for.  # (texts,)
        strangers: The number of symbols of each text that were dropped or replaced.  # (texts,)
        spelling: Nats to spell what each ``<unk>`` stands for, in their order; None if no model spells
            it.  # (<unk>s,)
    """

    ids: NDArray[Any]
    lengths: NDArray[np.int64]
    characters: NDArray[np.int64]
    strangers: NDArray[np.int64]
    spelling: NDArray[np.float32] | None = None

    @property
    def unknown(self) -> int:
        """Return the number of symbols of all texts that were dropped or replaced."""
        return int(self.strangers.sum())


def unknown_rule(unknown: Unknown | None, *, unk_id: int | None) -> Unknown:
    """Return the treatment of unknown symbols, if the user left it open.

    Args:
        unknown: The user's choice. None follows the tokenizer: "replace" if it has an ``<unk>``, else
            "error".
        unk_id: The id of ``<unk>``, or None.
    """
    return unknown or ("error" if unk_id is None else "replace")


@dataclass(frozen=True, eq=False)
class LookUp:
    """The ids that were found for the symbols of several texts.

    Args:
        texts: The texts.
        ids: The id of each symbol; `NOT_FOUND` if it is unknown.  # (N,)
        lengths: The number of symbols in each text.  # (texts,)
        known: The known symbols with their ids, the most frequent first.
        split: A function that splits a text into symbols.
    """

    texts: Sequence[str]
    ids: NDArray[Any]
    lengths: NDArray[np.int64]
    known: Mapping[str, int]
    split: Callable[[str], list[str]]

    def resolve(
        self, unknown: Unknown, *, unk_id: int | None, spelling_model: SpellingModel | None, place: TextPlace
    ) -> EncodedTexts:
        """Return the encoded texts, with unknown symbols treated as asked for.

        Args:
            unknown: "error"; "drop" leaves them out; "replace" uses `unk_id` or, without one, the nearest
                known symbol.
            unk_id: The id of ``<unk>``, or None.
            spelling_model: The model of what ``<unk>`` stands for, or None.
            place: A function of a text's index that returns its name, for messages.

        Raises:
            UnknownSymbolError: If a symbol is unknown and `unknown` is "error".
        """
        if (self.ids != NOT_FOUND).all():
            return EncodedTexts(self.ids, self.lengths, self._characters(), np.zeros_like(self.lengths))
        if unknown == "error":
            raise self._error(place)
        return self._dropped() if unknown == "drop" else self._replaced(unk_id, spelling_model)

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
        hint = (
            "change it, or drop or replace such symbols: --unknown drop or replace (in Python unknown='drop')"
        )
        return UnknownSymbolError(
            what, expected=f"{expected}, nearest {near}" if near else expected, hint=hint
        )

    def _dropped(self) -> EncodedTexts:
        known = self.ids != NOT_FOUND
        ends = np.cumsum(self.lengths)
        known_before = np.concatenate([[0], np.cumsum(known)])
        remaining = known_before[ends] - known_before[ends - self.lengths]
        characters = self._characters()
        for index in np.flatnonzero(remaining != self.lengths).tolist():
            characters[index] -= len("".join(self._unknown_in(self.split(self.texts[index]))))
        return EncodedTexts(self.ids[known], remaining, characters, self.lengths - remaining)

    def _replaced(self, unk_id: int | None, spelling_model: SpellingModel | None) -> EncodedTexts:
        unknown = np.flatnonzero(self.ids == NOT_FOUND)
        owners = np.searchsorted(np.cumsum(self.lengths), unknown, side="right")
        ids, spelling = self.ids.copy(), None
        if unk_id is None:
            ids[unknown] = self._of_each(owners, lambda symbol: self.known[replacement(symbol, self.known)])
        else:
            ids[unknown] = unk_id
        if unk_id is not None and spelling_model is not None:
            spelling = np.array(self._of_each(owners, spelling_model.nats), np.float32)
        strangers = np.bincount(owners, minlength=len(self.texts)).astype(np.int64)
        return EncodedTexts(ids, self.lengths, self._characters(), strangers, spelling)

    def _of_each(self, owners: NDArray[np.intp], function: Callable[[str], T]) -> list[T]:
        """Return a function of each unknown symbol; it is computed once for each different one.

        Args:
            owners: The index of the text of each unknown symbol.
            function: The function.
        """
        symbols = chain.from_iterable(self.split(self.texts[index]) for index in np.unique(owners).tolist())
        strangers = self._unknown_in(symbols)
        values = {symbol: function(symbol) for symbol in dict.fromkeys(strangers)}
        return [values[symbol] for symbol in strangers]

    def _unknown_in(self, symbols: Iterable[str]) -> list[str]:
        return [symbol for symbol in symbols if symbol not in self.known]


def surrogate_error(
    texts: Sequence[str], place: TextPlace, kind: type[InputError] = TokenizerError
) -> InputError:
    """Return the error for the first lone surrogate in the texts.

    Args:
        texts: The texts; at least one of them has a lone surrogate.
        place: A function of a text's index that returns its name.
        kind: The class of the error.
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
