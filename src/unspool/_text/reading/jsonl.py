"""JSONL: one JSON value a line, read one line at a time."""

import json
import re
from collections.abc import Iterator

from unspool._errors import CorpusError
from unspool._text.reading.columns import Rows, is_length, no_such_name, select
from unspool._text.reading.decoding import FilePlace
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.tables import whole_lines
from unspool._text.records import Record

SURROGATE = re.compile(r"[\ud800-\udfff]")


def read_jsonl(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read one JSON value a line, each a record; blank lines and empty texts are skipped.

    A line is an object, whose columns are chosen by name, or a list, whose columns are chosen by number,
    or a string, which is the text itself. Numbers and truth values become text as JSON writes them, and null
    becomes an empty field.

    Raises:
        CorpusError: If a line is not JSON or has no chosen column. It names the file and the line.
    """
    for number, line in enumerate(whole_lines(place), start=1):
        if not line.isspace():
            where = f"{place.name}, line {number}"
            record = _json_record(_parse(line, where), options, where)
            if record:
                yield record


def write_jsonl(rows: Rows) -> bytes:
    """Return rows as JSONL, an object a line."""
    return "".join(json.dumps(dict(row)) + "\n" for row in rows).encode()


def _parse(line: str, where: str) -> object:
    try:
        return json.loads(line)
    except RecursionError:
        raise CorpusError(f"{where}: not JSON", got="too many values inside each other") from None
    except ValueError as error:
        got = f"{error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else None
        hint = "JSONL has one whole JSON value on each line"
        raise CorpusError(f"{where}: not JSON", got=got or str(error).split(";")[0], hint=hint) from None


def _json_record(value: object, options: ReadOptions, where: str) -> Record | None:
    if isinstance(value, dict):
        names = list(value)
        for column in (*(options.text or ("text",)), *options.source_text, *options.context):
            if column not in names and not is_length(
                column, names
            ):  # an object has no order, so a number cannot choose
                raise no_such_name(names, column, where, advice="choose columns of an object by name")
        fields = list(value.values())
    elif isinstance(value, list | str):
        names, fields = None, [value] if isinstance(value, str) else value
    else:
        raise CorpusError(where, expected="an object with columns", got=json.dumps(value)[:60])
    selection = select(names, len(fields), options, where=where)
    chosen = {*selection.text, *selection.source, *(number for _, number in selection.context)}
    row = [_plain_text(field, where) if i in chosen else "" for i, field in enumerate(fields)]
    return selection.record(row, options)


def _plain_text(value: object, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        if not value.isascii() and SURROGATE.search(value):
            raise CorpusError(f"{where}: half of a surrogate pair", expected="Unicode text")
        return value
    if isinstance(value, dict | list):
        raise CorpusError(where, expected="a text", got=json.dumps(value)[:60])
    return json.dumps(value)
