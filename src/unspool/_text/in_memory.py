"""Texts in memory by the options of `read_records`: lists, columns, and the rows of tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from unspool._errors import CorpusError
from unspool._text.containers import is_missing_value, is_open_file, items_of, text_of
from unspool._text.frames import column_names, column_values, first_with_texts, listed
from unspool._text.reading.columns import LENGTH, find_column, no_such_name
from unspool._text.reading.notes import Notes
from unspool._text.reading.read_options import Column, ReadOptions
from unspool._text.records import Record, Records

Row = Mapping[str, Any]
FOR_FILES_ONLY = ("format", "header", "delimiter", "quoting", "record_separator", "encoding")
WHERE = "the table"


def records_in_memory(texts: Any, options: ReadOptions) -> Records:
    """Return the records of texts in memory.

    Args:
        texts: What `Records.of` takes, or a table. Of a table, and of mappings where a column is chosen, the
            chosen columns are the text, the source and the context.
        options: The options of reading; those of files do not fit.

    Raises:
        CorpusError: If there are no texts, an option does not fit, or a column cannot be used.
    """
    for name in FOR_FILES_ONLY:
        if getattr(options, name) is not None:
            hint = f'leave it out, or name the file: train("names.txt", {name}=...)'
            raise CorpusError(f"texts in memory have no {name}", hint=hint)
    names = column_names(texts)
    chosen = bool(options.text or options.source_text or set(options.context) - {LENGTH})
    if names is not None:
        items: Iterable[object] = _rows_of_table(texts, names, options)
    elif not chosen:
        items = texts
    elif is_open_file(texts):
        hint = 'name the file: train("table.csv", text="title")'
        raise CorpusError("an open file is read as plain text, which has no columns", hint=hint)
    else:
        items = _chosen_of(items_of(texts, Notes()), options)
    return Records.of(items, document=options.document, normalization=options.normalization)  # type: ignore[arg-type]


def _rows_of_table(table: Any, names: list[str], options: ReadOptions) -> Iterator[Record | None]:
    """Return the records of a table's rows."""
    if not options.text and "text" not in names and len(names) != 1:
        _refuse_to_guess(table, names)
    text = options.text or ("text" if "text" in names else names[0],)
    chosen = _named(names, (text, options.source_text, options.context))
    every = list(dict.fromkeys(name for part in chosen for name in part))
    columns = [column_values(table, names, names.index(name)) for name in every]
    rows = (dict(zip(every, values, strict=True)) for values in zip(*columns, strict=True))
    return _records(rows, chosen, options.separator)


def _refuse_to_guess(table: Any, names: Sequence[str]) -> NoReturn:
    """Refuse a table of whose columns none is obviously the text.

    Raises:
        CorpusError: In any case.
    """
    example = repr(first_with_texts(table, names) or "NAME")
    hint = f"say which has the texts: train(table, text={example}); elsewhere read_records(table, text=...)"
    got = f"a table with the columns {listed(names)}" if names else "a table without columns"
    raise CorpusError("texts", expected="a column named 'text', or only one", got=got, hint=hint)


Chosen = tuple[list[str], list[str], list[str]]


def _named(names: Sequence[str], columns: Sequence[Sequence[Column]]) -> Chosen:
    """Return the names of the columns that are the text, the source and the context.

    Raises:
        CorpusError: If there is no such column.
    """
    text, source, context = (
        [
            names[find_column(names, len(names), column, where=WHERE)]
            for column in part
            if column != LENGTH or LENGTH in names
        ]
        for part in columns
    )
    return text, source, context


def _chosen_of(items: Iterable[object], options: ReadOptions) -> Iterator[Record | None]:
    """Yield the records of rows that name their columns.

    Raises:
        CorpusError: If an item is no such row, or no row has a chosen column.
    """
    columns = (options.text or ("text",), options.source_text, options.context)
    chosen: Chosen = tuple([str(column) for column in part if column != LENGTH] for part in columns)  # type: ignore[assignment]
    missing, first = {name for part in chosen for name in part}, None

    def rows() -> Iterator[Row]:
        nonlocal first
        for place, item in enumerate(items):
            row = item._asdict() if hasattr(item, "_asdict") else item
            if not isinstance(row, Mapping):
                hint = "leave out text, source_text and context, or pass mappings or a table"
                expected = "a row with named columns"
                raise CorpusError(f"text {place}", expected=expected, got=repr(item)[:60], hint=hint)
            first = first or [str(name) for name in row]
            missing.difference_update(row)
            yield row

    yield from _records(rows(), chosen, options.separator)
    for name in sorted(missing if first else ()):
        raise no_such_name(first, name, "the rows", advice="choose columns of a row by name")


def _records(rows: Iterable[Row], chosen: Chosen, separator: str) -> Iterator[Record | None]:
    """Yield the record of each row, None where its text is missing."""
    text, source, context = chosen
    for place, row in enumerate(rows):
        parts = [_text(row, name, place) for name in text]
        if not any(map(str.strip, parts)):
            yield None
            continue
        sources = [_text(row, name, place) for name in source]
        known = {name: _shown(row[name]) for name in context if name in row}
        yield Record(separator.join(parts), known, source=separator.join(sources) if source else None)


def _text(row: Row, name: str, place: int) -> str:
    """Return the text in a column of a row, empty if it is missing.

    Raises:
        CorpusError: If it is no text.
    """
    value = row.get(name)
    if is_missing_value(value):
        return ""
    text = text_of(value)
    if text is None:
        hint = "decode it: value.decode()" if isinstance(value, bytes) else "make a text of it: str(value)"
        where, got = f"column {name!r}, row {place}", f"{value!r} ({type(value).__name__})"
        raise CorpusError(where, expected="a text, a number or a date", got=got, hint=hint)
    return text


def _shown(value: object) -> str:
    return "" if is_missing_value(value) else str(value)
