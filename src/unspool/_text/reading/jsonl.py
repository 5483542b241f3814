"""JSON: one value a line, or one array, read one value at a time."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from unspool._errors import CorpusError
from unspool._text.reading.columns import NO_TEXT, Rows, is_length, no_such_name, select
from unspool._text.reading.damage import DamageSigns
from unspool._text.reading.decoding import text_blocks
from unspool._text.reading.notes import Notes
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import Column, Columns, ReadOptions
from unspool._text.reading.tables import LONGEST_FIELD, whole_lines
from unspool._text.records import Record, normalized

SURROGATE = re.compile(r"[\ud800-\udfff]")
SPACES = re.compile(r"[ \t\n\r]*")  # between the values of JSON
ARRAY_HINT = "a file that is one array of values is read with --format json, in Python format='json'"


def read_jsonl(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read one JSON value a line, each a record; see `JsonRows`. Blank lines are skipped.

    Raises:
        CorpusError: If a line is not JSON, or no line has a chosen column. It names the file and the line.
    """
    return _json_lines(place, options, whole_lines(_unjudged(place)))


def read_json(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read one JSON array, whose values are records, or one value a line; see `JsonRows`.

    Only one value is in memory at a time.

    Raises:
        CorpusError: If a value is not JSON, or no value has a chosen column. It names the file and the place.
    """
    blocks, is_array = _begun(text_blocks(_unjudged(place)))
    if not is_array:
        yield from _json_lines(place, options, whole_lines(place, blocks))
        return
    rows = JsonRows(place, options)
    for number, value in enumerate(_array_values(place, blocks), start=1):
        if record := rows.record(value, f"{place.name}, value {number}"):
            yield record
    rows.end()


def json_columns(place: FilePlace, options: ReadOptions, *, by_line: bool) -> Columns:
    """Return the columns of the first value of a file: the keys of an object, also those inside its keys.

    A list has numbers, a string no columns.

    Args:
        place: The file.
        options: The options of reading.
        by_line: Whether there is one value a line, and never one array of them.

    Raises:
        CorpusError: If the first value is not JSON.
    """
    blocks, is_array = _begun(text_blocks(_unjudged(place)))
    if is_array and not by_line:
        values = _array_values(place, blocks)
    else:
        lines = whole_lines(place, blocks)
        values = (_parse(line, f"{place.name}, the first value") for line in lines if not line.isspace())
    value = next(values, None)
    if isinstance(value, dict):
        return tuple(name for name in _names(value) if not isinstance(_find(value, name), dict))
    return tuple(range(len(value))) if isinstance(value, list) else ()


def _begun(blocks: Iterator[str]) -> tuple[Iterator[str], bool]:
    """Return the text from its first character on that is no space, and whether it begins an array."""
    start = ""
    for block in blocks:
        start += block
        if not start.isspace():
            break
    return chain([start], blocks), start.lstrip().startswith("[")


def write_jsonl(rows: Rows) -> bytes:
    """Return rows as JSONL, an object a line."""
    return "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()


def write_json(rows: Rows) -> bytes:
    """Return rows as one JSON array of objects."""
    return json.dumps([dict(row) for row in rows], indent=1).encode()


class JsonRows:
    """The reader of JSON values, each a record.

    A value is an object, whose columns are chosen by name, or a list, whose columns are chosen by number, or
    a string, which is the text itself. ``data.text`` names a key inside another one, if no key has this name.
    Numbers and truth values become text as JSON writes them, null and NaN, which Python writes for a missing
    number, become an empty field, and a list of strings is joined by the separator. Values without a text
    are passed over and counted.

    Args:
        place: The file.
        options: The options of reading.
    """

    def __init__(self, place: FilePlace, options: ReadOptions) -> None:
        self._place, self._options = place, options
        self._text = options.text or ("text",)
        self._first: tuple[list[str], str] | None = None  # names and place of the first object
        self._present: set[Column] = set()
        self._signs = DamageSigns()

    def record(self, value: object, where: str) -> Record | None:
        """Return the record of a value, or None if it has no text.

        Args:
            value: The value.
            where: Its place, for messages.

        Raises:
            CorpusError: If the value has no columns, or a chosen one is no text.
        """
        record: Record | None = None
        if isinstance(value, dict):
            record = self._of_object(value, where)
        elif isinstance(value, list | str):
            fields = [value] if isinstance(value, str) else value
            selection = select(None, len(fields), self._options, where=where)
            chosen = {*selection.text, *selection.source, *(number for _, number in selection.context)}
            row = [self._plain(field, where) if i in chosen else "" for i, field in enumerate(fields)]
            record = selection.record(row, self._options)
        elif not _is_missing(value):
            raise CorpusError(where, expected="an object with columns", got=json.dumps(value))
        if record is None:
            self._place.notes.count(*NO_TEXT, where)
        else:
            self._signs.add(record.text)  # it may have been written in ASCII, with escapes
        return record

    def end(self) -> None:
        """Refuse a column that no object has, and note what looks damaged.

        Raises:
            CorpusError: For the first such column, with the names of the first object.
        """
        self._place.notes.warn_of(self._signs.sentences(self._place.name))
        if self._first is None:
            return
        names, where = self._first
        for column in (*self._text, *self._options.source_text, *self._options.context):
            if column not in self._present and not is_length(column, names):
                # an object has no order, so a number cannot choose
                raise no_such_name(names, column, where, advice="choose columns of an object by name")

    def _of_object(self, value: dict[str, object], where: str) -> Record | None:
        self._first = self._first or (_names(value), where)
        options = self._options
        texts = [self._field(value, column, where) for column in self._text]
        if not any(map(str.strip, texts)):
            return None
        context = {}
        for column in options.context:
            if is_length(column, list(value)):
                continue
            context[str(column)] = self._field(value, column, where)
            if _find(value, column) is MISSING:
                missing = f"no {str(column)[:40]!r}, which is empty there"
                self._place.notes.count(f"row has {missing}", f"rows have {missing}", where)
        sources = [self._field(value, column, where) for column in options.source_text]
        source = normalized(options.separator.join(sources), options.normalization) if sources else None
        return Record(
            normalized(options.separator.join(texts), options.normalization), context, source=source
        )

    def _field(self, value: dict[str, object], column: Column, where: str) -> str:
        found = _find(value, column)
        if found is MISSING:
            return ""
        self._present.add(column)
        return self._plain(found, where)

    def _plain(self, value: object, where: str) -> str:
        if _is_missing(value):
            return ""
        if isinstance(value, str):
            if not value.isascii() and SURROGATE.search(value):
                raise CorpusError(f"{where}: half of a surrogate pair", expected="Unicode text")
            return value
        if isinstance(value, list) and value and all(isinstance(part, str) for part in value):
            separator = self._options.separator
            self._place.notes.say(
                f"{self._place.name}: lists of strings are joined by {separator!r} (--separator)"
            )
            return separator.join(self._plain(part, where) for part in value)
        if isinstance(value, dict | list) and value != []:
            hint = "name a key inside it, such as data.text" if isinstance(value, dict) else None
            raise CorpusError(where, expected="a text", got=json.dumps(value), hint=hint)
        return "" if value == [] else json.dumps(value)


MISSING = object()


def _is_missing(value: object) -> bool:
    """Return whether a value stands for a missing one: null, or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def _find(value: object, column: Column) -> object:
    """Return what an object has at a key, or at a key inside another one; or `MISSING`."""
    if not isinstance(value, dict):
        return MISSING
    if column in value:
        return value[column]
    outer, dot, inner = str(column).partition(".")
    return _find(value[outer], inner) if dot and outer in value else MISSING


def _names(value: dict[str, object]) -> list[str]:
    """Return the keys of an object, also those inside its keys."""
    names = list(value)
    for key, inside in value.items():
        if isinstance(inside, dict):
            names += [f"{key}.{name}" for name in inside]
    return names


def _unjudged(place: FilePlace) -> FilePlace:
    """Return the same place without a word on damage, for which the records are looked at."""
    return replace(place, notes=Notes())


def _json_lines(place: FilePlace, options: ReadOptions, lines: Iterator[str]) -> Iterator[Record]:
    rows = JsonRows(place, options)
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            where = f"{place.name}, line {number}"
            if record := rows.record(_parse(line, where), where):
                yield record
    rows.end()


def _parse(line: str, where: str) -> object:
    try:
        return json.loads(line)
    except (RecursionError, ValueError) as error:
        hint = ARRAY_HINT if line.strip() == "[" else "JSONL has one whole JSON value on each line"
        if line.strip() == "{":
            hint = "write one value a line, or one array of values: jq -c '.KEY[]' for a list inside"
        raise _not_json(where, error, hint) from None


def _not_json(where: str, error: Exception, hint: str) -> CorpusError:
    got = str(error).split(";")[0]
    if isinstance(error, json.JSONDecodeError):
        got = f"{error.msg} at character {error.pos + 1}"
    elif isinstance(error, RecursionError):
        got = "too many values inside each other"
    return CorpusError(f"{where}: not JSON", got=got, hint=hint)


def _array_values(place: FilePlace, blocks: Iterator[str]) -> Iterator[object]:
    """Yield the values of the one array that a file is."""
    decoder, text, at, number = json.JSONDecoder(), "", 0, 0
    expected = "["  # then "value or ]", and after each value "," or "]"; "end" after the array
    for block in chain(blocks, [""]):
        text, at = text[at:] + block, 0
        while (at := SPACES.match(text, at).end()) < len(text):  # type: ignore[union-attr]
            where = f"{place.name}, value {number + 1}"
            if expected == "value":
                try:
                    value, at = decoder.raw_decode(text, at)
                except (RecursionError, ValueError) as error:
                    if block and len(text) - at > LONGEST_FIELD:
                        limit = f"at most {LONGEST_FIELD:,} characters in a value"
                        raise CorpusError(f"{where}: too long or not JSON", expected=limit) from None
                    if block:
                        break  # the value may go on in the next block
                    hint = "an array has whole JSON values with commas between them"
                    raise _not_json(where, error, hint) from None
                number, expected = number + 1, ","
                yield value
            elif text[at] == "]" and expected in ("value or ]", ","):
                expected, at = "end", at + 1
            elif expected == "value or ]":
                expected = "value"
            elif text[at] == expected:
                expected, at = "value or ]" if expected == "[" else "value", at + 1
            else:
                got, hint = repr(text[at : at + 20]), "one value a line is read with --format jsonl"
                wanted = "nothing after the array" if expected == "end" else repr(expected)
                raise CorpusError(f"{where}: not JSON", expected=wanted, got=got, hint=hint)
    if expected != "end":
        what, hint = f"{place.name}: an array that does not end", "copy or download it again"
        raise CorpusError(what, expected="] after the last value", hint=hint)
