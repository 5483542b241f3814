"""The files that a command writes: a check of their names before the work, and the files."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from unspool._errors import ConfigError
from unspool._storage import atomic_file


def checked_path(flag: str, name: str, suffixes: Iterable[str], *, overwrite: bool) -> Path:
    """Check the name of a file before its content is computed, and return its path.

    Args:
        flag: The flag that has the name, for messages.
        name: The name.
        suffixes: The suffixes that it may have.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigError: If the file cannot be written, or exists and must not be replaced.
    """
    path = Path(name)
    if path.suffix.lower() not in suffixes:
        raise ConfigError(f"{flag} {name}", expected=f"a name that ends in {', '.join(suffixes)}")
    if not path.parent.is_dir():
        raise ConfigError(f"{flag} {name}", expected="an existing folder", got=f"no folder {path.parent}")
    if path.is_dir() or (path.exists() and not overwrite):
        got = "a folder" if path.is_dir() else "an existing file"
        raise ConfigError(
            f"{flag} {name}", expected="a new name", got=got, hint="choose another name, or add --overwrite"
        )
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a text file that gets its name when it is complete; it is always UTF-8, as in `json_text`."""
    with atomic_file(path) as raw:
        file = io.TextIOWrapper(raw, encoding="utf-8", newline="", errors="backslashreplace")
        yield file
        file.flush()
        file.detach()
