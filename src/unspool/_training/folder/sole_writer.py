"""One training at a time in a folder: two would mix their metrics and overwrite each other's model."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from unspool._errors import ArtifactError
from unspool._training.checkpoints import write_error


@contextmanager
def sole_writer(folder: str | Path) -> Iterator[None]:
    """Lock a run's folder, so that no other process trains in it; the folder is made if it does not exist.

    The lock is on the folder itself, so no file is left behind, and it ends with the process, however that
    ends. Where a file system has no locks, the folder is not locked.

    Args:
        folder: The run's folder.

    Raises:
        ArtifactError: If another training has locked the folder, or it cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise write_error(path, 1_000_000, error) from error
    try:
        with suppress(OSError):
            _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        hint = "wait until it ends, or choose another folder"
        raise ArtifactError(f"{path}: another training is writing to it", hint=hint) from None
