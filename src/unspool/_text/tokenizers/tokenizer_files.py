"""The JSON form of a tokenizer, and all checks on reading it.

::

    {"format_version": 1, "kind": "char", "normalization": "NFC", "unk": false, "symbols": ["e", " ", ...]}

The first three keys are common to all tokenizers. The others hold what a tokenizer of this kind has learned,
and the tokenizer checks them. `symbols` are in the order of their ids, from 1; ``<pad>`` (0), ``<unk>`` (if
`unk`) and ``<eos>`` (the last two ids) are not among them, so a symbol may be spelled ``<eos>``. With `unk`,
the key `spelling_model` has the counts of a `SpellingModel`; the file's version is 2 then. Files of version 1
have no such key.
"""

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unspool._errors import TokenizerError
from unspool._json_files import json_text, parse_json
from unspool._text.records import NORMALIZATIONS

FORMAT_VERSION = 2  # of a file with an optional key; without one, it is the first version
MOST_SYMBOLS = 1 << 20
MOST_CHARACTERS = 1 << 26  # in the JSON text
KEYS = ("format_version", "kind", "normalization")  # of every tokenizer


Keys = tuple[str, ...]


@dataclass(frozen=True)
class TokenizerFile:
    """The checked content of a tokenizer file.

    Args:
        kind: A name in `TOKENIZERS`, or one with a regular expression.
        normalization: Unicode form of the texts, or None.
        learnt: The values of the other keys, in JSON types.
        version: The version of the format.
    """

    kind: str
    normalization: str | None
    learnt: dict[str, Any]
    version: int = 1


def write_tokenizer(file: TokenizerFile) -> str:
    """Return a tokenizer as JSON text, with a line for each key and each item of a list."""
    values = {"format_version": file.version, "kind": file.kind, "normalization": file.normalization}
    return json_text(values | file.learnt, indent=2) + "\n"


def read_tokenizer(text: str, *, where: str, keys: Mapping[str, tuple[Keys, Keys]]) -> TokenizerFile:
    """Read and check the JSON text of a tokenizer.

    Args:
        text: The text of a tokenizer file.
        where: The place that the text was read from, for messages.
        keys: By kind of tokenizer, the keys of the learned values, and those that may be missing. A name that
            ends in a colon stands for all kinds that begin with it.

    Returns:
        The content; its learned values are not checked yet. Writing it again gives an equal file.

    Raises:
        TokenizerError: If anything is wrong; the message names it.
    """
    values = _parse(text, where)  # Any, until each is checked
    _check_there(values, KEYS, where)
    version, kind = values["format_version"], values["kind"]
    ok = type(version) is int and 1 <= version <= FORMAT_VERSION
    expected = f"1 or {FORMAT_VERSION}"
    expect(ok, where, "format_version", expected, version, hint="a newer unspool may read it")
    row = _row_of(kind, keys)
    expect(row is not None, where, "kind", f"one of {', '.join(keys)}", kind)
    learnt, optional = keys[row or ""][0], keys[row or ""][1] if version > 1 else ()
    _check_there(values, (*KEYS, *learnt), where)
    for key in values:
        if key not in (*KEYS, *learnt, *optional):
            expected = ", ".join((*KEYS, *learnt, *optional))
            raise TokenizerError(f"{where}: unknown key {reprlib.repr(key)}", expected=expected)
    form = values["normalization"]
    known = form is None or (isinstance(form, str) and form in NORMALIZATIONS)
    expect(known, where, "normalization", "null, NFC, NFD, NFKC or NFKD", form)
    return TokenizerFile(kind, form, {key: values[key] for key in values if key not in KEYS}, version)


def _row_of(kind: object, keys: Iterable[str]) -> str | None:
    """Return the name in a table under which a kind of tokenizer is found; None if it is not there."""
    if not isinstance(kind, str):
        return None
    return next((name for name in keys if kind == name or (name[-1] == ":" and kind.startswith(name))), None)


def check_symbols(symbols: Sequence[object], *, where: str) -> tuple[str, ...]:
    """Check the symbols of a tokenizer.

    Args:
        symbols: The symbols, which should be different strings, none of them empty.
        where: The place that they were read from, for messages.

    Returns:
        The symbols.

    Raises:
        TokenizerError: If a symbol is wrong, or there are none or too many.
    """
    if not 1 <= len(symbols) <= MOST_SYMBOLS:
        raise TokenizerError(f"{where}: symbols", expected=f"1 to {MOST_SYMBOLS:,}", got=f"{len(symbols):,}")
    ids: dict[str, int] = {}
    for position, symbol in enumerate(symbols):
        if not isinstance(symbol, str) or symbol == "" or not _encodable(symbol):
            expected = "a string of one Unicode character or more"
            raise TokenizerError(
                f"{where}: symbol {position + 1}", expected=expected, got=reprlib.repr(symbol)
            )
        if symbol in ids:
            what = f"{where}: symbol {position + 1}, {symbol!r}, is there twice"
            raise TokenizerError(what, expected="different symbols", got=f"the same as symbol {ids[symbol]}")
        ids[symbol] = position + 1
    return tuple(ids)


def _encodable(symbol: str) -> bool:
    try:
        symbol.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _parse(text: str, where: str) -> dict[str, Any]:
    if len(text) > MOST_CHARACTERS:
        limit = f"at most {MOST_CHARACTERS:,} characters"
        raise TokenizerError(f"{where} is too large", expected=limit, got=f"{len(text):,}")
    return parse_json(text, where=where, error=TokenizerError)


def expect(ok: bool, where: str, key: str, expected: str, got: object, *, hint: str | None = None) -> None:
    """Refuse a wrong value of a tokenizer file.

    Args:
        ok: Whether the value is right.
        where: The name of the file, for messages.
        key: The key of the value.
        expected: A description of the right value.
        got: The value.
        hint: Advice on what to do next.

    Raises:
        TokenizerError: If `ok` is false.
    """
    if not ok:
        raise TokenizerError(f"{where}: {key}", expected=expected, got=reprlib.repr(got), hint=hint)


def _check_there(values: dict[str, Any], keys: Sequence[str], where: str) -> None:
    for key in keys:
        if key not in values:
            raise TokenizerError(f"{where}: key {key!r} is missing", expected=", ".join(keys))
