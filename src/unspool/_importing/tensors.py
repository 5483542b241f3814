"""Arrays of a safetensors file that somebody else wrote, whose header is checked before they are read."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ArtifactError
from unspool._json_files import parse_json
from unspool._storage import open_regular

MOST_BYTES = 1 << 30  # of a file that is imported
LARGEST_HEADER = 1 << 24
MOST_AXES = 4
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # the types of numbers that become float32
DAMAGED = "the file is damaged: copy it again, or save it again"


def read_bytes(path: Path, *, most_bytes: int | None = None) -> bytes:
    """Return the content of a file of a bearable size.

    Args:
        path: The file.
        most_bytes: The largest size; None for the usual one.

    Raises:
        ArtifactError: If it is too large, cannot be read or is not a file.
    """
    most = MOST_BYTES if most_bytes is None else most_bytes
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            raw = file.read(most + 1) if size <= most else b""
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error)) from None
    if max(size, len(raw)) > most:
        raise ArtifactError(str(path), expected=f"at most {most:,} bytes", got=f"{size:,}")
    return raw


def tensors_of(
    raw: bytes, *, where: str, int8: bool = False
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays in the bytes of a safetensors file, as they are, and its metadata.

    Numbers are float64, float32, float16 or bfloat16, which comes as float32.

    Args:
        raw: The bytes.
        where: The name of the file, for messages.
        int8: Whether integers of 8 bits are taken as well.

    Raises:
        ArtifactError: If the header is broken, has other types, or declares what the file has not.
    """
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 8 or length > min(len(raw) - 8, LARGEST_HEADER):
        got = f"a header of {length:,} bytes in a file of {len(raw):,}"
        raise ArtifactError(where, expected="a safetensors file", got=got, hint=DAMAGED)
    header = parse_json(raw[8 : 8 + length], where=f"{where}: header", hint=DAMAGED)
    metadata = header.pop("__metadata__", None)
    data = memoryview(raw)[8 + length :]
    sizes = SIZES | ({"I8": 1} if int8 else {})
    arrays = {name: _array(data, name, entry, sizes, where) for name, entry in header.items()}
    if sum(_bytes(entry) for entry in header.values()) != len(data):
        got = f"{len(data):,} bytes of arrays"
        raise ArtifactError(where, expected="those that its header declares", got=got, hint=DAMAGED)
    return arrays, metadata if isinstance(metadata, dict) else {}


def floats_of(arrays: Mapping[str, NDArray[Any]], *, where: str) -> dict[str, NDArray[np.float32]]:
    """Return arrays as float32.

    Raises:
        ArtifactError: If a number is not finite or beyond float32.
    """
    found = {}
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            found[name] = np.ascontiguousarray(array, np.float32)
        if not np.isfinite(found[name]).all():
            got = "NaN, infinity or a number beyond them"
            raise ArtifactError(
                f"{where}: {name}",
                expected="finite numbers of float32",
                got=got,
                hint="its training diverged",
            )
    return found


def _bytes(entry: Mapping[str, Any]) -> int:
    begin, end = entry["data_offsets"]
    return int(end - begin)


def _array(data: memoryview, name: str, entry: object, sizes: Mapping[str, int], where: str) -> NDArray[Any]:
    """Return one array, after its entry was checked by itself."""
    where = f"{where}: {name}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        expected, got = "dtype, shape and data_offsets", json.dumps(entry)
        raise ArtifactError(where, expected=expected, got=got, hint=DAMAGED)
    dtype, shape, places = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in sizes:
        expected = f"numbers of type {', '.join(sizes)}"
        raise ArtifactError(where, expected=expected, got=json.dumps(dtype), hint="save float32 weights")
    if not _are_counts(shape, MOST_AXES) or not _are_counts(places, 2) or len(places) != 2:
        got = f"shape {json.dumps(shape)} at {json.dumps(places)}"
        raise ArtifactError(where, expected=f"at most {MOST_AXES} axes and two places", got=got, hint=DAMAGED)
    begin, end = places
    if end > len(data) or end - begin != sizes[dtype] * math.prod(shape):
        got = f"shape {json.dumps(shape)} at {json.dumps(places)}, in {len(data):,} bytes"
        raise ArtifactError(where, expected="a place that holds its shape", got=got, hint=DAMAGED)
    piece = data[begin:end]
    if dtype == "BF16":
        wide = np.frombuffer(piece, "<u2").astype(np.uint32) << np.uint32(16)
        return wide.view(np.float32).reshape(shape)
    return np.frombuffer(piece, "i1" if dtype == "I8" else f"<f{sizes[dtype]}").reshape(shape)


def _are_counts(values: object, most: int) -> bool:
    if not isinstance(values, list) or len(values) > most:
        return False
    return all(type(value) is int and 0 <= value < 1 << 40 for value in values)
