"""What ``unspool export --to js`` and ``--to html`` wrote: the one JSON value in a module or in a page.

No script is run: the text of the value is looked for, and read as JSON.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ArtifactError
from unspool._importing.own_files import facts_of, model_of
from unspool._importing.tensors import DAMAGED, MOST_BYTES, floats_of, read_bytes
from unspool._json_files import parse_json
from unspool._kernels.counts import CountTable
from unspool._text.tokenizers.registry import Tokenizer, tokenizer_from_json

MODULE = "model.js"
BEFORE, AFTER = "\nconst spec = JSON.parse('", "');\n"  # the JSON value, in which no line ends
PACKED = re.compile(rb'<script type="text/plain" id="model">([^<]*)</script>')
# What stands in a page for letters of base 85 that mean something to HTML.
LETTERS = bytes.maketrans(b",.:/", b"&<>`")
TYPES = {"float32": ("<f4", 4), "float16": ("<f2", 2), "int8": ("i1", 1)}
ROWS = {"float32": "<f4", "uint32": "<u4", "uint16": "<u2"}  # of counts
# Bytes of a number, in the order in which a page has them.
SIZES = {"float32": 4, "float16": 2, "int8": 1, "scales": 4, "uint32": 4, "uint16": 2}
MOST_TEXT, MOST_HEAD = 1 << 28, 1 << 26  # bytes
MOST_RATIO = 64  # bytes from a byte: weights are numbers, which no packing makes much smaller


def model_of_js_export(path: Path) -> SavedModel:
    """Read the module of an export to JavaScript, or its folder.

    Raises:
        InputError: If it is broken, or has no model.
    """
    path = path / MODULE if path.is_dir() else path
    content = read_bytes(path, most_bytes=MOST_TEXT).decode("utf-8", "replace")
    begin = content.find(BEFORE)
    end = content.find(AFTER, begin)
    if begin < 0 or end < 0:
        got = "no line that begins with const spec"
        raise ArtifactError(str(path), expected="a module that unspool wrote", got=got, hint=DAMAGED)
    text = re.sub(r"\\(.)", r"\1", content[begin + len(BEFORE) : end])
    return _model(parse_json(text, where=str(path), hint=DAMAGED), str(path))


def model_of_page(path: Path) -> SavedModel:
    """Read the page of an export to HTML.

    Raises:
        InputError: If it is broken, or has no model.
    """
    match, where = PACKED.search(read_bytes(path, most_bytes=MOST_TEXT)), str(path)
    if match is None:
        got = "no element with the id model"
        raise ArtifactError(where, expected="a page that unspool wrote", got=got, hint=DAMAGED)
    try:
        content = _unpacked(match[1])
        if (size := int.from_bytes(content[:4], "little")) > MOST_HEAD:
            raise ValueError(f"a head of {size:,} bytes")
        head = parse_json(content[4 : 4 + size], where=where, hint=DAMAGED)
        spec = head["spec"]
        tensors = [*spec["tensors"].values(), *(spec.get("counts") or {}).values()]
        _give_tensors(tensors, memoryview(content)[4 + size :], after=spec.get("wasm") or 0)
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error) as error:
        if isinstance(error, ArtifactError):
            raise
        what = f"{where}: the packed model"
        raise ArtifactError(what, expected="what unspool packed", got=str(error), hint=DAMAGED) from None
    return _model(spec, where)


def _unpacked(text: bytes) -> bytes:
    """Return the bytes that are packed in a page, if they are not far more than it lets one expect.

    Raises:
        ValueError: If they are, or the text is broken.
    """
    packed = base64.b85decode(b"".join(text.split()).translate(LETTERS))
    inflate, most = zlib.decompressobj(-15), min(MOST_BYTES, max(MOST_RATIO * len(packed), 1 << 16))
    content = inflate.decompress(packed, most)
    if not inflate.eof:
        raise ValueError(f"an end that does not come within {most:,} bytes")
    return content


def _give_tensors(tensors: list[dict[str, Any]], body: memoryview, *, after: int) -> None:
    """Put the bytes of each tensor in base64, as in a module, in the place of their number.

    Args:
        tensors: The tensors, with numbers of bytes.
        body: Their bytes, one after the other.
        after: The number of bytes that follow them: the engine's kernel, which is not read.

    Raises:
        ValueError: If there are fewer bytes, or more.
    """
    at = 0
    for tensor in tensors:
        for kind, size in ((kind, size) for kind, size in SIZES.items() if kind in tensor):
            count = tensor[kind]
            if type(count) is not int or count % size or not 0 <= count <= len(body) - at:
                raise ValueError(f"{count!r} bytes of {len(body) - at} that are left")
            planes = np.frombuffer(body[at : at + count], np.uint8).reshape(size, -1)  # by significance
            tensor[kind] = base64.b64encode(planes.T.tobytes()).decode("ascii")
            at += count
    if len(body) - at != after:
        raise ValueError(f"{len(body) - at} bytes of {after} after the numbers")


def _model(spec: Mapping[str, Any], where: str) -> SavedModel:
    """Return the model of the JSON value, after every part of it was checked."""
    for key, kind in (
        ("network", dict),
        ("tokenizer", dict),
        ("tensors", dict),
        ("attributes", list),
        ("defaults", dict),
    ):
        if not isinstance(spec.get(key), kind):
            got = type(spec.get(key)).__name__
            raise ArtifactError(f"{where}: {key}", expected=kind.__name__, got=got, hint=DAMAGED)
    facts = facts_of(
        {
            "format_version": spec.get("format"),
            "network": _snake_case(spec["network"]),
            "precision": spec.get("precision", "float32"),
            "context": [_attribute(one, where) for one in spec["attributes"]],
            "generation": _options(spec["defaults"]),
        },
        where=where,
    )
    stored = {name: _array(entry, f"{where}: {name}") for name, entry in spec["tensors"].items()}
    source = spec.get("sourceTokenizer")
    sources = None if source is None else _tokenizer(source, where)
    parameters = floats_of(stored, where=where)
    model = model_of(facts, _tokenizer(spec["tokenizer"], where), sources, parameters, where=where)
    counts = spec.get("counts")
    return model if counts is None else replace(model, counts=_counts(counts, model.network.symbols, where))


def _snake_case(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", key): value for key, value in values.items()
    }


def _options(values: Mapping[str, Any]) -> dict[str, Any]:
    options = _snake_case(values)
    samplers = options.get("samplers")
    if isinstance(samplers, list) and all(isinstance(name, str) for name in samplers):
        options["samplers"] = [*_snake_case(dict.fromkeys(samplers))]
    return options


def _attribute(one: object, where: str) -> dict[str, Any]:
    """Return an attribute of the context; how often each value was there did not go out."""
    if not isinstance(one, dict) or one.get("kind") not in ("number", "category"):
        raise ArtifactError(
            f"{where}: attributes", expected="a number or a category", got=repr(one), hint=DAMAGED
        )
    if one["kind"] == "number":
        return {name: one.get(name) for name in ("name", "mean", "deviation")}
    values = one.get("values")
    counts = [0] * len(values) if isinstance(values, list) else []
    return {"name": one.get("name"), "values": values, "counts": counts}


def _tokenizer(values: object, where: str) -> Tokenizer:
    if not isinstance(values, dict):
        raise ArtifactError(
            f"{where}: tokenizer", expected="an object", got=type(values).__name__, hint=DAMAGED
        )
    keys = {"bytes": (), "bpe": ("symbols",)}.get(str(values.get("kind")), ("unk", "symbols"))
    learnt = {key: values.get(key) for key in keys}
    common = {key: values.get(key) for key in ("kind", "normalization")}
    text = json.dumps({"format_version": 1, **common, **learnt})
    return tokenizer_from_json(text, where=f"{where}: tokenizer")


def _counts(stored: object, symbols: int, where: str) -> CountTable:
    """Return the counts beside a network that has so many symbols."""
    try:
        if not isinstance(stored, dict):
            raise TypeError("no object")
        table = CountTable(**{name: _row(entry) for name, entry in _snake_case(stored).items()})
        if table.vocab_size > symbols:
            raise ValueError(f"ids up to {table.vocab_size - 1}, and {symbols} symbols")
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        got = f"{type(error).__name__}: {error}"
        raise ArtifactError(f"{where}: counts", expected="a table of counts", got=got, hint=DAMAGED) from None
    return table


def _row(entry: dict[str, Any]) -> NDArray[Any]:
    (kind,) = ROWS.keys() & entry.keys()
    return np.frombuffer(base64.b64decode(entry[kind], validate=True), ROWS[kind]).reshape(entry["shape"])


def _array(entry: object, where: str) -> NDArray[Any]:
    """Return a tensor, in float32."""
    try:
        if not isinstance(entry, dict) or not isinstance(shape := entry["shape"], list):
            raise ValueError("no shape")
        (kind,) = TYPES.keys() & entry.keys()
        values = np.frombuffer(base64.b64decode(entry[kind], validate=True), TYPES[kind][0])
        if len(shape) > 2 or not all(type(axis) is int and 0 <= axis < 1 << 40 for axis in shape):
            raise ValueError(f"shape {shape}")
        array = values.reshape(shape).astype(np.float32)
        if kind != "int8":
            return array
        scales = np.frombuffer(base64.b64decode(entry["scales"], validate=True), "<f4")
        numbers: NDArray[np.float32] = array * scales.reshape(1, shape[-1])
        return numbers
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        got = f"{type(error).__name__}: {error}"
        raise ArtifactError(where, expected="a shape and its numbers", got=got, hint=DAMAGED) from None
