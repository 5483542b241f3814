"""Which columns of a table are the text, and which are carried along as context."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unspool.configuration import check
from unspool.errors import CorpusError
from unspool.text.reading.sentences import SPLITS
from unspool.text.records import Record, check_normalization, normalized

Column = str | int  # a name, or a number that counts from 0
Rows = Sequence[Mapping[str, str | None]]  # of one table: all have the same names
LANGUAGE = re.compile("[a-z]{2,3}(-[a-z]+)*")
CHOOSE = "say which column holds the text: text='NAME' or a number from 0 (--text)"


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Hold how texts are read; `read_records` documents each.

    Args:
        text: The columns that make up the text; empty takes the column named ``text`` or the only one.
        context: The columns that are carried along.
        document: Whether all is one long stream in its own order.
        format: The format of the texts, a key of `SOURCES`; None for a corpus's own.
        header: Whether a table's first row names its columns; None finds out.
        delimiter: What stands between a table's columns; None is the format's own.
        separator: What is put between the columns of a text.
        normalization: The Unicode form of the texts, or None.
        split: What each text is cut into, a key of `SPLITS`, or None.
        language: The language whose abbreviations a split knows, by its code.
        source_text: The columns that make up the source of each text; empty for none.
    """

    text: tuple[Column, ...] = ()
    context: tuple[Column, ...] = ()
    document: bool = False
    format: str | None = None
    header: bool | None = None
    delimiter: str | None = None
    separator: str = " "
    normalization: str | None = "NFC"
    split: str | None = None
    language: str = "en"
    source_text: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        check_normalization(self.normalization)
        check("document", self.document, "true or false", isinstance(self.document, bool))
        ok = self.header is None or isinstance(self.header, bool)
        check("header", self.header, "true, false or None to find out", ok)
        check("separator", self.separator, "a string", isinstance(self.separator, str))
        known = self.split is None or (isinstance(self.split, str) and self.split in SPLITS)
        check("split", self.split, f"{', '.join(SPLITS)} or None", known)
        coded = isinstance(self.language, str) and LANGUAGE.fullmatch(self.language) is not None
        check("language", self.language, "a code such as en, de or zh", coded)
        one_stream = self.source_text and (self.document or self.split is not None)
        check("source_text", self.source_text, "none of a document and with split", not one_stream)
        for column in (*self.text, *self.source_text, *self.context):
            named = isinstance(column, str) and column
            numbered = isinstance(column, int) and not isinstance(column, bool) and column >= 0
            if not (named or numbered):
                raise CorpusError("a column", expected="a name, or a number from 0", got=repr(column))

    def record(
        self, parts: Sequence[str], context: Mapping[str, str], source: Sequence[str] = ()
    ) -> Record | None:
        """Make a record of a row's text columns, or nothing if they are only white space."""
        if all(not part or part.isspace() for part in parts):
            return None
        read = self._joined(source) if source else None
        return Record(self._joined(parts), context, source=read)

    def _joined(self, parts: Sequence[str]) -> str:
        return normalized(self.separator.join(parts), self.normalization)


LENGTH = "length"  # of the text itself, where no column is called so


@dataclass(frozen=True)
class ColumnSelection:
    """Hold the numbers of the chosen columns, and the names under which context is carried."""

    text: tuple[int, ...]
    context: tuple[tuple[str, int], ...]
    source: tuple[int, ...] = ()

    def record(self, row: Sequence[str] | Mapping[int, str], options: ReadOptions) -> Record | None:
        """Make a record of a row's fields by number, or nothing if its text is only white space."""
        context = {name: row[number] for name, number in self.context}
        text, source = ([row[number] for number in numbers] for numbers in (self.text, self.source))
        return options.record(text, context, source)


def select(names: Sequence[str] | None, width: int, options: ReadOptions, *, where: str) -> ColumnSelection:
    """Find the chosen columns in a table.

    A name that is a whole number, such as ``"1"`` from a command line, is a name if a column has it and
    a number otherwise. Without a header, context is carried as ``column_0``, ``column_1`` and so on.

    Args:
        names: The names of the columns, or None if the table has no header.
        width: How many columns there are.
        options: The choice.
        where: The file and line, for messages.

    Raises:
        CorpusError: If a column is not there, or no text column was chosen and none is obvious.
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
    """Tell whether a column of context is the length of the text: no column has this name."""
    return column == LENGTH and (names is None or LENGTH not in names)


def find_column(names: Sequence[str] | None, width: int, column: Column, *, where: str) -> int:
    """Give the number of a column chosen by name or number.

    Raises:
        CorpusError: If there is no such column, or two of that name.
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
    """Read a column as a number, or give None if it can only be a name."""
    if isinstance(column, int):
        return column
    return int(column) if column.isascii() and column.isdigit() and len(column) < 7 else None


def is_name(column: Column) -> bool:
    """Tell whether a column can only be a name."""
    return column_number(column) is None


def no_such_name(
    names: Sequence[str] | None,
    column: Column,
    where: str,
    *,
    advice: str = "or choose it by its number from 0",
) -> CorpusError:
    """Make the error that says which columns there are, and which of them may have been meant."""
    if names is None:
        hint = "choose it by its number from 0, or say that there is a header"
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
    raise CorpusError(f"{where}: the table has {width} columns{shown}", hint=CHOOSE)
