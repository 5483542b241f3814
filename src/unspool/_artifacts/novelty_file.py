"""The index of a model's texts on disk: arrays of 64-bit hashes in a safetensors file.

``novelty.safetensors`` is in the model's folder if it was asked for (``unspool train --novelty-index``). Its
array ``hashes`` has one unsigned 64-bit number for each different training text, ascending, and its array
``held_out`` one for each held-out text that is not among them: 8 bytes a text and about 400 bytes besides.
The metadata ``unspool`` is JSON: format_version; the normalization and by_line of `NoveltyIndex`; the
fingerprint of the tokenizer; and a checksum of the arrays and of these values. Version 1 has no ``held_out``:
such an index covers the training texts alone.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from unspool._artifacts.belonging import NOVELTY, tokenizer_fingerprint
from unspool._artifacts.tensor_files import METADATA_KEY
from unspool._configuration import from_dict, to_dict
from unspool._errors import ArtifactError
from unspool._json_files import fingerprint, parse_json
from unspool._storage import atomic_write, open_regular
from unspool._text.novelty import NoveltyIndex
from unspool._text.tokenizers.registry import Tokenizer

ARRAYS = {1: ["hashes"], 2: ["hashes", "held_out"]}  # of each version of the format
CHECKSUM = "checksum"
DAMAGED = "the file is damaged or of another kind: copy it again, or make it again (--novelty-index)"


@dataclass(frozen=True)
class NoveltyContent:
    """The metadata of the file, without the checksum.

    Args:
        format_version: Version of the format of this file.
        tokenizer: Fingerprint of the model's tokenizer.
        normalization: Unicode form of the texts that were hashed, or None.
        by_line: Whether the lines of a document were hashed rather than records.
    """

    format_version: int
    tokenizer: str
    normalization: str | None
    by_line: bool


def save_novelty(folder: Path, index: NoveltyIndex | None, tokenizer: Tokenizer) -> None:
    """Write the index into a model's folder, in place of the old one.

    Args:
        folder: The model's folder, which must exist.
        index: The index; None removes the index of an earlier model.
        tokenizer: The model's tokenizer.

    Raises:
        ArtifactError: If the file cannot be written.
    """
    if index is None:
        (folder / NOVELTY).unlink(missing_ok=True)
        return
    version = 1 if index.held_out is None else 2
    arrays = {name: np.ascontiguousarray(getattr(index, name), dtype="<u8") for name in ARRAYS[version]}
    mark = tokenizer_fingerprint(tokenizer)
    content = to_dict(NoveltyContent(version, mark, index.normalization, index.by_line))
    metadata = json.dumps({**content, CHECKSUM: _checksum(arrays, content)}, sort_keys=True)
    try:
        atomic_write(folder / NOVELTY, save(arrays, metadata={METADATA_KEY: metadata}))
    except OSError as error:
        got = error.strerror or str(error)
        expected = f"a folder that can be written to, with {8 * len(index) / 1e6:.1f} MB free"
        raise ArtifactError(f"cannot write {folder / NOVELTY}", expected=expected, got=got) from error


def load_novelty(folder: Path, tokenizer: Tokenizer) -> NoveltyIndex | None:
    """Read the index from a model's folder.

    Args:
        folder: The model's folder.
        tokenizer: The model's tokenizer.

    Returns:
        The index, or None if the folder has none.

    Raises:
        ArtifactError: If the file is damaged, of another version or of another model.
    """
    path = folder / NOVELTY
    try:
        arrays, values = _read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error)) from None
    _check_version(values.get("format_version"), list(arrays), path)
    stored_checksum = values.pop(CHECKSUM, None)
    if stored_checksum != _checksum(arrays, values):
        raise ArtifactError(f"{path}: its checksum does not match its content", hint=DAMAGED)
    content = from_dict(NoveltyContent, values, where=str(path))
    if content.tokenizer != tokenizer_fingerprint(tokenizer):
        hint = "it was copied from another model: restore it, or make it again (--novelty-index)"
        raise ArtifactError(f"{path} belongs to another model", expected="the model's tokenizer", hint=hint)
    for name, array in arrays.items():
        if (array[1:] <= array[:-1]).any():
            raise ArtifactError(f"{path}: {name}", expected="ascending numbers", hint=DAMAGED)
    parts = {name: array.astype(np.uint64) for name, array in arrays.items()}
    return NoveltyIndex(**parts, normalization=content.normalization, by_line=content.by_line)


def _read(path: Path) -> tuple[dict[str, NDArray[np.uint64]], dict[str, Any]]:
    """Return the arrays and the metadata; safetensors first checks the header against the file's size."""
    with open_regular(path):  # raises an OSError with its reason for what is no file
        pass
    try:
        with safe_open(path, framework="numpy") as file:
            _check_arrays(file, path)
            metadata = (file.metadata() or {}).get(METADATA_KEY)
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except SafetensorError as error:
        what = f"{path}: safetensors cannot read it"
        raise ArtifactError(what, got=str(error), hint=DAMAGED) from None
    if metadata is None:
        raise ArtifactError(f"{path}: metadata {METADATA_KEY!r}", expected="a text", got="none", hint=DAMAGED)
    return arrays, parse_json(metadata, where=f"{path}: metadata {METADATA_KEY!r}", hint=DAMAGED)


def _check_arrays(file: Any, path: Path) -> None:
    names = sorted(file.keys())
    if names not in ARRAYS.values():
        got = ", ".join(names) or "none"
        raise ArtifactError(f"{path}: arrays", expected=" or ".join(ARRAYS[1]), got=got, hint=DAMAGED)
    for name in names:
        part = file.get_slice(name)
        dtype, shape = part.get_dtype(), list(part.get_shape())
        if dtype != "U64" or len(shape) != 1:
            got = f"{dtype} {shape}"
            raise ArtifactError(f"{path}: array {name!r}", expected="a row of U64", got=got, hint=DAMAGED)


def _check_version(version: object, names: list[str], path: Path) -> None:
    if type(version) is not int or version not in ARRAYS:
        hint = "a newer unspool may read it: upgrade" if type(version) is int and version > 0 else DAMAGED
        got, expected = repr(version), " or ".join(map(str, ARRAYS))
        raise ArtifactError(f"{path}: format_version", expected=expected, got=got, hint=hint)
    if names != ARRAYS[version]:
        expected, got = ", ".join(ARRAYS[version]), ", ".join(names)
        raise ArtifactError(f"{path}: arrays", expected=expected, got=got, hint=DAMAGED)


def _checksum(arrays: Mapping[str, NDArray[np.uint64]], content: Mapping[str, Any]) -> str:
    digest = hashlib.blake2b(fingerprint(content).encode("ascii"), digest_size=16)
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name], dtype="<u8").data)
    return digest.hexdigest()
