"""The symbols of a network that was made elsewhere: a tokenizer of unspool, or a spelling for each id."""

import json
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unspool._errors import TokenizerError
from unspool._importing.tensors import read_bytes
from unspool._json_files import parse_json
from unspool._storage import path_of
from unspool._text.tokenizers.registry import Tokenizer, tokenizer_from_json
from unspool._text.tokenizers.tokenizer_files import MOST_SYMBOLS

Spellings = tuple[str | None, ...]  # by id; None for an id that stands for no text
Given = str | os.PathLike[str] | Tokenizer | Sequence[str | None] | Mapping[str, int]
MOST_BYTES = 1 << 25
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
FORMS = (
    "a tokenizer.json of unspool; a JSON list of symbols by id, or symbol -> id; a tokenizer of Keras "
    "as JSON; or a text file with a symbol on each line"
)


def symbols_of(given: Given, size: int) -> Tokenizer | Spellings:
    r"""Return the tokenizer of a network, or the spelling of each of its ids.

    Args:
        given: A tokenizer; a list of symbols in the order of their ids, from 0; symbol -> id; or the path of
            a file with one of these. A line ``\n`` of a text file is a line end, ``\\`` a backslash.
        size: The number of ids that the network has.

    Raises:
        TokenizerError: If it is none of that, or does not fit the network.
    """
    where = "tokenizer"
    if isinstance(given, str | os.PathLike):
        where, given = os.fspath(given), _read(path_of(where, given))
    if isinstance(given, Tokenizer):
        if given.vocab_size != size:
            raise _misfit(where, size, f"{given.vocab_size:,} with <pad> and <eos>")
        return given
    if isinstance(given, Mapping):
        return _by_id(given, size, where)
    if not isinstance(given, Sequence) or isinstance(given, bytes):
        raise TokenizerError(where, expected=FORMS, got=reprlib.repr(given))
    if len(given) != size:
        raise _misfit(where, size, f"{len(given):,}")
    return _checked(given, where)


def _read(path: Path) -> Tokenizer | Sequence[str | None] | Mapping[str, int]:
    """Return what a file says; its first character tells which form it has."""
    raw = read_bytes(path)
    if len(raw) > MOST_BYTES:
        raise TokenizerError(str(path), expected=f"at most {MOST_BYTES:,} bytes", got=f"{len(raw):,}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TokenizerError(str(path), expected=FORMS, got="bytes that are not UTF-8") from None
    if text[:1] == "[" and text.rstrip()[-1:] == "]" and len(text) > 3:
        wrapped = parse_json('{"symbols": ' + text + "}", where=str(path), error=TokenizerError)
        symbols: list[str | None] = wrapped["symbols"]
        return symbols
    if text[:1] == "{" and text.rstrip()[-1:] == "}" and len(text) > 3:
        return _object(text, str(path))
    lines = text.removesuffix("\n").split("\n")
    return [re.sub(r"\\([ntr\\])", lambda match: ESCAPES[match[1]], line) or None for line in lines]


def _object(text: str, where: str) -> Tokenizer | Mapping[str, int]:
    values = parse_json(text, where=where, error=TokenizerError)
    if "format_version" in values and "kind" in values:
        return tokenizer_from_json(text, where=where)
    config = values.get("config", values)
    index = config.get("word_index") if isinstance(config, dict) else None
    if isinstance(index, str):  # Keras writes it as JSON within JSON
        index = parse_json(index, where=f"{where}: word_index", error=TokenizerError)
    mapping: Mapping[str, int] = index if isinstance(index, dict) else values
    return mapping


def _by_id(index: Mapping[Any, Any], size: int, where: str) -> Spellings:
    """Return the spelling of each id; ids that are not named stand for no text."""
    spellings: list[str | None] = [None] * size
    for symbol, number in index.items():
        if type(number) is not int or not 0 <= number < size or spellings[number] is not None:
            expected = f"a number of its own from 0 to {size - 1:,}, as many as the network has ids"
            raise TokenizerError(f"{where}: {symbol!r}", expected=expected, got=reprlib.repr(number))
        spellings[number] = symbol
    return _checked(spellings, where)


def _checked(spellings: Sequence[object], where: str) -> Spellings:
    """Check that each spelling is a text of its own, or none."""
    if len(spellings) > MOST_SYMBOLS:
        raise TokenizerError(where, expected=f"at most {MOST_SYMBOLS:,} symbols", got=f"{len(spellings):,}")
    seen: dict[str, int] = {}
    for number, spelling in enumerate(spellings):
        if spelling is None or spelling == "":
            continue
        if not isinstance(spelling, str):
            got = reprlib.repr(spelling)
            raise TokenizerError(f"{where}: symbol {number}", expected="a text or null", got=got)
        if spelling in seen:
            got = f"the same as symbol {seen[spelling]}"
            raise TokenizerError(
                f"{where}: symbol {number}, {json.dumps(spelling)}", expected="another", got=got
            )
        seen[spelling] = number
    return tuple(spelling if isinstance(spelling, str) and spelling else None for spelling in spellings)


def _misfit(where: str, size: int, got: str) -> TokenizerError:
    expected = f"{size:,} symbols, as many as the network's output layer has units"
    return TokenizerError(
        where, expected=expected, got=got, hint=f"give them in the order of their ids, as {FORMS}"
    )
