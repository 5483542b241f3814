"""Folders: written so that one finds the old one or the new one, whoever is killed while he writes."""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePath

from unspool._storage import locked_file, open_regular, remove_torn, sync_file
from unspool._system import exchange, lock, remove_open, replace, sync_folder

NEW, OLD = ".new", ".old"  # of the hidden names of folders that are written, and that are replaced
LEFT = re.compile(r"\.(.+)\.[0-9a-f]{12}\.(?:new|old)", re.DOTALL)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that gets its name, and replaces an old one, only when it is whole.

    Where the system can exchange two names in one step, the old folder or the new one is there at any time.
    Elsewhere there is a moment without either: who is killed in it leaves the old one under a hidden name,
    and the next call gives it its name again. The next call also removes what killed ones have left.

    Args:
        path: The folder to write, or a link to one; the folder that it is in must exist.
        files: The content of each file by its path in the folder.

    Raises:
        OSError: If the folder cannot be written or the disk is full.
    """
    path = Path(os.path.realpath(path))
    mend_folders(path.parent)
    remove_torn(path.parent)
    held, file = locked_file(path)  # its lock says that the folders are somebody's
    new, old = (held.with_suffix(suffix) for suffix in (NEW, OLD))
    try:
        _fill(new, files)
        if not path.exists():
            replace(new, path)
        elif not exchange(new, path):
            path.rename(old)
            replace(new, path)
        sync_folder(path.parent)
    finally:
        if old.exists() and not path.exists():
            old.rename(path)
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)
        with file, contextlib.suppress(OSError):
            remove_open(file, held)


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with files, and force all of it to the disk: files first, then folders, deepest first."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        sync_file(folder / name)
    inner = {folder / within for name in files for within in PurePath(name).parents}
    for made in sorted(inner | {folder}, key=lambda each: (-len(each.parts), each)):
        sync_folder(made)


def mend_folders(parent: Path) -> None:
    """Restore the names that killed processes took from folders, and remove what else these left.

    Args:
        parent: The folder that they are in; where it has no locks, or cannot be read, nothing is done.
    """
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(parent)):  # noqa: PTH208 - as in `remove_torn`
            found = LEFT.fullmatch(name)
            if found is not None:
                with contextlib.suppress(OSError):
                    _mend_folder(parent / name, parent / found[1])


def _mend_folder(left: Path, path: Path) -> None:
    """Restore the name of a folder, or remove it, if the process that had it has ended.

    Raises:
        OSError: If that cannot be done.
    """
    held = left.with_suffix(".tmp")
    with contextlib.suppress(FileNotFoundError), open_regular(held) as file:
        if not lock(file.fileno(), wait=False):
            return
        remove_open(file, held)
    if left.suffix == OLD and not path.exists():
        left.rename(path)
    else:
        shutil.rmtree(left)
