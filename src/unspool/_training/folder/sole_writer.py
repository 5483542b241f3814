"""One training at a time in a folder: two would mix their metrics and overwrite each other's model."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unspool._errors import ArtifactError
from unspool._system import lock, open_folder_to_lock
from unspool._training.checkpoints import write_error


@contextmanager
def sole_writer(folder: str | Path) -> Iterator[None]:
    """Lock a run's folder, so that no other process trains in it; the folder is made if it does not exist.

    No file is left behind, and the lock ends with the process, however that ends. Where a file system has no
    locks, the folder is not locked.

    Args:
        folder: The run's folder.

    Raises:
        ArtifactError: If another training has locked the folder, or it cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = open_folder_to_lock(path)
    except OSError as error:
        raise write_error(path, 1_000_000, error) from error
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        locked = lock(descriptor, wait=False)
    except OSError:
        return  # the file system has no locks
    if not locked:
        hint = "wait until it ends, or choose another folder"
        raise ArtifactError(f"{path}: another training is writing to it", hint=hint)
