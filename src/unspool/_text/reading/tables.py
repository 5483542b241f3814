"""CSV and TSV: rows of separated values, read one row at a time."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import NoReturn

from unspool._errors import CorpusError
from unspool._text.reading.columns import LENGTH, Rows, is_name, select
from unspool._text.reading.decoding import FilePlace, lines_of, text_blocks
from unspool._text.reading.read_options import ReadOptions
from unspool._text.records import Record

LONGEST_FIELD = 1 << 24  # characters; a quote that is never closed must not read a whole disk into memory
ROWS_AHEAD = 20  # rows that are read to decide whether the first one is a header
LONGEST_NAME = 64  # characters of a column's name

# fmt: off
USUAL_NAMES = frozenset({
    "abstract", "author", "body", "caption", "category", "class", "comment", "content", "date",
    "description", "headline", "id", "index", "key", "label", "language", "message", "name", "question",
    "quote", "score", "sentence", "source", "split", "summary", "tag", "target", "text", "title",
    "topic", "tweet", "type", "url", "utterance", "value",
})
# fmt: on
NUMBER = re.compile(r"[-+]?\d[\d.,:/\- ]*(e[-+]?\d+)?%?", re.IGNORECASE)  # dates and times as well
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)+")


def read_table(place: FilePlace, options: ReadOptions, *, delimiter: str) -> Iterator[Record]:
    """Read a table of separated values, each row a record; blank lines and empty texts are skipped.

    A field may be quoted by ``"`` and then have line ends inside. A quote inside is written twice.

    Args:
        place: The file.
        options: The options of reading: the columns, and whether the first row is a header. If `header` is
            None, it is one if a column is chosen by name, and else if `is_header` is true.
        delimiter: The character between the columns, if the options have none.

    Raises:
        CorpusError: If a row is broken or has another number of fields than the first, a field is longer
            than 16,777,216 characters, or a chosen column is missing. It names the file and the line.
    """
    delimiter = options.delimiter or delimiter
    rows = table_rows(place, delimiter)
    ahead = list(islice(rows, ROWS_AHEAD))
    if not ahead:
        return
    line, first = ahead[0]
    names = first if _has_header([row for _, row in ahead], options) else None
    selection = select(names, len(first), options, where=f"{place.name}, line {line}")
    for number, row in chain(ahead[names is not None :], rows):
        if len(row) != len(first):
            _refuse_ragged(place, number, row, len(first), delimiter)
        record = selection.record(row, options)
        if record:
            yield record


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
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_FIELD))
    reader = csv.reader(whole_lines(place), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = 'a quote inside a quoted field is written twice (""), and every quote is closed'
            raise CorpusError(f"{place.name}, line {line}: broken row", got=str(error), hint=hint) from None
        if row:
            yield line, row


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row of a table has the names of the columns.

    It does not if a field is empty, a number, repeated, or longer than 64 characters. Otherwise it does if a
    field is a usual name of a column (``text``, ``title``, ``label`` ...) or is spelled like one
    (``review_text``), or if a column has numbers in all the other rows. Without any such sign there is no
    header: an extra name among the texts does less harm than a lost text.

    Args:
        rows: The first rows, at least one.
    """
    first = [field.strip() for field in rows[0]]
    if len(set(first)) < len(first) or any(_is_value(field) for field in first):
        return False
    if any(field.casefold() in USUAL_NAMES or IDENTIFIER.fullmatch(field) for field in first):
        return True
    rest = [row for row in rows[1:] if len(row) == len(first)]
    return any(rest and all(NUMBER.fullmatch(row[i].strip()) for row in rest) for i in range(len(first)))


def _has_header(rows: Sequence[Sequence[str]], options: ReadOptions) -> bool:
    if options.header is not None:
        return options.header
    chosen = (*options.text, *options.source_text, *options.context)
    return any(is_name(column) for column in chosen if column != LENGTH) or is_header(rows)


def _is_value(field: str) -> bool:
    return not field or len(field) > LONGEST_NAME or NUMBER.fullmatch(field) is not None


def whole_lines(place: FilePlace) -> Iterator[str]:
    """Yield lines with their ends; a line longer than the longest field is an error."""
    for number, (line, whole) in enumerate(lines_of(text_blocks(place), piece=LONGEST_FIELD), start=1):
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
