"""The choice of the columns of a table that are the text, the source and the context."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unspool._errors import CorpusError
from unspool._screen.wording import counted
from unspool._text.reading.read_options import Column, ReadOptions
from unspool._text.records import Record, normalized

Rows = Sequence[Mapping[str, str | None]]  # of one table: all rows have the same names
CHOOSE = "choose the column with the text, by name or by number from 0 (--text, in Python text=...)"
NO_TEXT = ("row has no text and was passed over", "rows have no text and were passed over")
LENGTH = "length"  # this context is the length of the text, unless a column has the name


@dataclass(frozen=True)
class ColumnSelection:
    """The numbers of the chosen columns, and the names of the context.

    Args:
        text: The columns that make up the text.
        context: The name and the column of each attribute.
        source: The columns that make up the source; empty for none.
    """

    text: tuple[int, ...]
    context: tuple[tuple[str, int], ...]
    source: tuple[int, ...] = ()

    def record(self, row: Sequence[str] | Mapping[int, str], options: ReadOptions) -> Record | None:
        """Return the record of a row, or None if its text is only white space.

        Args:
            row: The fields, by the number of their column.
            options: The options of reading.
        """
        parts = [row[number] for number in self.text]
        if not any(map(str.strip, parts)):
            return None
        source = None
        if self.source:
            source = options.separator.join([row[number] for number in self.source])
            source = normalized(source, options.normalization)
        text = normalized(options.separator.join(parts), options.normalization)
        return Record(text, {name: row[number] for name, number in self.context}, source=source)


def select(names: Sequence[str] | None, width: int, options: ReadOptions, *, where: str) -> ColumnSelection:
    """Find the chosen columns in a table.

    A name that is a whole number, such as ``"1"`` from a command line, is a name if a column has it and
    a number otherwise. Without a header, the names of the context are ``column_0``, ``column_1`` and so on.

    Args:
        names: The names of the columns, or None if the table has no header.
        width: Number of columns.
        options: The options of reading, which choose the columns.
        where: The file and the line, for messages.

    Raises:
        CorpusError: If a column is missing, or no text column was chosen and none is obvious.
    """
    text = tuple(find_column(names, width, column, where=where) for column in options.text)
    context = tuple(
        find_column(names, width, column, where=where)
        for column in options.context
        if not is_length(column, names)
    )
    if not text:
        text = (_obvious_column(names, width, where),)
    labelled = tuple((names[n] if names is not None else f"column_{n}", n) for n in context)
    source = tuple(find_column(names, width, column, where=where) for column in options.source_text)
    return ColumnSelection(text, labelled, source)


def is_length(column: Column, names: Sequence[str] | None) -> bool:
    """Return whether a chosen context is the length of the text: no column of the table has this name."""
    return column == LENGTH and (names is None or LENGTH not in names)


def find_column(names: Sequence[str] | None, width: int, column: Column, *, where: str) -> int:
    """Return the number of a column that was chosen by name or number.

    Args:
        names: The names of the columns, or None if the table has no header.
        width: Number of columns.
        column: The name or the number.
        where: The file and the line, for messages.

    Raises:
        CorpusError: If there is no such column, or two have the name.
    """
    if isinstance(column, str) and names is not None and column in names:
        if list(names).count(column) > 1:
            hint = "choose it by its number"
            raise CorpusError(f"{where}: more than one column is named {column!r}", hint=hint)
        return list(names).index(column)
    number = column_number(column)
    if number is None:
        raise no_such_name(names, column, where)
    if number >= width:
        raise CorpusError(f"{where}: no column {number}", expected=f"a number from 0 to {width - 1}")
    return number


def column_number(column: Column) -> int | None:
    """Return the number of a column, or None if it can only be a name."""
    if isinstance(column, int):
        return column
    return int(column) if column.isascii() and column.isdigit() and len(column) < 7 else None


def is_name(column: Column) -> bool:
    """Return whether a column can only be a name."""
    return column_number(column) is None


def no_such_name(
    names: Sequence[str] | None,
    column: Column,
    where: str,
    *,
    advice: str = "or choose the column by its number from 0",
) -> CorpusError:
    """Return the error for a column that a table does not have, with the nearest name.

    Args:
        names: The names of the columns, or None if the table has no header.
        column: The name that was chosen.
        where: The file and the line, for messages.
        advice: The next step, if no name is near.
    """
    if names is None:
        hint = "choose the column by its number from 0, or use --header"
        return CorpusError(f"{where}: no column {column!r}, because the table has no header", hint=hint)
    near = difflib.get_close_matches(str(column), names, n=1, cutoff=0.5)
    shown = ", ".join(repr(name[:40]) for name in names[:12]) + (", ..." if len(names) > 12 else "")
    question = f"did you mean {near[0]!r}?" if near else advice
    return CorpusError(f"{where}: no column {column!r}", expected=f"one of {shown}", hint=question)


def _obvious_column(names: Sequence[str] | None, width: int, where: str) -> int:
    if names is not None and list(names).count("text") == 1:
        return list(names).index("text")
    if width == 1:
        return 0
    shown = f": {', '.join(repr(name[:40]) for name in names[:12])}" if names else ""
    raise CorpusError(f"{where}: the table has {counted(width, 'column')}{shown}", hint=CHOOSE)
