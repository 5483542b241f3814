"""Rows as files and as values: the columns in the order of the source, with its types.

To add a format, write a function that yields the writer of a row and give it a line in `FILES`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._extras import install_command
from unspool._storage import atomic_file
from unspool._tables.row_form import Row, RowForm
from unspool._tables.types import Dates

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

GROUP = 1 << 14  # rows of a group of a Parquet file
WriteRow = Callable[[Row], object]


@contextmanager
def separated_writer(file: BinaryIO, form: RowForm, *, delimiter: str) -> Iterator[WriteRow]:
    """Write rows as a table, after a row of names."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", errors="backslashreplace")
    yield table_writer(text, form, delimiter=delimiter)
    text.flush()
    text.detach()


def table_writer(file: "SupportsWrite[str]", form: RowForm, *, delimiter: str = ",") -> WriteRow:
    """Write the names of the columns, and return the writer of a row."""
    rows = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    rows.writerow(form.schema.names)
    return rows.writerow


@contextmanager
def jsonl_writer(file: BinaryIO, form: RowForm) -> Iterator[WriteRow]:
    """Write a JSON object a line."""

    def write(row: Row) -> None:
        line = json.dumps(form.values(row), ensure_ascii=False, allow_nan=False)
        file.write(f"{line}\n".encode("utf-8", "backslashreplace"))

    yield write


@contextmanager
def parquet_writer(file: BinaryIO, form: RowForm) -> Iterator[WriteRow]:
    """Write a Parquet file, group by group."""
    import pyarrow  # noqa: PLC0415 (an extra that few need)
    from pyarrow import parquet  # noqa: PLC0415

    schema = pyarrow.schema(
        [pyarrow.field(name, _arrow_type(form, i)) for i, name in enumerate(form.schema.names)]
    )
    waiting: list[dict[str, Any]] = []

    def flush() -> None:
        if waiting:
            table.write_table(pyarrow.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

    def write(row: Row) -> None:
        waiting.append(_arrow_values(form, row))
        if len(waiting) == GROUP:
            flush()

    with parquet.ParquetWriter(file, schema) as table:
        yield write
        flush()


FILES: dict[str, Callable[[BinaryIO, RowForm], AbstractContextManager[WriteRow]]] = {
    ".csv": partial(separated_writer, delimiter=","),
    ".tsv": partial(separated_writer, delimiter="\t"),
    ".jsonl": jsonl_writer,
    ".parquet": parquet_writer,
}


def _arrow_type(form: RowForm, number: int) -> Any:
    import pyarrow  # noqa: PLC0415

    kind = form.types[number]
    if isinstance(kind, Dates):
        return pyarrow.timestamp("us") if kind.form.timed else pyarrow.date32()
    plain = {"whole": pyarrow.int64(), "decimal": pyarrow.float64(), "boolean": pyarrow.bool_()}
    return plain.get(form.schema.columns[number].type, pyarrow.string())


def _arrow_values(form: RowForm, row: Row) -> dict[str, Any]:
    values: dict[str, Any] = form.values(row)
    for column, kind in zip(form.schema.columns, form.types, strict=True):
        text = values[column.name]
        if isinstance(kind, Dates) and text is not None:
            read = datetime.fromisoformat if kind.form.timed else date.fromisoformat
            values[column.name] = read(text)
    return values


def check_format(path: Path) -> None:
    """Refuse a file that rows cannot be written to.

    Raises:
        ConfigError: If its suffix names no format, or a package is missing.
    """
    suffix = path.suffix.lower()
    check("out", str(path), f"a name that ends in {', '.join(FILES)}", suffix in FILES)
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        what = f"{path}: writing Parquet needs the package pyarrow, which is not installed"
        raise ConfigError(what, hint=install_command("parquet"))


def write_rows(path: Path, form: RowForm, rows: Iterable[Row]) -> int:
    """Write rows to a file, which gets its name when it is complete, and return their number.

    Raises:
        ConfigError: If the format is unknown.
    """
    check_format(path)
    count = 0
    with atomic_file(path) as file, FILES[path.suffix.lower()](file, form) as write:
        for row in rows:
            write(row)
            count += 1
    return count
