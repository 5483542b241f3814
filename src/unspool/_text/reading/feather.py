"""Feather, the file format of Arrow IPC: tables of columns, read with pyarrow."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from unspool._text.reading.arrow_batches import ArrowTable, arrow_columns, read_batches
from unspool._text.reading.columns import Rows
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import Columns, ReadOptions
from unspool._text.records import Record


def read_feather(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read a Feather file, each row a record; see `read_batches`. The batches are those of the file."""
    return read_batches(place, options, format_name="Feather", magic=b"ARROW1", open_table=_open)


def feather_columns(place: FilePlace, options: ReadOptions) -> Columns:
    """Return the names of the columns of a Feather file that can be texts."""
    return arrow_columns(place, format_name="Feather", magic=b"ARROW1", open_table=_open)


def _open(file: BinaryIO) -> ArrowTable:
    from pyarrow import ipc  # noqa: PLC0415 (an extra that few need)

    def batches(chosen: list[int]) -> Iterator[tuple[Any, float]]:
        options = ipc.IpcReadOptions(included_fields=chosen, use_threads=False)
        table = ipc.open_file(file, options=options)
        for number in range(table.num_record_batches):
            yield table.get_batch(number), 1 / table.num_record_batches

    return ipc.open_file(file).schema, batches


def write_feather(rows: Rows) -> bytes:
    """Return rows as a Feather file."""
    import pyarrow  # noqa: PLC0415
    from pyarrow import feather  # noqa: PLC0415

    out = pyarrow.BufferOutputStream()
    feather.write_feather(pyarrow.Table.from_pylist(list(rows)), out, chunksize=2)
    return bytes(out.getvalue())
