"""Parquet: tables of columns, read with pyarrow."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from unspool._text.reading.arrow_batches import BATCH, ArrowTable, arrow_columns, read_batches
from unspool._text.reading.columns import Rows
from unspool._text.reading.decoding import BLOCK
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import Columns, ReadOptions
from unspool._text.records import Record

MOST_ROWS = 1 << 12  # in a batch


def read_parquet(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read a Parquet file, each row a record; see `read_batches`."""
    return read_batches(place, options, format_name="Parquet", magic=b"PAR1", open_table=_open)


def parquet_columns(place: FilePlace, options: ReadOptions) -> Columns:
    """Return the names of the columns of a Parquet file that can be texts."""
    return arrow_columns(place, format_name="Parquet", magic=b"PAR1", open_table=_open)


def _open(file: BinaryIO) -> ArrowTable:
    from pyarrow import parquet  # noqa: PLC0415 (an extra that few need)

    table = parquet.ParquetFile(file, buffer_size=BLOCK, pre_buffer=False, page_checksum_verification=True)
    facts, schema = table.metadata, table.schema_arrow
    unpacked = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
    rows = max(1, min(MOST_ROWS, BATCH * facts.num_rows // max(1, unpacked)))

    def batches(chosen: list[int]) -> Iterator[tuple[Any, float]]:
        columns = [schema.names[number] for number in chosen]
        for batch in table.iter_batches(rows, columns=columns, use_threads=False):
            yield batch, batch.num_rows / facts.num_rows

    return schema, batches


def write_parquet(rows: Rows) -> bytes:
    """Return rows as a Parquet file."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    out = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(list(rows)), out, row_group_size=2)
    return bytes(out.getvalue())
