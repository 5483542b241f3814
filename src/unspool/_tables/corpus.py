"""The rows of a table as records to learn from, and those that are held out."""

import hashlib
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from unspool._configuration import check, from_dict, to_dict
from unspool._errors import ConfigError, CorpusError
from unspool._screen.wording import counted
from unspool._tables.reading import OpenTable, open_table
from unspool._tables.row_form import Row, RowForm
from unspool._tables.schema import TableSchema
from unspool._text.encoding.split import hash_split
from unspool._text.reading.sources import records_from_spec
from unspool._text.records import Record, Records

ENOUGH = 200_000  # rows of a corpus: a smaller table is learnt in several orders of its columns
MOST_ORDERS = 10

TableLike = bool | str | Path | TableSchema


@dataclass(frozen=True)
class PartOfRows:
    """A part of the rows of a table.

    Args:
        held_out: Whether it is the held-out part; None for all rows.
        fraction: Share of the rows that are held out.
        orders: How often each row comes, each time with its columns in another order.
    """

    held_out: bool | None = None
    fraction: float = 0.0
    orders: int = 1


class TableRecords(Records):
    """The rows of a table, each a text of symbols.

    Args:
        table: The table.
        schema: Its schema.
        part: Which rows, and how often.
    """

    def __init__(self, table: OpenTable, schema: TableSchema, part: PartOfRows) -> None:
        self.table, self.schema, self.part = table, schema, part
        rows = table.records
        spec = {"source": rows.spec["source"], "table": to_dict(schema), "part": to_dict(part),
                "reading": dict(table.reading)} if "source" in rows.spec else {}  # fmt: skip
        super().__init__(
            self.rows, description=rows.description, normalization=None, spec=spec, meter=rows.meter
        )
        self.notes = rows.notes

    @property
    def steers(self) -> bool:
        """Whether a model learns to depend on a context: rows have none."""
        return False

    def _read_items(self) -> Iterator[Record]:
        return self.rows()

    def rows(self) -> Iterator[Record]:
        """Yield the rows; the order of the columns is the same in each pass."""
        form, part = RowForm(self.schema), self.part
        held_out = hash_split(fraction=part.fraction)
        shuffle = Random(0).shuffle
        for number, row in self.table:
            codes = form.codes(row, self._place(number))
            if part.held_out is not None and held_out(Record("".join(codes))) != part.held_out:
                continue
            for _ in range(part.orders):
                if self.schema.order == "random":
                    shuffle(codes)
                yield Record("".join(codes))

    def _place(self, number: int) -> str:
        return f"{self.table.records.description}, row {number:,}"

    def checked(self) -> int:
        """Read all rows, and return their number.

        Raises:
            CorpusError: If a row contradicts the schema or breaks a rule.
        """
        form, count = RowForm(self.schema), 0
        keys = {number: array("Q") for number, column in enumerate(self.schema.columns) if column.key}
        for number, row in self.table:
            form.codes(row, self._place(number))
            broken = form.broken(row, form.rules) if form.rules else None
            if broken is not None:
                hint = "mend the row, or leave the rule out of the schema"
                expected = f"a row that meets the rule {broken!r}"
                raise CorpusError(self._place(number), expected=expected, got="one that breaks it", hint=hint)
            for key, seen in keys.items():
                digest = hashlib.blake2b(row[key].encode("utf-8", "surrogatepass"), digest_size=8).digest()
                seen.append(int.from_bytes(digest, "little"))
            count += 1
        for key, seen in keys.items():
            self._refuse_repeated(key, seen)
        return count

    def _refuse_repeated(self, key: int, seen: "array[int]") -> None:
        """Refuse a key that comes twice.

        Raises:
            CorpusError: If it does; the row is the first that repeats one before it.
        """
        _, first = np.unique(np.frombuffer(seen, np.uint64), return_index=True)
        if len(first) < len(seen):
            row = int(np.setdiff1d(np.arange(len(seen)), first)[0]) + 1
            what = f"{self._place(row)}, column {self.schema.columns[key].name!r}"
            raise CorpusError(what, expected="a key, which no row before has", got="one that comes twice")


def table_records(
    source: Any,
    table: TableLike,
    reading: Mapping[str, Any],
    *,
    fraction: float | None,
    validation: Any = None,
) -> tuple[TableRecords, TableRecords | None]:
    """Return the rows to learn from, and the held-out ones.

    Args:
        source: A file, or a table in memory.
        table: True to read the schema from the table; a schema, or the file of one.
        reading: The options of `read_records` for files.
        fraction: Share of the rows to hold out; None for no held-out rows.
        validation: Another table with the rows that are held out; None to hold out a part of the first.

    Raises:
        CorpusError: If the table cannot be read, or contradicts the schema.
        ConfigError: If the schema is broken.
    """
    opened = open_table(source, reading)
    schema = _schema(opened, table)
    refuse_other_columns(schema, opened)
    if not RowForm(schema).learnt:
        what, hint = opened.records.description, "each has one value, or is a key: key = false in a schema"
        raise CorpusError(what, expected="a column to learn", got="none", hint=hint)
    rows = TableRecords(opened, schema, PartOfRows()).checked()
    orders = max(1, min(MOST_ORDERS, ENOUGH // max(1, rows))) if schema.order == "random" else 1
    if validation is not None:
        other = open_table(validation, reading)
        refuse_other_columns(schema, other)
        return TableRecords(opened, schema, PartOfRows(orders=orders)), TableRecords(
            other, schema, PartOfRows()
        )
    share = fraction or 0.0
    learnt = TableRecords(opened, schema, PartOfRows(held_out=False, fraction=share, orders=orders))
    held_out = TableRecords(opened, schema, PartOfRows(held_out=True, fraction=share))
    return learnt, held_out if share and next(held_out.rows(), None) is not None else None


def _schema(opened: OpenTable, table: TableLike) -> TableSchema:
    if isinstance(table, TableSchema):
        return table
    if isinstance(table, str | Path):
        return TableSchema.load(table)
    check("table", table, "True, a TableSchema, or the file of one", table is True)
    return TableSchema.of(opened)


def refuse_other_columns(schema: TableSchema, opened: OpenTable) -> None:
    """Refuse a table that has not the columns of a schema, in their order.

    Raises:
        ConfigError: If it has not.
    """
    if schema.names == opened.names:
        return
    pairs = zip(schema.names, opened.names, strict=False)
    differ = next(((ours, theirs) for ours, theirs in pairs if ours != theirs), None)
    expected, got = f"{counted(len(schema.names), 'column')}, as in the schema", str(len(opened.names))
    if differ is not None:
        expected, got = f"column {differ[0]!r} next, as in the schema", repr(differ[1])
    raise ConfigError(opened.records.description, expected=expected, got=got)


def records_again(spec: Mapping[str, Any]) -> Records:
    """Return the records that a stored `Records.spec` describes, of a table or of texts.

    Raises:
        CorpusError: If the texts came from memory, or the spec is broken.
    """
    return _table_again(spec) if "table" in spec else records_from_spec(spec)


def rows_again(spec: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows that a stored `Records.spec` of a table describes, each once.

    Raises:
        CorpusError: If they came from memory, or cannot be read.
    """
    if "table" not in spec:
        raise CorpusError(
            "rows from memory cannot be read again", hint="name the table: unspool audit DIR FILE"
        )
    records = _table_again(spec)
    form = RowForm(records.schema)
    once = TableRecords(records.table, records.schema, replace(records.part, orders=1))
    return (form.row(record.text) for record in once)


def _table_again(spec: Mapping[str, Any]) -> TableRecords:
    schema = from_dict(TableSchema, spec["table"], where="config.json: data, records, table")
    part = from_dict(PartOfRows, spec["part"], where="config.json: data, records, part")
    return TableRecords(open_table(spec["source"], spec["reading"]), schema, part)
