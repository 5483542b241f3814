"""An encoded corpus as files: its tokenizer, and arrays that are mapped into memory.

::

    tokenizer.json
    training.ids, training.starts, training.spelling, validation.ids, ...     little end first

Two arrays that are parts of one array, such as the two parts of a document, are in one file.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import InputError
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.streams.mapped_file import MappedFile
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import tokenizer_from_json

FORMAT = 3
TOKENIZER = "tokenizer.json"
BLOCK = 1 << 20  # bytes that are summed and written at once


def _arrays(corpus: EncodedCorpus) -> Iterator[tuple[str, NDArray[Any], MappedFile | None]]:
    for name, stream in (("training", corpus.training), ("validation", corpus.validation)):
        yield f"{name}.ids", stream.ids, stream.ids_file
        yield f"{name}.starts", stream.starts, stream.starts_file
        if stream.spelling is not None:
            yield f"{name}.spelling", stream.spelling, stream.spelling_file


def save_corpus(folder: Path, corpus: EncodedCorpus) -> dict[str, Any]:
    """Write the files of a corpus into a folder.

    An unnamed file that holds nothing but arrays of the corpus gets a name in the folder, if the system
    allows it.

    Returns:
        The facts that `load_corpus` needs, in JSON types.

    Raises:
        OSError: If a file cannot be written.
    """
    linked = _linked(folder, corpus)
    arrays = {}
    for name, array, file in _arrays(corpus):
        place = linked.get(file) if array.size else None
        facts = {"file": name, "offset": 0, "dtype": array.dtype.newbyteorder("<").str, "size": len(array)}
        if place is not None and file is not None:
            facts |= {"file": place, "offset": file.offset(array), "sum": _digest(array, file)}
        else:
            facts["sum"] = _written(folder / name, array, file)
        arrays[name] = facts
    (folder / TOKENIZER).write_bytes(corpus.tokenizer.to_json().encode())
    return {
        "format": FORMAT,
        "arrays": arrays,
        "unknown": corpus.unknown,
        "streams": {
            name: {"characters": stream.characters, "fingerprint": stream.fingerprint()}
            for name, stream in (("training", corpus.training), ("validation", corpus.validation))
        },
        "tokenizer": _tokenizer_sum(folder),
    }


def load_corpus(folder: Path, facts: Mapping[str, Any]) -> EncodedCorpus:
    """Map the files of a corpus into memory.

    Args:
        folder: The folder of the files.
        facts: The result of `save_corpus`.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is not the one that was written.
        KeyError: If a fact is missing.
    """
    if facts["format"] != FORMAT or facts["tokenizer"] != _tokenizer_sum(folder):
        raise ValueError("its format or its tokenizer is another")
    try:
        tokenizer = tokenizer_from_json((folder / TOKENIZER).read_bytes().decode(), where=TOKENIZER)
    except InputError as error:
        raise ValueError(str(error)) from error
    lengths = tokenizer.symbol_lengths
    symbol_lengths = None if (lengths[1:-1] == 1).all() else lengths
    files: dict[str, MappedFile] = {}
    training, validation = (
        replace(_stream(folder, name, facts, files), symbol_lengths=symbol_lengths)
        for name in ("training", "validation")
    )
    return EncodedCorpus(tokenizer, training, validation, facts["unknown"])


def _stream(folder: Path, name: str, facts: Mapping[str, Any], files: dict[str, MappedFile]) -> TokenStream:
    ids, ids_file = _mapped(folder, facts["arrays"], f"{name}.ids", files)
    starts, starts_file = _mapped(folder, facts["arrays"], f"{name}.starts", files)
    spelling, spelling_file = None, None
    if f"{name}.spelling" in facts["arrays"]:
        spelling, spelling_file = _mapped(folder, facts["arrays"], f"{name}.spelling", files)
    stored = facts["streams"][name]
    return TokenStream(
        ids,
        starts,
        stored["characters"],
        ids_file=ids_file,
        starts_file=starts_file,
        spelling=spelling,
        spelling_file=spelling_file,
        known_fingerprint=stored["fingerprint"],
    )


def _mapped(
    folder: Path, arrays: Mapping[str, Any], name: str, files: dict[str, MappedFile]
) -> tuple[NDArray[Any], MappedFile | None]:
    """Map a file, and read an array in it once to check that it is unchanged.

    The sums find bytes that were cut off, not written or overwritten, at the speed of memory. They do not
    protect against a deliberate change.
    """
    facts = arrays[name]
    dtype, size, name_on_disk = np.dtype(facts["dtype"]), facts["size"], facts["file"]
    ends = (
        part["offset"] + part["size"] * np.dtype(part["dtype"]).itemsize
        for part in arrays.values()
        if part["file"] == name_on_disk
    )
    if (folder / name_on_disk).stat().st_size != max(ends):
        raise ValueError(f"{name_on_disk} has another size")
    if size == 0:
        return np.empty(0, dtype.newbyteorder("=")), None
    if name_on_disk not in files:
        with (folder / name_on_disk).open("rb") as file:
            files[name_on_disk] = MappedFile(file)
    mapped = files[name_on_disk]
    array = mapped.array(np.uint8)[facts["offset"] :][: size * dtype.itemsize].view(dtype)
    if _digest(array, mapped) != facts["sum"]:
        raise ValueError(f"{name} is damaged")
    return array, mapped


def _linked(folder: Path, corpus: EncodedCorpus) -> dict[MappedFile | None, str]:
    """Link the files that hold nothing but arrays of the corpus into the folder, and return their names."""
    inside: dict[MappedFile, list[tuple[str, NDArray[Any]]]] = {}
    for name, array, file in _arrays(corpus):
        if file is not None and array.dtype == array.dtype.newbyteorder("<"):
            inside.setdefault(file, []).append((name, array))
    return {
        file: arrays[0][0]
        for file, arrays in inside.items()
        if sum(array.nbytes for _, array in arrays) == file.size and file.link(folder / arrays[0][0])
    }


def _written(path: Path, array: NDArray[Any], file: MappedFile | None) -> str:
    """Write an array to a new file, and return its sum."""
    with path.open("xb") as out:
        for block in _blocks(array):
            out.write(np.ascontiguousarray(block, array.dtype.newbyteorder("<")).data)
            if file is not None:
                file.give_back()
    return _digest(array, file)


def _digest(array: NDArray[Any], file: MappedFile | None) -> str:
    """Compute the sum of an array from the sums of its blocks."""
    digest = hashlib.blake2b(digest_size=16)
    for block in _blocks(array):
        digest.update(_sum(np.ascontiguousarray(block, array.dtype.newbyteorder("<"))))
        if file is not None:
            file.give_back()
    return digest.hexdigest()


def _blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    count = BLOCK // array.dtype.itemsize
    return (array[begin : begin + count] for begin in range(0, len(array), count))


def _sum(block: NDArray[Any]) -> bytes:
    """Add up a block as numbers of eight bytes, modulo 2^64."""
    raw = block.view(np.uint8)
    whole = len(raw) // 8 * 8
    total = int(raw[:whole].view("<u8").sum(dtype=np.uint64)) + int.from_bytes(
        raw[whole:].tobytes(), "little"
    )
    return (total % (1 << 64)).to_bytes(8, "little")


def _tokenizer_sum(folder: Path) -> str:
    return hashlib.blake2b((folder / TOKENIZER).read_bytes(), digest_size=16).hexdigest()
