"""The rows of a table, from whatever `read_records` reads, each as a list of the texts of its fields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unspool._errors import CorpusError
from unspool._text.frames import column_names, listed
from unspool._text.reading.read_options import STANDARD_INPUT, Columns, ReadOptions
from unspool._text.reading.sources import columns_of_file, read_records
from unspool._text.records import Records

BETWEEN = "\x1f"  # the fields of a row, which ASCII has this character for
OF_TEXTS = ("text", "source_text", "source", "target", "context", "document", "split", "record_separator",
            "separator", "normalization", "language")  # fmt: skip


@dataclass(frozen=True)
class OpenTable:
    """A table whose rows can be read any number of times.

    Args:
        names: The names of its columns.
        records: Its rows, each as one text with `BETWEEN` between the fields.
        reading: The options of reading that were given.
    """

    names: list[str]
    records: Records
    reading: Mapping[str, Any]

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields of each row that is not blank, after its number from 1.

        Raises:
            CorpusError: If a field has the character between fields, or is a list.
        """
        width = len(self.names)
        for number, record in enumerate(self.records, start=1):
            row = record.text.split(BETWEEN)
            if len(row) != width:
                what = f"{self.records.description}, row {number:,}"
                got = f"{len(row)}: a field is a list, or has the character U+001F"
                raise CorpusError(what, expected=f"{width} fields", got=got)
            yield number, row


def open_table(source: Any, reading: Mapping[str, Any] | None = None) -> OpenTable:
    """Open a table: a file with columns, a data frame, or rows in memory that name their columns.

    Args:
        source: The table.
        reading: The options of `read_records` for files.

    Raises:
        CorpusError: If it has no columns, or can be read only once.
    """
    options = dict(reading or {})
    for name in OF_TEXTS:
        if name in options:
            raise CorpusError(
                f"{name} does not work with a table, whose rows are learnt", hint="leave it out"
            )
    if isinstance(source, list | tuple) and len(source) == 1 and isinstance(source[0], str | Path):
        source = source[0]
    names: Columns | list[str] | None
    if isinstance(source, str | Path):
        names = _columns_of_path(source, options)
    else:
        source = source if column_names(source) is not None else list(source)
        names = column_names(source) or _keys(source)
    if len(set(map(str, names))) < len(names):
        got = listed(name for name in dict.fromkeys(names) if list(names).count(name) > 1)
        raise CorpusError(
            f"columns of {source}", expected="each name once", got=got, hint="rename one of them"
        )
    records = read_records(source, text=list(names), separator=BETWEEN, normalization=None, **options)
    shown = [name if isinstance(name, str) else f"column_{name}" for name in names]
    return OpenTable(shown, records, options)


def _columns_of_path(source: str | Path, options: Mapping[str, Any]) -> Columns:
    """Return the columns of a file.

    Raises:
        CorpusError: If it has none, or is no file.
    """
    path = Path(source)
    if str(source) == STANDARD_INPUT or not path.is_file():
        got = "standard input" if str(source) == STANDARD_INPUT else f"no file {source}"
        raise CorpusError("a table", expected="one file, which is read several times", got=got)
    known = {name: value for name, value in options.items() if name != "reuse"}
    form, names = columns_of_file(path, ReadOptions(**known))
    if not names:
        hint = "choose the format: --format csv"
        raise CorpusError(f"{source} is read as {form}", expected="rows with columns", got="none", hint=hint)
    return names


def _keys(rows: list[Any]) -> list[str]:
    """Return the names of the columns of rows in memory.

    Raises:
        CorpusError: If they are no rows that name their columns.
    """
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        expected, got = "a file, a data frame, or a list of rows that name their columns", repr(rows)[:60]
        raise CorpusError("a table", expected=expected, got=got)
    return list(dict.fromkeys(str(name) for row in rows for name in row))
