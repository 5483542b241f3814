"""Safetensors files: every lie that a header can tell is named before an array is read."""

import hashlib
import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unspool._artifacts.tensor_files import LARGEST_HEADER, open_tensor_file, tensor_file_bytes
from unspool._errors import ArtifactError

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([7, 8], dtype=np.float32)}
SHAPES = {name: values.shape for name, values in ARRAYS.items()}
HEADER: dict[str, Any] = {
    "__metadata__": {"unspool": "{}"},
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]},
}


def with_header(header: object, data: bytes = b"\x00" * 32, *, length: int | None = None) -> bytes:
    """Lay a file out by hand."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def read(path: Path) -> dict[str, Any]:
    with open_tensor_file(path) as file:
        return file.read(SHAPES)


def test_the_round_trip_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(tensor_file_bytes(ARRAYS, {"é": [1, None]}))
    with open_tensor_file(path) as file:
        assert file.content == {"é": [1, None]}
        assert file.shapes == SHAPES
        arrays = file.read({"b": (2,), "a": (2, 3)})
    assert list(arrays) == ["b", "a"]  # in the order that was asked for
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], values)
        arrays[name][...] = 0  # may be written to


def test_a_header_by_hand_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(with_header(HEADER))
    assert not any(values.any() for values in read(path).values())


def changed(name: str, key: str, value: object) -> bytes:
    """Tell one lie about one array."""
    return with_header({**HEADER, name: {**HEADER[name], key: value}})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "expected 8 bytes or more, got 0 bytes"),
        (b"\x00" * 7, "expected 8 bytes or more, got 7 bytes"),
        (with_header(HEADER, length=10**9), "header: expected at most .* bytes, got 1000000000 declared"),
        (with_header(HEADER, length=2**64 - 1), "header: expected at most"),
        (with_header(b"\xff\xfe"), "header: expected UTF-8"),
        (with_header(b"{"), "header: expected JSON"),
        (with_header(b"[" * 50_000), "header: expected JSON"),
        (with_header([]), "header: expected a JSON object, got list"),
        (with_header({}), "metadata 'unspool': expected a text, got none; unspool did not save this file"),
        (with_header({**HEADER, "__metadata__": {"unspool": "x"}}), "metadata 'unspool': expected JSON"),
        (
            with_header({**HEADER, "__metadata__": {"unspool": "[]"}}),
            "metadata 'unspool': expected a JSON ob",
        ),
        (with_header({**HEADER, "a": 3}), "array 'a': expected dtype, shape and data_offsets, got 3"),
        (with_header({**HEADER, "a": {"dtype": "F32"}}), "array 'a': expected dtype, shape and data_offsets"),
        (changed("a", "dtype", "F64"), "array 'a': expected float32 .*, got 'F64'"),
        (changed("a", "shape", [2, -3]), "array 'a': shape: expected at most 4 whole numbers"),
        (changed("a", "shape", [2, 3.0]), "array 'a': shape: expected at most 4 whole numbers"),
        (changed("a", "shape", [1] * 100_000), "array 'a': shape: expected at most 4 whole numbers"),
        (changed("a", "shape", [10**4000]), "header: expected JSON, got a whole number of more than 64"),
        (changed("a", "shape", [2**50, 2**50]), r"array 'a': data_offsets: expected \(0, 5070602"),
        (changed("a", "shape", [3, 3]), r"array 'a': data_offsets: expected \(0, 36\), got \(0, 24\)"),
        (changed("a", "data_offsets", [0]), "array 'a': data_offsets: expected two numbers"),
        (changed("a", "data_offsets", "x"), "array 'a': data_offsets: expected at most 4 whole numbers"),
        (changed("b", "data_offsets", [0, 8]), "data_offsets: expected"),
        (changed("b", "data_offsets", [28, 36]), r"'b': data_offsets: expected \(24, 32\), got \(28, 36\)"),
        (
            with_header(HEADER, b"\x00" * 31),
            "bytes of arrays: expected 32 as declared, got 31: the file is cut",
        ),
        (
            with_header(HEADER, b"\x00" * 33),
            "bytes of arrays: expected 32 as declared, got 33: there is more",
        ),
        (changed("b", "shape", [1, 2]), r"array 'b': expected shape \(2,\), got shape \(1, 2\)"),
        (
            with_header({**HEADER, "c": {**HEADER["b"], "data_offsets": [32, 40]}}, bytes(40)),
            "'c' is not part",
        ),
        (with_header({key: HEADER[key] for key in ("__metadata__", "a")}, bytes(24)), "'b' is missing"),
        (with_header(HEADER, b"\x00\x00\x80\x7f" * 8), "array 'a': expected finite numbers, got NaN or inf"),
    ],
)
def test_every_lie_is_named(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(raw)
    with pytest.raises(ArtifactError, match=message):
        read(path)


def test_a_header_is_never_larger_than_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", LARGEST_HEADER + 1) + b"{}")
    os.truncate(path, 4 * LARGEST_HEADER)  # the file would have room for it
    with pytest.raises(ArtifactError, match="header: expected at most 16777216 bytes, got 16777217 declared"):
        read(path)


CONTENT = {"format_version": 1, "é": [1.5, None]}


def sealed(path: Path, **changes: Any) -> None:
    """Write a file with a checksum, and then change the JSON in its metadata."""
    raw = tensor_file_bytes(ARRAYS, CONTENT)
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    content = {**json.loads(header["__metadata__"]["unspool"]), **changes}
    kept = {name: value for name, value in content.items() if value != "gone"}
    header["__metadata__"]["unspool"] = json.dumps(kept)
    path.write_bytes(with_header(header, raw[end:]))


def verify(path: Path) -> None:
    with open_tensor_file(path) as file:
        file.verify(["format_version", "é"])


def test_the_checksum_is_the_sha256_of_all_that_is_trusted(tmp_path: Path) -> None:
    described = '[{"format_version":1,"\\u00e9":[1.5,null]},[["a","F32",[2,3]],["b","F32",[2]]]]'
    numbers = struct.pack("<8f", 0, 1, 2, 3, 4, 5, 7, 8)
    path = tmp_path / "x.safetensors"
    path.write_bytes(tensor_file_bytes(ARRAYS, CONTENT))
    with open_tensor_file(path) as file:
        assert file.checksum == hashlib.sha256(described.encode() + numbers).hexdigest()
        assert file.content == CONTENT
    verify(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "its checksum does not match its content"),
        ({"é": "gone"}, "its checksum does not match its content"),
        ({"sha256": "0" * 64}, "its checksum does not match its content"),
        ({"sha256": 3}, "its checksum does not match its content"),
        ({"sha256": "gone", "sha257": "0" * 64}, "unknown key 'sha257'"),
    ],
)
def test_changed_metadata_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    sealed(tmp_path / "x.safetensors", **changes)
    with pytest.raises(ArtifactError, match=message):
        verify(tmp_path / "x.safetensors")


def test_arrays_that_changed_places_are_refused(tmp_path: Path) -> None:
    path, like = tmp_path / "x.safetensors", {"a": ARRAYS["b"], "b": ARRAYS["b"] + 1}
    path.write_bytes(tensor_file_bytes(like, {}))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b'"a":{', b'"c":{').replace(b'"b":{', b'"a":{').replace(b'"c":{', b'"b":{'))
    with pytest.raises(ArtifactError, match="checksum"):
        verify(path)


def test_a_file_without_a_checksum_is_read_with_a_word(tmp_path: Path) -> None:
    sealed(tmp_path / "x.safetensors", sha256="gone")
    with pytest.warns(UserWarning, match=r"x\.safetensors was saved by an older unspool, without a checksum"):
        verify(tmp_path / "x.safetensors")
