"""Data frames of pandas or polars, whichever is there; unspool needs neither."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._extras import install_command

LIBRARIES = ("pandas", "polars")


def data_frame(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], library: str | None = None) -> Any:
    """Return rows as a data frame.

    Args:
        columns: The names of the columns, in order.
        rows: A dictionary for each row; a column that one lacks is missing there.
        library: "pandas" or "polars"; None for the first of them that is installed.

    Returns:
        A DataFrame of the library.

    Raises:
        ConfigError: If the library has another name, or is not installed.
    """
    known = library is None or library in LIBRARIES
    check("library", library, f"{', '.join(LIBRARIES)}, or None for the one that is installed", known)
    there = [name for name in LIBRARIES if library in (None, name) and find_spec(name) is not None]
    if not there:
        what = f"a data frame needs {library or ' or '.join(LIBRARIES)}, and it is not installed"
        raise ConfigError(what, hint=install_command(library or LIBRARIES[0]))
    rows = list(rows)
    values = {name: [row.get(name) for row in rows] for name in columns}
    options = {"strict": False} if there[0] == "polars" else {}
    return import_module(there[0]).DataFrame(values, **options)
