"""Arrays in a safetensors file, checked against the file's size before anything is allocated.

Such a file is eight bytes with the length N of its header (little-endian), N bytes of JSON, and the arrays'
bytes. The header has the type, shape and place of each array; ``__metadata__`` holds texts. Here an array is
float32, or float16 or int8 in a model that was rounded, and the only text, ``unspool``, is itself JSON. Its
key ``sha256`` is a checksum of the other keys and of the arrays: names, types, shapes and bytes. Files of
version 0.1 have none.
"""

import hashlib
import itertools
import json
import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from unspool._artifacts.kept_precision import DTYPES, Arrays, Layout
from unspool._errors import ArtifactError, warn_user
from unspool._json_files import canonical_json, parse_json
from unspool._storage import open_regular

METADATA_KEY = "unspool"  # one text only: safetensors writes several in a random order
CHECKSUM = "sha256"
LARGEST_HEADER = 1 << 24
NAMES = {dtype.newbyteorder("="): name for name, dtype in DTYPES.items()}  # of NumPy's types
WORDS = {name: str(dtype.newbyteorder("=")) for name, dtype in DTYPES.items()}  # "F32" -> "float32"
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
        _check_finite(name, array, where)


def _check_finite(name: str, array: NDArray[Any], where: str) -> None:
    if not np.isfinite(array).all():
        hint = "its training diverged: use an earlier model"
        what = f"{where}: array {name!r}"
        raise ArtifactError(what, expected="finite numbers", got="NaN or infinity", hint=hint)


def _typed(name: str) -> str:
    """Return a type in words: "float32 (F32)"."""
    return f"{WORDS[name]} ({name})"


def tensor_file_bytes(arrays: Mapping[str, NDArray[Any]], content: Mapping[str, object]) -> bytes:
    """Return arrays as the bytes of a safetensors file, with JSON content and a checksum in its metadata.

    Args:
        arrays: The arrays by name, each of a type in `DTYPES`.
        content: The content of the metadata.
    """
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    layout = {name: (NAMES[array.dtype], array.shape) for name, array in contiguous.items()}
    data = {
        name: array.astype(DTYPES[layout[name][0]], copy=False).reshape(-1).data
        for name, array in contiguous.items()
    }
    sealed = {**content, CHECKSUM: _checksum(content, layout, data)}
    return save(contiguous, metadata={METADATA_KEY: json.dumps(sealed, sort_keys=True)})


def _checksum(
    content: Mapping[str, object],
    layout: Layout,
    data: Mapping[str, memoryview],
) -> str:
    """Return the checksum of a file's JSON content and arrays, in the order of their names."""
    names = sorted(layout)
    described = [[name, layout[name][0], list(layout[name][1])] for name in names]
    digest = hashlib.sha256(canonical_json([json.loads(json.dumps(content)), described]))
    for name in names:
        digest.update(data[name])
    return digest.hexdigest()


@dataclass(frozen=True)
class TensorFile:
    """An open safetensors file whose header fits its size.

    Args:
        path: The path of the file.
        layout: Name -> type and shape of each array, as the header declares them.
        places: Name -> first and last byte of each array, as the header declares it, from `begin`.
        begin: The place in the file where the bytes of the arrays begin.
        content: The JSON content of the metadata, without the checksum; not yet verified.
        checksum: The checksum in the metadata; None in a file of version 0.1.
        file: The open file; its arrays are read from it, so they are the checked ones even if the path now
            has another file.
    """

    path: Path
    layout: Layout
    places: dict[str, tuple[int, int]]
    begin: int
    content: dict[str, Any]
    checksum: object
    file: BinaryIO

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each array by its name."""
        return {name: shape for name, (_, shape) in self.layout.items()}

    @cached_property
    def raw(self) -> bytes:
        """The bytes of the file; they are read once."""
        self.file.seek(0)
        return self.file.read()

    def verify(self, keys: Collection[str]) -> None:
        """Check that content and arrays are what was written; warn if the file is too old to tell.

        Args:
            keys: The keys that the content may have.

        Raises:
            ArtifactError: If they are not.
        """
        unknown = [key for key in self.content if key not in keys]
        if unknown:
            what = f"{self.path}: metadata {METADATA_KEY!r}: unknown key {unknown[0]!r}"
            raise ArtifactError(what, expected=f"one of {', '.join(keys)}", hint=DAMAGED)
        if self.checksum is None:
            message = (
                f"{self.path} was saved by an older unspool, without a checksum: damage may go unnoticed "
                "until it is saved again"
            )
            warn_user(message, UserWarning)
            return
        view = memoryview(self.raw)[self.begin :]
        data = {name: view[begin:end] for name, (begin, end) in self.places.items()}
        if self.checksum != _checksum(self.content, self.layout, data):
            raise ArtifactError(f"{self.path}: its checksum does not match its content", hint=DAMAGED)

    def read(self, expected: Mapping[str, tuple[int, ...]]) -> Arrays:
        """Read the arrays, if they are the expected ones in float32; `verify` them first.

        Args:
            expected: Name -> shape, in the order of the result.

        Returns:
            New arrays that may be changed.

        Raises:
            ArtifactError: If names or shapes differ (before any array is read), or a number is not finite.
        """
        return self.read_stored({name: ("F32", shape) for name, shape in expected.items()})

    def read_stored(self, expected: Layout) -> dict[str, NDArray[Any]]:
        """Read the arrays as they are stored, if they are the expected ones; `verify` them first.

        Args:
            expected: Name -> type and shape, in the order of the result.

        Returns:
            New arrays that may be changed.

        Raises:
            ArtifactError: If names, shapes or types differ (before any array is read), or a number is not
                finite.
        """
        _check_shapes(self.shapes, {name: shape for name, (_, shape) in expected.items()}, str(self.path))
        for name, (dtype, _) in expected.items():
            got = self.layout[name][0]
            if got != dtype:
                what = f"{self.path}: array {name!r}"
                raise ArtifactError(what, expected=_typed(dtype), got=_typed(got), hint=DAMAGED)
        try:
            stored = load(self.raw)
            arrays = {name: np.array(stored[name], order="C") for name in expected}
        except (SafetensorError, ValueError, TypeError, KeyError) as error:
            what = f"{self.path}: safetensors cannot read it"
            raise ArtifactError(what, got=str(error), hint=DAMAGED) from None
        for name, array in arrays.items():
            _check_finite(name, array, str(self.path))
        return arrays


@contextmanager
def open_tensor_file(
    path: Path, check_content: Callable[[Mapping[str, Any]], None] = lambda _: None
) -> Iterator[TensorFile]:
    """Open a safetensors file and check its header against its size.

    Args:
        path: The file.
        check_content: What is called with the JSON content before the arrays are looked at, so that a file of
            a later version is refused as such.

    Yields:
        The open file, before any of its arrays is read.

    Raises:
        ArtifactError: If the header is broken, or declares another number of bytes than the file has.
        OSError: If the file cannot be opened, or is not a file.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        header, begin = _read_header(file, size, path)
        content = _read_content(header.pop("__metadata__", None), path)
        check_content(content)
        layout = {name: _checked_layout(name, entry, path) for name, entry in header.items()}
        _check_places(header, size - begin, path)
        places = {name: tuple(entry["data_offsets"]) for name, entry in header.items()}
        yield TensorFile(path, layout, places, begin, content, content.pop(CHECKSUM, None), file)


def _read_header(file: BinaryIO, size: int, path: Path) -> tuple[dict[str, Any], int]:
    """Return the header and the place where the arrays' bytes begin."""
    if size < 8:
        raise ArtifactError(str(path), expected="8 bytes or more", got=f"{size} bytes", hint=DAMAGED)
    length = int.from_bytes(file.read(8), "little")
    most = min(size - 8, LARGEST_HEADER)
    if length > most:
        what = f"{path}: header"
        raise ArtifactError(what, expected=f"at most {most} bytes", got=f"{length} declared", hint=DAMAGED)
    return parse_json(file.read(length), where=f"{path}: header", hint=DAMAGED), 8 + length


def _read_content(metadata: object, path: Path) -> dict[str, Any]:
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        hint = "unspool did not save this file"
        raise ArtifactError(f"{path}: metadata {METADATA_KEY!r}", expected="a text", got="none", hint=hint)
    return parse_json(text, where=f"{path}: metadata {METADATA_KEY!r}", hint=DAMAGED)


def _are_counts(values: object) -> bool:
    """Return whether this is a short list of sizes; larger numbers fit no file and take long to multiply."""
    if not isinstance(values, list) or len(values) > 4:
        return False
    return all(type(value) is int and 0 <= value < 1 << 53 for value in values)


def _checked_layout(name: str, entry: object, path: Path) -> tuple[str, tuple[int, ...]]:
    """Check one array's entry by itself and return its type and shape."""
    where = f"{path}: array {name!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ArtifactError(where, expected="dtype, shape and data_offsets", got=repr(entry), hint=DAMAGED)
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
        expected = ", ".join(map(_typed, DTYPES))
        raise ArtifactError(where, expected=expected, got=repr(entry["dtype"]), hint=DAMAGED)
    for key in ("shape", "data_offsets"):
        if not _are_counts(entry[key]):
            expected = "at most 4 whole numbers ≥ 0"
            raise ArtifactError(f"{where}: {key}", expected=expected, got=repr(entry[key]), hint=DAMAGED)
    if len(entry["data_offsets"]) != 2:
        got = repr(entry["data_offsets"])
        raise ArtifactError(f"{where}: data_offsets", expected="two numbers", got=got, hint=DAMAGED)
    return entry["dtype"], tuple(entry["shape"])


def _check_places(header: Mapping[str, Any], available: int, path: Path) -> None:
    """Check that the arrays lie end to end and fill the rest of the file exactly."""
    places = sorted((*entry["data_offsets"], name) for name, entry in header.items())
    ends = [0, *(end for _, end, _ in places)]
    for before, (begin, end, name) in zip(itertools.chain(ends), places, strict=False):
        bytes_each = DTYPES[header[name]["dtype"]].itemsize
        expected = (before, before + bytes_each * math.prod(header[name]["shape"]))
        if (begin, end) != expected:
            what = f"{path}: array {name!r}: data_offsets"
            raise ArtifactError(what, expected=repr(expected), got=repr((begin, end)), hint=DAMAGED)
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
            raise ArtifactError(what, expected=f"one of {', '.join(expected)}")
