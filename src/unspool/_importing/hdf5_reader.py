"""A program of its own that reads the arrays of an HDF5 file, and that alone breaks of a broken one.

``python -I -m unspool._importing.hdf5_reader FILE MOST_BYTES`` writes the arrays as a safetensors file to
standard output, and ends with 0; or it writes one line that says what is wrong to standard error, and ends
with 2.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

from unspool._system import limit_resources

MOST_OBJECTS = 4096
MOST_LEVELS = 12
SECONDS = 60
MEMORY = 4 << 30  # bytes of addresses


class NotReadError(Exception):
    """The reason why a file is not read."""


def datasets(group: Any, path: str = "", level: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the path and the data set of each array below a group; links that lead elsewhere are refused.

    Raises:
        NotReadError: If there is a link, an array whose bytes are elsewhere, or too much of anything.
    """
    import h5py  # noqa: PLC0415 - an extra

    if level > MOST_LEVELS or len(group) > MOST_OBJECTS:
        raise NotReadError(f"{path or '/'} has too many levels or members")
    for name in group:
        place = f"{path}/{name}".removeprefix("/")
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise NotReadError(f"{place} is a link to another place, which is not followed")
        item = group[name]
        if isinstance(item, h5py.Group):
            yield from datasets(item, place, level + 1)
        elif isinstance(item, h5py.Dataset):
            yield place, item
        else:
            raise NotReadError(f"{place} is neither a group nor an array")


def checked(place: str, item: Any) -> int:
    """Return the number of bytes of an array that lies in the file as it is.

    Raises:
        NotReadError: If it lies elsewhere, is compressed, or has other numbers than floats.
    """
    if item.is_virtual or item.external or item.compression or item.dtype.kind not in "f":
        raise NotReadError(f"{place} is of type {item.dtype}, compressed, or lies in another file")
    if item.ndim > 4 or item.dtype.itemsize not in (2, 4, 8):
        raise NotReadError(f"{place} has {item.ndim} axes of type {item.dtype}")
    return int(item.dtype.itemsize) * int(item.size)


def arrays_of(path: str, most_bytes: int) -> dict[str, Any]:
    """Read all arrays of a file, if they are together no larger than it may be.

    Raises:
        NotReadError: If they are, or one is of a kind that is not read.
    """
    import h5py  # noqa: PLC0415 - an extra
    import numpy as np  # noqa: PLC0415 - after the limits

    found: dict[str, Any] = {}
    with h5py.File(path, "r") as file:
        for place, item in datasets(file):
            if item.dtype.kind in "iu":
                continue  # steps of an optimizer and states of random numbers, which are no weights
            most_bytes -= checked(place, item)
            if most_bytes < 0 or len(found) == MOST_OBJECTS or place in found:
                raise NotReadError(f"{place} is one array too many, or larger than its file")
            found[place] = np.array(item[()], "<f4")
    return found


def main(path: str, most_bytes: str) -> int:
    """Read a file and write its arrays; return the exit code."""
    from safetensors.numpy import save  # noqa: PLC0415 - after the limits

    limit_resources(seconds=SECONDS, memory=MEMORY)
    try:
        raw = save(arrays_of(path, int(most_bytes)))
    except NotReadError as error:
        reason = str(error)
    except Exception as error:  # whatever a broken file makes of the library
        reason = f"HDF5 cannot read it: {str(error) or type(error).__name__}"
    else:
        with os.fdopen(os.dup(1), "wb") as out:
            out.write(raw)
        return 0
    sys.stderr.write(reason.replace("\n", " ")[:500] + "\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
