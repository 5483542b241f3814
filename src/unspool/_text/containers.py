"""What callers hold texts in: lists, columns of other libraries, open files. Each is a series of items."""

import io
import math
import numbers
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from unspool._errors import CorpusError
from unspool._text.frames import column_names, has_splits, listed, values_of
from unspool._text.reading.decoding import lines_of, text_blocks
from unspool._text.reading.notes import Notes
from unspool._text.reading.places import FilePlace

EXPECTED = "a string, a Record, a pair of strings or a mapping with a string at 'text'"
LONGEST_NAME = 4096  # characters of a path
PLAIN = ("", ".txt", ".text", ".md", ".gz")  # suffixes of files whose lines are texts
FOR_FILES = 'for a file: read_records("names.txt"); for one text: [text]'


def items_of(texts: object, notes: Notes) -> Iterable[object]:
    """Return the items of a container of texts.

    Args:
        texts: A list or any other iterable, a column of a table (such as a series of pandas), or an open
            file, whose lines are read by the rules of `read_records`.
        notes: What is said about the reading of a file.

    Raises:
        CorpusError: If it is one text, a whole table, or nothing that has texts in an order.
    """
    if isinstance(texts, Mapping):
        raise _mapping(texts)
    if is_open_file(texts):
        return _lines_of_file(texts, notes)
    names = column_names(texts)
    if names is not None:
        raise _whole_table(names)
    axes = getattr(texts, "ndim", 1)
    if isinstance(texts, bytes | bytearray):
        hint = "decode it, and cut it into texts: texts.decode().splitlines()"
        raise CorpusError("texts", expected="a list of strings", got=repr(texts), hint=hint)
    if isinstance(texts, str) or not isinstance(texts, Iterable) or axes != 1:
        shown = repr(texts) if axes == 1 else f"an array of {axes} axes"
        raise CorpusError("texts", expected="a list of strings", got=shown, hint=FOR_FILES)
    return values_of(texts)


def is_open_file(texts: object) -> bool:
    """Return whether texts are those of an open file."""
    return callable(getattr(texts, "read", None)) and not isinstance(texts, type)


@dataclass(frozen=True, slots=True)
class TextParts:
    """An item in memory: a text and what is known of it; `Record` has the same fields."""

    text: str
    context: Mapping[str, str] = field(default_factory=dict)
    vector: NDArray[np.float32] | None = None
    source: str | None = None


def parts_of(item: object, place: int) -> TextParts | None:
    """Return the parts of an item of a container, or None if its text is missing.

    Args:
        item: A string, a pair (source, text), a mapping, or a missing value.
        place: The number of the item, for messages.

    Raises:
        CorpusError: If it is none of these.
    """
    if isinstance(item, str):
        return TextParts(str(item))
    if is_missing_value(item) or (isinstance(item, Mapping) and is_missing_value(item.get("text"))):
        return None
    named = isinstance(item, tuple) and hasattr(item, "_fields")
    if (
        isinstance(item, tuple)
        and not named
        and len(item) == 2
        and all(isinstance(part, str) for part in item)
    ):
        return TextParts(item[1], source=item[0])
    text = text_of(item.get("text")) if isinstance(item, Mapping) else None
    if isinstance(item, Mapping) and text is not None:
        rest = {str(key): value for key, value in item.items() if key != "text"}
        vector = None if isinstance(rest.get("vector"), str) else as_vector(rest.pop("vector", None), place)
        return TextParts(text, as_context(rest), vector)
    hint = (
        FOR_FILES
        if isinstance(item, Path)
        else "decode it: item.decode()"
        if isinstance(item, bytes)
        else None
    )
    if named:
        hint = "a row with names: pass its text (row.title), or row._asdict() with the text at 'text'"
    raise CorpusError(f"text {place}", expected=EXPECTED, got=repr(item), hint=hint)


def as_context(values: Mapping[str, object]) -> dict[str, str]:
    """Return attributes as a file would have them: numbers as they are written, missing ones empty."""
    return {str(name): "" if is_missing_value(value) else str(value) for name, value in values.items()}


def no_text_at_all(items: int, first: int, keys: Iterable[str] | None) -> CorpusError:
    """Return the error for a container whose texts are all blank or missing.

    Args:
        items: Number of its items.
        first: The number of the first.
        keys: The keys of the first one without a text, if it is a mapping; else None.
    """
    shown = listed(keys or ())
    hint = f"the keys of text {first} are {shown}: say which is the text, text=NAME" if shown else None
    return CorpusError(f"text {first}", expected=EXPECTED, got=f"{items:,} blank or missing texts", hint=hint)


def refuse_file_names(texts: Iterable[str]) -> None:
    """Refuse texts each of which is the name of a file that exists.

    Args:
        texts: The texts.

    Raises:
        CorpusError: If all are names of files.
    """
    first = None
    for text in texts:
        if "\n" in text or len(text) > LONGEST_NAME or not os.path.isfile(text):  # noqa: PTH113 - most are no paths
            return
        first = first or text
    if first is not None:
        hint = "read what is in them: read_records([...])"
        raise CorpusError(
            "texts", expected="a list of strings", got=f"names of files, {first!r} first", hint=hint
        )


def is_missing_value(item: Any) -> bool:
    """Return whether an item stands for a missing value: None, NaN, or the NA and NaT of pandas."""
    number = isinstance(item, float | np.floating)
    return item is None or (number and math.isnan(item)) or type(item).__name__ in ("NAType", "NaTType")


def text_of(value: object) -> str | None:
    """Return what a value of a named column is as a text: a number, a date or a truth value is one, too.

    Files of Parquet and of JSON are read by the same rule. What comes without a name must be strings, since
    numbers there are rather ids.

    Returns:
        The text; None if it has none, as a list or bytes.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    is_plain = isinstance(value, numbers.Number | date | time | np.number | np.datetime64)
    return str(value) if is_plain else None


def as_vector(values: Any, place: int) -> NDArray[np.float32] | None:
    """Return the numbers of a start vector, or None without one.  # (D,).

    Args:
        values: A list or an array of numbers, or None.
        place: The number of the item, for messages.

    Raises:
        CorpusError: If it is no list of finite numbers.
    """
    if values is None:
        return None
    try:
        vector = np.array(values, np.float32)
    except (TypeError, ValueError):
        vector = np.zeros(0, np.float32)
    if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise CorpusError(
            f"the vector of text {place}", expected="a list of finite numbers", got=repr(values)
        )
    return vector


def _whole_table(names: list[str]) -> CorpusError:
    hint = "pass the column with the texts, table[NAME], or read_records(table, text=NAME, context=[NAME])"
    got = f"a table with the columns {listed(names)}"
    return CorpusError("texts", expected="a list of strings", got=got, hint=hint)


def _mapping(texts: Mapping[object, object]) -> CorpusError:
    got, name = "a mapping of names to values", next(iter(texts), "NAME")
    hint = "for its values: list(texts.values()); for one text with a context: [mapping]"
    if has_splits(texts):
        got, hint = f"tables by the names {listed(texts)}", f"choose one: texts[{name!r}]"
    elif texts and all(isinstance(value, list | tuple) for value in texts.values()):
        got, hint = f"lists by the names {listed(texts)}", f"pass the one with the texts: texts[{name!r}]"
    return CorpusError("texts", expected="a list of strings", got=got, hint=hint)


def _lines_of_file(file: Any, notes: Notes) -> Iterator[str]:
    """Yield the lines of an open file; blank ones as well, which are passed over without a word."""
    given = getattr(file, "name", None)
    name = str(given) if isinstance(given, str | Path) else "an open file"
    try:
        content = file.read()
    except (OSError, ValueError) as error:
        raise CorpusError(f"{name} cannot be read", got=str(error), hint="open it again") from None
    if Path(name).suffix.lower() not in PLAIN:
        notes.say(f"{name} is read as plain text, a text a line: read_records({name!r}) reads its format")
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    place = FilePlace(name, lambda: nullcontext(cast(BinaryIO, io.BytesIO(data))), notes=notes)
    parts: list[str] = []
    for line, ends in lines_of(text_blocks(place)):
        parts.append(line)
        if ends:
            whole = "".join(parts)
            parts.clear()
            if whole and not whole.isspace():
                yield whole
