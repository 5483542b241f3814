"""The common reader of Parquet and Feather: columns that pyarrow reads, one batch of rows at a time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from unspool._errors import CorpusError
from unspool._text.reading.columns import NO_TEXT, select
from unspool._text.reading.damage import DamageSigns
from unspool._text.reading.decoding import GZIP_MAGIC
from unspool._text.reading.places import FilePlace, refuse_unreadable
from unspool._text.reading.read_options import Columns, ReadOptions
from unspool._text.records import Record

BATCH = 1 << 22  # desired bytes of text in a batch


# The `pyarrow.Schema` of an open file, and a function that reads columns by their numbers, which ascend: it
# yields each `pyarrow.RecordBatch` with its share of the file.
ArrowTable = tuple[Any, Callable[[list[int]], Iterator[tuple[Any, float]]]]


def read_batches(
    place: FilePlace,
    options: ReadOptions,
    *,
    format_name: str,
    magic: bytes,
    open_table: Callable[[BinaryIO], ArrowTable],
) -> Iterator[Record]:
    """Read a file of columns, each row a record; empty texts are skipped.

    Numbers, dates and truth values become text, and null becomes an empty field.

    Args:
        place: The file.
        options: The options of reading, which choose the columns.
        format_name: The name of the format, for messages.
        magic: The bytes that a file of this format begins with.
        open_table: Function that opens the table in the file.

    Raises:
        CorpusError: If the file is of another format or broken, a chosen column is missing or holds no
            texts, or a text is not UTF-8. It names the file, and the column and the row where it can.
    """
    with refuse_unreadable(place.name), _refuse_broken(place.name, format_name), place.open() as file:
        _check_start(place.name, file.read(len(magic)), format_name, magic)
        size = file.seek(0, 2)
        schema, batches = open_table(file)
        names = schema.names
        selection = select(names, len(names), options, where=place.name)
        chosen = sorted({*selection.text, *selection.source, *(number for _, number in selection.context)})
        _check_columns(schema, chosen, place.name)
        before, signs = 0, DamageSigns()
        for batch, share in batches(chosen):
            if place.meter is not None:
                place.meter.add(round(size * share))
            wheres = [f"{place.name}, column {names[number]!r}" for number in chosen]
            texts = [_texts(*each, before) for each in zip(batch.columns, wheres, strict=True)]
            for number, row in enumerate(zip(*texts, strict=True), start=before):
                record = selection.record(dict(zip(chosen, row, strict=True)), options)
                if record:
                    signs.add(record.text)
                    yield record
                else:
                    place.notes.count(*NO_TEXT, f"{place.name}, row {number + 1:,}")
            before += batch.num_rows
        place.notes.warn_of(signs.sentences(place.name))


def arrow_columns(
    place: FilePlace, *, format_name: str, magic: bytes, open_table: Callable[[BinaryIO], ArrowTable]
) -> Columns:
    """Return the names of the columns that hold neither lists nor tables; see `read_batches`.

    Raises:
        CorpusError: If the file is of another format or broken.
    """
    with refuse_unreadable(place.name), _refuse_broken(place.name, format_name), place.open() as file:
        from pyarrow import types  # noqa: PLC0415 (an extra that few need)

        _check_start(place.name, file.read(len(magic)), format_name, magic)
        schema, _ = open_table(file)
        return tuple(field.name for field in schema if not types.is_nested(field.type))


@contextmanager
def _refuse_broken(name: str, format_name: str) -> Iterator[None]:
    """Convert an error of pyarrow to a CorpusError; pyarrow raises OSErrors of its own, without a number."""
    import pyarrow  # noqa: PLC0415 (an extra that few need)

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        got = str(error).strip().split("\n")[0]
        hint = "copy or download it again"
        raise CorpusError(f"{name}: broken {format_name} data", got=got, hint=hint) from None


def _check_start(name: str, start: bytes, format_name: str, magic: bytes) -> None:
    """Check that a file begins with the bytes of its format."""
    if start != magic:
        hint = "remove the suffix from its name, or choose its format (--format)"
        if start.startswith(GZIP_MAGIC):
            hint = "unpack it first (gunzip)"
        got = repr(start) if start else "an empty file"
        raise CorpusError(f"{name}: no {format_name} file", expected=f"{magic!r} first", got=got, hint=hint)


def _check_columns(schema: Any, chosen: Sequence[int], name: str) -> None:
    """Check that no chosen column holds lists or tables, or has the name of another column."""
    from pyarrow import types  # noqa: PLC0415

    for number in chosen:
        field = schema.field(number)
        where = f"{name}, column {field.name!r}"
        if schema.names.count(field.name) > 1:
            raise CorpusError(f"{where}: more than one has this name", hint="rename one of them")
        if types.is_nested(field.type):
            raise CorpusError(where, expected="texts, numbers or dates", got=str(field.type))


def _texts(column: Any, where: str, before: int) -> list[str]:
    """Return the values of a column as texts; a missing one, null or NaN, is empty.

    Args:
        column: A `pyarrow.Array`.
        where: The file and the column, for messages.
        before: Number of rows of the file before the first value.

    Raises:
        CorpusError: If a value is not UTF-8.
    """
    import pyarrow  # noqa: PLC0415

    plain = column.dictionary_decode() if pyarrow.types.is_dictionary(column.type) else column
    missing = (None, "nan") if pyarrow.types.is_floating(plain.type) else (None,)
    try:
        return ["" if text in missing else text for text in plain.cast(pyarrow.large_string()).to_pylist()]
    except (UnicodeDecodeError, pyarrow.ArrowInvalid):
        if len(plain) == 1:
            got = repr(plain.cast(pyarrow.large_binary())[0].as_py()[:40])
            what = f"{where}, row {before + 1:,}: not UTF-8"
            raise CorpusError(what, got=got, hint="save it as UTF-8") from None
        return [
            text for row in range(len(plain)) for text in _texts(plain.slice(row, 1), where, before + row)
        ]
