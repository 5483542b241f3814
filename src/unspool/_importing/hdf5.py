"""Arrays of an HDF5 file, read in a process of its own that has bounds and may fail."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from unspool._errors import ArtifactError, ConfigError
from unspool._extras import install_command
from unspool._importing.stack import Floats
from unspool._importing.tensors import floats_of, tensors_of

READER = "unspool._importing.hdf5_reader"
SECONDS = 120  # that the reader may take, on a machine that has other things to do


def hdf5_arrays(raw: bytes, *, where: str) -> dict[str, Floats]:
    """Return the arrays of an HDF5 file by their paths in it.

    Args:
        raw: The bytes of the file.
        where: Its name, for messages.

    Raises:
        ConfigError: If the package that reads HDF5 is not installed.
        ArtifactError: If the file is broken, has links to other places, or arrays that are not its own.
    """
    if importlib.util.find_spec("h5py") is None:
        what = "a Keras model needs the package h5py, which is not installed"
        raise ConfigError(what, hint=install_command("h5py"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "weights.h5")
        path.write_bytes(raw)
        done = _read(path, len(raw))
    if done is None or done.returncode != 0:
        said = "" if done is None else done.stderr.decode("utf-8", "replace").strip()
        crashed = "HDF5 cannot read it in the time and memory that it has"
        got = said.splitlines()[-1] if said and done is not None and done.returncode == 2 else crashed
        raise ArtifactError(where, expected="an HDF5 file of plain arrays", got=got)
    arrays, _ = tensors_of(done.stdout, where=where)
    return floats_of(arrays, where=where)


def _read(path: Path, most_bytes: int) -> subprocess.CompletedProcess[bytes] | None:
    """Run the reader; None if it took too long. It loads no plugins, and has one thread."""
    settings = {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1", "HDF5_USE_FILE_LOCKING": "FALSE"}
    command = [sys.executable, "-I", "-m", READER, str(path), str(most_bytes)]
    try:
        return subprocess.run(
            command, capture_output=True, timeout=SECONDS, env={**os.environ, **settings}, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
