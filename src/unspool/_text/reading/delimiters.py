"""The delimiter of a table, when nobody names it, and quotes that join rows by mistake."""

import csv
import re
from _csv import Reader
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from unspool._errors import CorpusError
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import NO_QUOTES

USUAL = (",", ";", "\t", "|", "^", "~", "¦", "\x01", "\x1e", "\x1f")
IN_PROSE = ",~"  # so frequent in texts that one in most lines is no sign of a table
LINES_AHEAD = 50
CHARACTERS_AHEAD = 1 << 16
SEP_LINE = re.compile(r'"?sep=([^"\r\n])"?\n?', re.IGNORECASE)  # as spreadsheets write it
NUMBER = re.compile(r"[-+]?\d[\d.,:/\- ]*(e[-+]?\d+)?%?", re.IGNORECASE)  # dates and times as well
LEAST_JOINED = 3  # lines


def lines_ahead(lines: Iterator[str]) -> list[str]:
    """Take the lines of a table by which it is judged: at most 50, and few if they are long."""
    taken: list[str] = []
    characters = 0
    for line in islice(lines, LINES_AHEAD):
        taken.append(line)
        characters += len(line)
        if characters > CHARACTERS_AHEAD:
            break
    return taken


def sep_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line ``sep=;`` names, or None if it is no such line."""
    match = SEP_LINE.fullmatch(line)
    return None if match is None else match[1]


def find_delimiter(place: FilePlace, lines: Sequence[str], usual: str, *, quoting: str | None) -> str:
    """Return the delimiter of a table: the usual one if it fits, else the only one that does.

    One fits if it cuts all lines into the same number of columns, at least two. What is guessed is noted.

    Args:
        place: The file.
        lines: The first lines of the table.
        usual: The usual delimiter of the format.
        quoting: What quotes mean, as in `ReadOptions`.

    Raises:
        CorpusError: If several others fit, or none does and the only column is full of one.
    """
    widths = {delimiter: _widths(lines, delimiter, quoting) for delimiter in dict.fromkeys((usual, *USUAL))}
    if len(widths[usual]) < 2:
        return usual
    fitting = [delimiter for delimiter, found in widths.items() if len(set(found)) == 1 and found[0] > 1]
    others = [delimiter for delimiter in fitting if delimiter != usual]
    if usual in fitting:
        if others:
            also = " and ".join(map(repr, others))
            place.notes.say(
                f"{place.name}: columns are taken to end at {usual!r}; {also} would fit too (--delimiter)"
            )
        return usual
    if len(others) > 1:
        choice = " or ".join(map(repr, others))
        raise CorpusError(f"{place.name}: {choice} could be between the columns", hint=_ask(others[0]))
    if others:
        place.notes.say(f"{place.name}: columns are taken to end at {others[0]!r} (--delimiter)")
        return others[0]
    full = [
        d for d in USUAL if d not in (usual, *IN_PROSE) and 2 * sum(d in line for line in lines) > len(lines)
    ]
    if full and max(widths[usual]) == 1:
        what = f"{place.name}: with {usual!r} between the columns there is one, and it is full of {full[0]!r}"
        raise CorpusError(what, hint=f"{_ask(full[0])}; {_spelled(usual)} to read it as one column")
    return usual


def _ask(delimiter: str) -> str:
    return f"say what is between the columns: {_spelled(delimiter)}, in Python delimiter={delimiter!r}"


def _spelled(delimiter: str) -> str:
    written = delimiter if delimiter.isprintable() else repr(delimiter)[1:-1]
    return f"--delimiter '{written}'"


def _widths(lines: Sequence[str], delimiter: str, quoting: str | None) -> list[int]:
    """Return the number of columns of each row; of the last one too, unless the lines may end inside it."""
    try:
        rows = [len(row) for row in row_reader(lines, delimiter, quoting, strict=False) if row]
    except csv.Error:  # the reader of the whole table names the line
        return []
    return rows[:-1] if len(rows) > 2 and len(lines) >= LINES_AHEAD else rows


def row_reader(lines: Iterable[str], delimiter: str, quoting: str | None, *, strict: bool) -> Reader:
    """Return a reader of the rows of a table.

    Args:
        lines: The lines, with their ends.
        delimiter: The character between the columns.
        quoting: What quotes mean, as in `ReadOptions`.
        strict: Whether text after a quoted field is an error, and a quote that is not closed.
    """
    if quoting == NO_QUOTES:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def are_rows(lines: Sequence[str], delimiter: str, width: int) -> bool:
    """Return whether lines that quotes have joined to one row are each a row, if quotes mean nothing.

    Two lines of prose may have one comma each by chance. So with commas there must be three, or numbers in
    the first column.

    Args:
        lines: The lines.
        delimiter: The character between the columns.
        width: Number of columns of the table.
    """
    if width < 2 or any(line.count(delimiter) != width - 1 for line in lines):
        return False
    numbered = all(NUMBER.fullmatch(line.split(delimiter, 1)[0].strip()) for line in lines)
    return numbered or delimiter not in IN_PROSE or len(lines) >= LEAST_JOINED
