"""One training at a time in a folder: two would mix their metrics and overwrite each other's model."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unspool._errors import ArtifactError
from unspool._storage import make_folder
from unspool._system import lock, open_folder_to_lock
from unspool._training.checkpoints import write_error

LOOKS, PAUSE = 10, 0.01  # at a lock, which `is_at_work` may hold for an instant; seconds between them


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
        make_folder(path)
        descriptor = open_folder_to_lock(path)
    except OSError as error:
        raise write_error(path, 1_000_000, error) from error
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def is_at_work(folder: str | Path) -> bool | None:
    """Return whether a training is at work in a folder; None where that cannot be seen.

    Args:
        folder: The folder of a run.
    """
    try:
        for look in range(2):  # another process may be asking the same at this instant
            descriptor = open_folder_to_lock(Path(folder))
            try:
                if lock(descriptor, wait=False):
                    return False
            finally:
                os.close(descriptor)
            time.sleep(PAUSE / 10 if look == 0 else 0)
    except OSError:
        return None
    return True


def _lock(descriptor: int, path: Path) -> None:
    try:
        for _ in range(LOOKS):
            if lock(descriptor, wait=False):
                return
            time.sleep(PAUSE)
    except OSError:
        return  # the file system has no locks
    hint = "wait until it ends, or choose another folder"
    raise ArtifactError(f"{path}: another training is writing to it", hint=hint)
