"""The counts of a model on disk: the arrays of a `CountTable` in a safetensors file.

``counts.safetensors`` is in the model's folder if the training was asked for it (``unspool train --counts``).
Its arrays are those of the table. The metadata ``unspool`` is JSON: format_version, the fingerprint of the
tokenizer, and a checksum of the arrays and of these values. The arrays are mapped into memory, so several
processes share them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from unspool._artifacts.belonging import COUNTS, tokenizer_fingerprint
from unspool._artifacts.tensor_files import METADATA_KEY
from unspool._configuration import from_dict, to_dict
from unspool._errors import ArtifactError
from unspool._json_files import fingerprint, parse_json
from unspool._kernels.counts import CountTable
from unspool._storage import atomic_write, open_regular
from unspool._system import mapped_bytes
from unspool._text.tokenizers.registry import Tokenizer

FORMAT_VERSION = 1
LARGEST_HEADER = 1 << 16
CHECKSUM = "checksum"
DAMAGED = "the file is damaged or of another kind: copy it again, or train again (--counts)"
DTYPES: dict[str, np.dtype[Any]] = {"U16": np.dtype("<u2"), "U32": np.dtype("<u4"), "F32": np.dtype("<f4")}
LAYOUT = {
    "counts": "U16", "discounts": "F32", "first_child": "U32", "first_entry": "U32", "symbols": "U16",
    "tokens": "U16", "weights": "F32",
}  # fmt: skip


@dataclass(frozen=True)
class CountsContent:
    """The metadata of the file, without the checksum.

    Args:
        format_version: Version of the format of this file.
        tokenizer: Fingerprint of the model's tokenizer.
    """

    format_version: int
    tokenizer: str


def save_counts(folder: Path, table: CountTable | None, tokenizer: Tokenizer) -> None:
    """Write counts into a model's folder, in place of the old ones.

    Args:
        folder: The model's folder, which must exist.
        table: The counts; None removes those of an earlier model.
        tokenizer: The model's tokenizer.

    Raises:
        ArtifactError: If the file cannot be written; the one before it is still whole.
    """
    if table is None:
        (folder / COUNTS).unlink(missing_ok=True)
        return
    arrays = {
        name: np.ascontiguousarray(array, DTYPES[LAYOUT[name]]) for name, array in table.arrays().items()
    }
    content = to_dict(CountsContent(FORMAT_VERSION, tokenizer_fingerprint(tokenizer)))
    metadata = json.dumps({**content, CHECKSUM: _checksum(arrays, content)}, sort_keys=True)
    try:
        atomic_write(folder / COUNTS, save(arrays, metadata={METADATA_KEY: metadata}))
    except OSError as error:
        expected = f"a folder that can be written to, with {table.nbytes / 1e6:.1f} MB free"
        got = error.strerror or str(error)
        raise ArtifactError(f"cannot write {folder / COUNTS}", expected=expected, got=got) from error


def load_counts(folder: Path, tokenizer: Tokenizer) -> CountTable | None:
    """Map the counts of a model's folder into memory.

    Args:
        folder: The model's folder.
        tokenizer: The model's tokenizer.

    Returns:
        The counts, or None if the folder has none.

    Raises:
        ArtifactError: If the file is damaged, of another version or of another model.
    """
    path = folder / COUNTS
    try:
        arrays, values = _mapped(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error)) from None
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        hint = "a newer unspool may read it: upgrade" if type(version) is int and version > 0 else DAMAGED
        what = f"{path}: format_version"
        raise ArtifactError(what, expected=str(FORMAT_VERSION), got=repr(version), hint=hint)
    if values.pop(CHECKSUM, None) != _checksum(arrays, values):
        raise ArtifactError(f"{path}: its checksum does not match its content", hint=DAMAGED)
    content = from_dict(CountsContent, values, where=str(path))
    if content.tokenizer != tokenizer_fingerprint(tokenizer):
        hint = "it was copied from another model: restore it, or train again (--counts)"
        raise ArtifactError(f"{path} belongs to another model", expected="the model's tokenizer", hint=hint)
    try:
        table = CountTable(**arrays)
    except ValueError as error:
        raise ArtifactError(str(path), expected="a table of counts", got=str(error), hint=DAMAGED) from None
    if table.vocab_size > tokenizer.vocab_size:
        expected, got = f"ids below {tokenizer.vocab_size}", str(table.vocab_size - 1)
        raise ArtifactError(f"{path}: ids", expected=expected, got=got, hint=DAMAGED)
    return table


def _mapped(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays, mapped into memory, and the metadata; nothing is believed of the header."""
    with open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= LARGEST_HEADER:
            expected = f"at most {LARGEST_HEADER:,} bytes"
            raise ArtifactError(f"{path}: header", expected=expected, got=f"{length:,}", hint=DAMAGED)
        header = parse_json(file.read(length), where=f"{path}: header", hint=DAMAGED)
        stored = memoryview(mapped_bytes(file))[8 + length :]
    metadata = header.pop("__metadata__", None)
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str) or sorted(header) != sorted(LAYOUT):
        expected, got = f"{METADATA_KEY!r} and the arrays {', '.join(LAYOUT)}", ", ".join(header)
        raise ArtifactError(f"{path}: header", expected=expected, got=got, hint=DAMAGED)
    arrays = {name: _array(stored, name, header[name], path) for name in LAYOUT}
    size = sum(array.nbytes for array in arrays.values())
    if size != len(stored):
        what, expected = f"{path}: bytes of arrays", f"{size} as declared"
        raise ArtifactError(what, expected=expected, got=str(len(stored)), hint=DAMAGED)
    return arrays, parse_json(text, where=f"{path}: metadata {METADATA_KEY!r}", hint=DAMAGED)


def _array(stored: memoryview, name: str, entry: Any, path: Path) -> NDArray[Any]:
    try:
        first, last = entry["data_offsets"]
        array = np.frombuffer(stored[first:last], DTYPES[LAYOUT[name]]).reshape(entry["shape"])
        fits = entry["dtype"] == LAYOUT[name] and array.nbytes == last - first
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        what = f"{path}: array {name!r}"
        raise ArtifactError(what, expected=f"{LAYOUT[name]} in the file", got=repr(entry), hint=DAMAGED)
    return array if array.flags.aligned else array.copy()


def _checksum(arrays: Mapping[str, NDArray[Any]], content: Mapping[str, Any]) -> str:
    digest = hashlib.blake2b(fingerprint(content).encode("ascii"), digest_size=16)
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].shape}".encode("ascii"))
        digest.update(arrays[name].reshape(-1).data)
    return digest.hexdigest()
