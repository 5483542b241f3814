"""Arrays in a safetensors file, checked against the file's size before anything is allocated.

Such a file is eight bytes with the length N of its header (little-endian), N bytes of JSON, and the arrays'
bytes. The header has the type, shape and place of each array; ``__metadata__`` holds texts. Here every array
is float32, and the only text, ``unspool``, is itself JSON.
"""

import itertools
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from unspool._errors import ArtifactError

Arrays = dict[str, NDArray[np.float32]]
METADATA_KEY = "unspool"  # one text only: safetensors writes several in a random order
LARGEST_HEADER = 1 << 24
DAMAGED = "the file is damaged or is not a model: copy it again, or save the model again"


def check_arrays(
    arrays: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]], *, where: str
) -> None:
    """Refuse arrays that are not exactly the expected ones, float32 and finite.

    Args:
        arrays: The arrays by name.
        shapes: The expected shapes by name.
        where: The owner of the arrays, for messages.

    Raises:
        ArtifactError: If an array is missing, unknown, of another shape or type, or not finite; the first one
            is named.
    """
    _check_shapes({name: array.shape for name, array in arrays.items()}, shapes, where)
    for name, array in arrays.items():
        if array.dtype != np.float32:
            raise ArtifactError(f"{where}: array {name!r}", expected="float32", got=str(array.dtype))
        if not np.isfinite(array).all():
            hint = "its training diverged: use an earlier model"
            what = f"{where}: array {name!r}"
            raise ArtifactError(what, expected="finite numbers", got="NaN or infinity", hint=hint)


def tensor_file_bytes(arrays: Arrays, content: Mapping[str, object]) -> bytes:
    """Return arrays as the bytes of a safetensors file, with JSON content in its metadata."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(contiguous, metadata={METADATA_KEY: json.dumps(content, sort_keys=True)})


@dataclass(frozen=True)
class TensorFile:
    """An open safetensors file whose header fits its size.

    Args:
        path: The path of the file.
        shapes: Name -> shape of each array, as the header declares it.
        content: The JSON content of the metadata.
        file: The open file; its arrays are read from it, so they are the checked ones even if the path now
            has another file.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    content: dict[str, Any]
    file: BinaryIO

    def read(self, expected: Mapping[str, tuple[int, ...]]) -> Arrays:
        """Read the arrays, if they are the expected ones.

        Args:
            expected: Name -> shape, in the order of the result.

        Returns:
            New arrays that may be changed.

        Raises:
            ArtifactError: If names or shapes differ (before any array is read), or a number is not finite.
        """
        _check_shapes(self.shapes, expected, str(self.path))
        self.file.seek(0)
        try:
            stored = load(self.file.read())
            arrays = {name: np.array(stored[name], order="C") for name in expected}
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            what = f"{self.path}: safetensors cannot read it"
            raise ArtifactError(what, got=str(error), hint=DAMAGED) from None
        check_arrays(arrays, expected, where=str(self.path))
        return arrays


@contextmanager
def open_tensor_file(path: Path) -> Iterator[TensorFile]:
    """Open a safetensors file and check its header against its size.

    Args:
        path: The file.

    Yields:
        The open file, before any of its arrays is read.

    Raises:
        ArtifactError: If the header is broken, or declares another number of bytes than the file has.
        OSError: If the file cannot be opened.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        header, begin = _read_header(file, size, path)
        content = _read_content(header.pop("__metadata__", None), path)
        shapes = {name: _checked_shape(name, entry, path) for name, entry in header.items()}
        _check_places(header, size - begin, path)
        yield TensorFile(path, shapes, content, file)


def parse_json_object(text: str, *, where: str) -> dict[str, Any]:
    """Return a JSON object from its text, strictly: no NaN, no infinity.

    Raises:
        ArtifactError: If the text is not JSON, or not an object.
    """
    try:
        values = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(where, expected="JSON", got=str(error), hint=DAMAGED) from None
    if not isinstance(values, dict):
        raise ArtifactError(where, expected="a JSON object", got=type(values).__name__, hint=DAMAGED)
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _read_header(file: BinaryIO, size: int, path: Path) -> tuple[dict[str, Any], int]:
    """Return the header and the place where the arrays' bytes begin."""
    if size < 8:
        raise ArtifactError(str(path), expected="8 bytes or more", got=f"{size} bytes", hint=DAMAGED)
    length = int.from_bytes(file.read(8), "little")
    most = min(size - 8, LARGEST_HEADER)
    if length > most:
        what = f"{path}: header"
        raise ArtifactError(what, expected=f"at most {most} bytes", got=f"{length} declared", hint=DAMAGED)
    try:
        text = file.read(length).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path}: header", expected="UTF-8", got=str(error), hint=DAMAGED) from None
    return parse_json_object(text, where=f"{path}: header"), 8 + length


def _read_content(metadata: object, path: Path) -> dict[str, Any]:
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        hint = "unspool did not save this file"
        raise ArtifactError(f"{path}: metadata {METADATA_KEY!r}", expected="a text", got="none", hint=hint)
    return parse_json_object(text, where=f"{path}: metadata {METADATA_KEY!r}")


def _are_counts(values: object) -> bool:
    """Return whether this is a short list of sizes; larger numbers fit no file and take long to multiply."""
    if not isinstance(values, list) or len(values) > 4:
        return False
    return all(type(value) is int and 0 <= value < 1 << 53 for value in values)


def _checked_shape(name: str, entry: object, path: Path) -> tuple[int, ...]:
    """Check one array's entry by itself and return its shape."""
    where = f"{path}: array {name!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ArtifactError(
            where, expected="dtype, shape and data_offsets", got=repr(entry)[:80], hint=DAMAGED
        )
    if entry["dtype"] != "F32":
        raise ArtifactError(where, expected="float32 (F32)", got=repr(entry["dtype"])[:80], hint=DAMAGED)
    for key in ("shape", "data_offsets"):
        if not _are_counts(entry[key]):
            expected = "at most 4 whole numbers ≥ 0"
            raise ArtifactError(f"{where}: {key}", expected=expected, got=repr(entry[key])[:80], hint=DAMAGED)
    if len(entry["data_offsets"]) != 2:
        got = repr(entry["data_offsets"])[:80]
        raise ArtifactError(f"{where}: data_offsets", expected="two numbers", got=got, hint=DAMAGED)
    return tuple(entry["shape"])


def _check_places(header: Mapping[str, Any], available: int, path: Path) -> None:
    """Check that the arrays lie end to end and fill the rest of the file exactly."""
    places = sorted((*entry["data_offsets"], name) for name, entry in header.items())
    ends = [0, *(end for _, end, _ in places)]
    for before, (begin, end, name) in zip(itertools.chain(ends), places, strict=False):
        expected = (before, before + 4 * math.prod(header[name]["shape"]))
        if (begin, end) != expected:
            what = f"{path}: array {name!r}: data_offsets"
            raise ArtifactError(what, expected=repr(expected)[:80], got=repr((begin, end))[:80], hint=DAMAGED)
    if ends[-1] != available:
        got = f"{available}: " + ("the file is cut short" if available < ends[-1] else "there is more")
        what = f"{path}: bytes of arrays"
        raise ArtifactError(what, expected=f"{ends[-1]} as declared", got=got, hint=DAMAGED)


def _check_shapes(
    shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], where: str
) -> None:
    for name, shape in expected.items():
        if name not in shapes:
            what = f"{where}: array {name!r} is missing"
            raise ArtifactError(what, expected=f"shape {shape}", hint="the file belongs to another network")
        if shapes[name] != shape:
            raise ArtifactError(
                f"{where}: array {name!r}", expected=f"shape {shape}", got=f"shape {shapes[name]}"
            )
    for name in shapes:
        if name not in expected:
            what = f"{where}: array {name!r} is not part of the network"
            raise ArtifactError(what, expected=f"one of {', '.join(expected)}"[:200])
