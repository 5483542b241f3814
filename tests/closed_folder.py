"""A folder that this process may not enter, even where root runs the tests."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

NOBODY = 65534


@contextlib.contextmanager
def closed_folder(parent: Path) -> Iterator[Path]:
    """Make a folder that may not be entered; until the end of the block root is another user."""
    folder, user = parent / "closed", os.geteuid()
    folder.mkdir(mode=0)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(user)
        folder.chmod(0o700)
