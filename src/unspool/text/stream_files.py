"""An encoded corpus as files: its tokenizer, and arrays that are mapped where they are read.

::

    tokenizer.json
    training.ids, training.starts, validation.ids, validation.starts     little end first
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import InputError
from unspool.text.encoding import EncodedCorpus
from unspool.text.spools import MappedFile
from unspool.text.streams import TokenStream
from unspool.text.tokenizers import tokenizer_from_json

FORMAT = 1
TOKENIZER = "tokenizer.json"
BLOCK = 1 << 20  # bytes summed and written at once


def _arrays(corpus: EncodedCorpus) -> Iterator[tuple[str, NDArray[Any], TokenStream]]:
    for name, stream in (("training", corpus.training), ("validation", corpus.validation)):
        yield f"{name}.ids", stream.ids, stream
        yield f"{name}.starts", stream.starts, stream


def save_corpus(folder: Path, corpus: EncodedCorpus) -> dict[str, Any]:
    """Write the files of a corpus into a folder.

    Returns:
        What `load_corpus` must be told, in JSON types.

    Raises:
        OSError: If a file cannot be written.
    """
    arrays = {}
    for name, array, stream in _arrays(corpus):
        little = array.dtype.newbyteorder("<")
        digest = hashlib.blake2b(digest_size=16)
        with (folder / name).open("xb") as file:
            for block in _blocks(array):
                raw = np.ascontiguousarray(block, little)
                digest.update(_sum(raw))
                file.write(raw.data)
                stream.give_back()
        arrays[name] = {"dtype": little.str, "size": len(array), "sum": digest.hexdigest()}
    (folder / TOKENIZER).write_text(corpus.tokenizer.to_json(), "utf-8")
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
    """Map the files of a corpus.

    Args:
        folder: Where they are.
        facts: What `save_corpus` gave.

    Raises:
        OSError: If a file is missing.
        ValueError: If they are not what was written.
        KeyError: If the facts are not whole.
    """
    if facts["format"] != FORMAT or facts["tokenizer"] != _tokenizer_sum(folder):
        raise ValueError("its format or its tokenizer is another")
    try:
        tokenizer = tokenizer_from_json((folder / TOKENIZER).read_text("utf-8"), where=TOKENIZER)
    except InputError as error:
        raise ValueError(str(error)) from error
    lengths = tokenizer.symbol_lengths
    symbol_lengths = None if (lengths[1:-1] == 1).all() else lengths
    training, validation = (
        replace(_stream(folder, name, facts), symbol_lengths=symbol_lengths) for name in facts["streams"]
    )
    return EncodedCorpus(tokenizer, training, validation, facts["unknown"])


def _stream(folder: Path, name: str, facts: Mapping[str, Any]) -> TokenStream:
    ids, ids_file = _mapped(folder / f"{name}.ids", facts["arrays"][f"{name}.ids"])
    starts, starts_file = _mapped(folder / f"{name}.starts", facts["arrays"][f"{name}.starts"])
    own = facts["streams"][name]
    return TokenStream(
        ids,
        starts,
        own["characters"],
        ids_file=ids_file,
        starts_file=starts_file,
        known_fingerprint=own["fingerprint"],
    )


def _mapped(path: Path, facts: Mapping[str, Any]) -> tuple[NDArray[Any], MappedFile | None]:
    """Map a file, and go through it once to see whether it is still what was written.

    The sums find what was cut off, not written or overwritten, at the speed of memory; they are no protection
    against someone who wants to fool them.
    """
    dtype = np.dtype(facts["dtype"])
    if path.stat().st_size != facts["size"] * dtype.itemsize:
        raise ValueError(f"{path.name} has another size")
    if facts["size"] == 0:
        return np.empty(0, dtype.newbyteorder("=")), None
    with path.open("rb") as file:
        mapped = MappedFile(file)
    array = mapped.array(dtype)
    digest = hashlib.blake2b(digest_size=16)
    for block in _blocks(array):
        digest.update(_sum(block))
        mapped.give_back()
    if digest.hexdigest() != facts["sum"]:
        raise ValueError(f"{path.name} is damaged")
    return array, mapped


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
