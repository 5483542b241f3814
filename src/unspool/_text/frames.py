"""Tables in memory, of whatever library: the names of their columns, and the values of one.

No library is imported for it. Tables of pandas, polars, pyarrow, Hugging Face datasets and others name their
columns, and return one by its name; others hand on Arrow data, which pyarrow reads if it is installed.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

from unspool._errors import CorpusError
from unspool._extras import install_command

SHOWN = 12  # names of columns that an error lists
LOOKED_AT = 100  # values of a column that say whether it has texts


class TableInMemory(Protocol):
    """A table with named columns, such as a frame of pandas or polars, or a table of pyarrow."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""
        ...


def column_names(table: Any) -> list[str] | None:
    """Return the names of the columns of a table, or None if it is no table."""
    kind = type(table)
    if isinstance(table, type | Mapping) or not (hasattr(kind, "columns") or hasattr(kind, "column_names")):
        return None
    schema = getattr(table, "collect_schema", None)  # of polars, which may not know its columns yet
    names = schema().names() if callable(schema) else getattr(table, "column_names", None)
    names = getattr(table, "columns", None) if names is None else names
    return None if names is None else [str(name) for name in names]


def has_splits(texts: object) -> bool:
    """Return whether something has tables by name, as a data set has that is split in parts."""
    return isinstance(texts, Mapping) and any(column_names(part) is not None for part in texts.values())


def listed(names: Iterable[object]) -> str:
    """Return the first names in quotes, with commas between them."""
    every = list(names)
    return ", ".join(repr(str(name))[:40] for name in every[:SHOWN]) + (", …" if len(every) > SHOWN else "")


def column_values(table: Any, names: Sequence[str], number: int) -> Iterable[Any]:
    """Return the values of a column of a table.

    Args:
        table: The table.
        names: The names of its columns.
        number: The number of the column.

    Raises:
        CorpusError: If its values cannot be read, or another column has the same name.
    """
    name = names[number]
    if names.count(name) > 1:
        raise CorpusError(f"more than one column is named {name!r}", hint="rename one of them")
    frame_names = getattr(table, "columns", None)  # those of pandas need not be strings
    labels = list(frame_names) if isinstance(frame_names, Iterable) else []
    label = labels[number] if [str(each) for each in labels] == list(names) else name
    try:
        return values_of(table[label])
    except (TypeError, KeyError):
        hint = "compute it first (.collect(), .compute() or .to_pandas()), or pass a list of its texts"
        raise CorpusError(
            f"column {name!r}", expected="values that can be read", got=type(table).__name__, hint=hint
        ) from None


def values_of(column: Any) -> Iterable[Any]:
    """Return the values of a column as objects of Python.

    Raises:
        TypeError: If it has none that can be read.
    """
    if callable(getattr(column, "to_pylist", None)):  # of pyarrow, whose items are objects of its own
        values: Iterable[Any] = column.to_pylist()
        return values
    if isinstance(column, Iterable):
        return column
    if hasattr(column, "__arrow_c_stream__"):
        if find_spec("pyarrow") is None:
            what = f"a column of {type(column).__name__}: reading it needs the package pyarrow"
            raise CorpusError(what, hint=install_command("parquet"))
        import pyarrow  # noqa: PLC0415 - an extra that few need

        return values_of(pyarrow.table(column).column(0))
    raise TypeError(type(column).__name__)


def first_with_texts(table: Any, names: Sequence[str]) -> str | None:
    """Return the name of the first column that begins with texts, or None if none does."""
    for number, name in enumerate(names):
        try:
            values = zip(column_values(table, names, number), range(LOOKED_AT), strict=False)
            if any(isinstance(value, str) for value, _ in values):
                return name
        except CorpusError:
            continue
    return None
