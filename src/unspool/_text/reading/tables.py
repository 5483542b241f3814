"""CSV and TSV: rows of separated values, read one row at a time."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import NoReturn

from unspool._errors import CorpusError
from unspool._text.reading.columns import LENGTH, NO_TEXT, Rows, is_name, select
from unspool._text.reading.decoding import lines_of, text_blocks
from unspool._text.reading.delimiters import are_rows, find_delimiter, lines_ahead, row_reader, sep_delimiter
from unspool._text.reading.headers import is_header, may_be_header
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import Columns, ReadOptions
from unspool._text.records import Record

LONGEST_FIELD = 1 << 24  # characters; a quote that is never closed must not read a whole disk into memory
ROWS_AHEAD = 20  # rows that are read to decide whether the first one is a header
MOST_JOINED = 100  # lines of one row that are looked at
QUOTING_HINT = "--quoting none if quotes mean nothing here, in Python quoting='none'"


def read_table(place: FilePlace, options: ReadOptions, *, delimiter: str) -> Iterator[Record]:
    """Read a table of separated values, each row a record; blank lines and empty texts are skipped.

    A field may be quoted by ``"`` and then have line ends inside. A quote inside is written twice. A first
    line such as ``sep=;`` names the delimiter.

    Args:
        place: The file.
        options: The options of reading: the columns, and whether the first row is a header. If `header` is
            None, it is one if a column is chosen by name, and else if `is_header` is true.
        delimiter: The usual character between the columns of the format; see `find_delimiter`.

    Raises:
        CorpusError: If a row is broken or has another number of fields than the first, quotes have joined
            rows, a field is longer than 16,777,216 characters, the delimiter cannot be told, or a chosen
            column is missing. It names the file and the line.
    """
    table = _open_table(place, options, delimiter)
    if table is None:
        return
    selection = select(table.names, table.width, options, where=f"{place.name}, line {table.line}")
    for number, row in table.rows:
        if len(row) != table.width:
            _refuse_ragged(place, number, row, table.width, table.delimiter)
        record = selection.record(row, options)
        if record:
            yield record
        else:
            place.notes.count(*NO_TEXT, f"{place.name}, line {number}")


def table_columns(place: FilePlace, options: ReadOptions, *, delimiter: str) -> Columns:
    """Return the names of a table's columns, or their numbers if nothing names them; none of an empty table.

    Args:
        place: The file.
        options: The options of reading.
        delimiter: The usual character between the columns of the format.

    Raises:
        CorpusError: If the table's first rows cannot be read.
    """
    table = _open_table(place, options, delimiter)
    if table is None:
        return ()
    return tuple(range(table.width)) if table.names is None else tuple(table.names)


@dataclass(frozen=True, kw_only=True)
class _OpenTable:
    """A table whose first rows are read.

    Args:
        names: The names of its columns, or None.
        width: Number of columns.
        delimiter: The character between them.
        line: The line at which the first row begins.
        rows: The rows with texts, each after the number of its line.
    """

    names: list[str] | None
    width: int
    delimiter: str
    line: int
    rows: Iterator[tuple[int, list[str]]]


def _open_table(place: FilePlace, options: ReadOptions, delimiter: str) -> _OpenTable | None:
    """Read the first rows of a table, which tell its delimiter and its header; None if there is no row."""
    lines = whole_lines(place)
    first_lines = lines_ahead(lines)
    told = sep_delimiter(first_lines[0]) if first_lines else None
    if told is not None:
        del first_lines[0]
    delimiter = (
        options.delimiter or told or find_delimiter(place, first_lines, delimiter, quoting=options.quoting)
    )
    table = chain(first_lines, lines)
    rows = _rows(place, table, delimiter, quoting=options.quoting, before=told is not None)
    ahead = list(islice(rows, ROWS_AHEAD))
    if not ahead:
        return None
    line, first = ahead[0]
    names = first if _has_header(place, [row for _, row in ahead], options) else None
    return _OpenTable(
        names=names,
        width=len(first),
        delimiter=delimiter,
        line=line,
        rows=chain(ahead[names is not None :], rows),
    )


def write_table(rows: Rows, *, delimiter: str) -> bytes:
    """Return rows as a table, after a row of names.

    Args:
        rows: The rows.
        delimiter: The character between the columns.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


def table_rows(place: FilePlace, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, after the number of the line where it begins, from 1."""
    return _rows(place, whole_lines(place), delimiter)


def _rows(
    place: FilePlace, lines: Iterator[str], delimiter: str, *, quoting: str | None = None, before: int = 0
) -> Iterator[tuple[int, list[str]]]:
    taken: list[str] = []  # the first lines of this row
    reader = row_reader(_noted(lines, taken), delimiter, quoting, strict=True)
    width, joined = 0, False
    while True:
        line = reader.line_num + 1 + before
        taken.clear()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = 'a quote inside a quoted field is written twice (""), and every quote is closed'
            hint += f"; {QUOTING_HINT}"
            raise CorpusError(f"{place.name}, line {line}: broken row", got=str(error), hint=hint) from None
        width = width or len(row)
        if len(taken) > 1 and quoting is None:
            _refuse_joined(place, line, taken, delimiter, width)
            if width == 1 and not joined:
                place.notes.say(f"{place.name}, line {line}: quotes join lines to one text; {QUOTING_HINT}")
            joined = True
        if row:
            yield line, row


def _noted(lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    """Yield lines, and add the first ones to a list that is cleared at each row."""
    for line in lines:
        if len(taken) < MOST_JOINED:
            taken.append(line)
        yield line


def _refuse_joined(place: FilePlace, line: int, lines: Sequence[str], delimiter: str, width: int) -> None:
    """Refuse a row of several lines each of which would be a row if quotes meant nothing."""
    if are_rows(lines, delimiter, width):
        hint = f"close the quote, or {QUOTING_HINT}; --quoting double if the lines are one field"
        got = f"a quote that joins it with at least {len(lines) - 1:,} more, each of {width} fields too"
        raise CorpusError(f"{place.name}, line {line}", expected="one row", got=got, hint=hint)


def _has_header(place: FilePlace, rows: Sequence[Sequence[str]], options: ReadOptions) -> bool:
    if options.header is not None:
        return options.header
    chosen = (*options.text, *options.source_text, *options.context)
    if any(is_name(column) for column in chosen if column != LENGTH):
        return True
    found = is_header(rows)
    shown = ", ".join(field.strip()[:20] for field in rows[0][:6]) + (", ..." if len(rows[0]) > 6 else "")
    first = f"{place.name}: the first row, {shown!r}, is taken for"
    if found:
        place.notes.say(f"{first} the names of the columns (--no-header if it is a text)")
    elif may_be_header(rows[0]):
        place.notes.say(f"{first} a text (--header if it names the columns)")
    return found


def whole_lines(place: FilePlace, blocks: Iterator[str] | None = None) -> Iterator[str]:
    """Yield lines with their ends; a line longer than the longest field is an error.

    Args:
        place: The file.
        blocks: Its text, if it is being read already.
    """
    lines = lines_of(blocks or text_blocks(place), piece=LONGEST_FIELD)
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))  # before a reader of these lines begins
    for number, (line, whole) in enumerate(lines, start=1):
        if not whole:
            limit = f"at most {LONGEST_FIELD:,} characters in a line"
            raise CorpusError(f"{place.name}, line {number}: too long", expected=limit)
        yield line + "\n"


def _refuse_ragged(place: FilePlace, line: int, row: Sequence[str], width: int, delimiter: str) -> NoReturn:
    hint = f"put quotes around a field that contains {delimiter!r}"
    if width == 1 or len(row) == 1:
        hint += ", or choose the delimiter (--delimiter)"
    raise CorpusError(
        f"{place.name}, line {line}: ragged row",
        expected=f"{width} fields as in the first row",
        got=str(len(row)),
        hint=hint,
    )
