"""What ``unspool export --to c`` wrote: the arrays of its source, and the comment that says what they are.

Nothing is compiled. The source is looked through for definitions that begin a line, which no text in a string
or in the comment can do, and their numbers must be spelled as unspool spells them.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ArtifactError
from unspool._importing.own_files import check_layers, facts_of, model_of
from unspool._importing.stack import Floats
from unspool._importing.tensors import DAMAGED, floats_of, read_bytes
from unspool._json_files import parse_json
from unspool._network.parameters import parameter_shapes
from unspool._text.tokenizers.registry import Tokenizer, tokenizer_from_json

MOST_TEXT, MOST_DESCRIPTION = 1 << 28, 1 << 26  # bytes
PIECE = 1 << 20  # bytes of numbers that are looked at in one go
EXAMPLE = "example.c"  # beside the source of every export
# No string and no number has a slash or a brace.
DESCRIPTION = re.compile(rb"^/\* What the model is, for unspool import:\s([^/]*)\*/", re.MULTILINE)
ARRAY = re.compile(rb"^static const (float|int8_t) (\w+)\[\] = \{([^{};]*)\};", re.MULTILINE)
SUFFIXES = {"float": "f", "int8_t": ""}
AGAIN = "export the model again: an export of an earlier version does not say enough"


@dataclass(frozen=True)
class CArray:
    """The definition of an array.

    Args:
        kind: The type of a number, ``float`` or ``int8_t``.
        text: The numbers, with commas between them.
    """

    kind: str
    text: bytes


def model_of_c_export(path: Path) -> SavedModel:
    """Read the source of an export to C, or its folder.

    Raises:
        InputError: If it is broken, or has no model.
    """
    path = source_of(path)
    source, where = read_bytes(path, most_bytes=MOST_TEXT), str(path)
    description = _description(source, where)
    values = {key: description[key] for key in description if not key.endswith("tokenizer")}
    facts = facts_of(values, where=where)
    arrays = _arrays(source, where)
    check_layers(facts.network, len(arrays), where=where)
    parameters: dict[str, Floats] = {}
    for name, shape in parameter_shapes(facts.network).items():
        integers = facts.precision == "int8" and len(shape) == 2
        kind, own = "int8_t" if integers else "float", name.replace(".", "_")
        numbers = _taken(arrays, own, kind, math.prod(shape), where).reshape(shape).astype(np.float32)
        if integers:
            with np.errstate(over="ignore"):  # what is not finite is refused by its name
                numbers *= _taken(arrays, f"{own}_scales", "float", shape[1], where)
        parameters[name] = numbers
    if arrays:
        what = f"{where}: {next(iter(arrays))}"
        raise ArtifactError(what, expected="the arrays of its network alone", got="another", hint=DAMAGED)
    tokenizer, source_tokenizer = (
        _tokenizer(description.get(name), f"{where}: {name}") for name in ("tokenizer", "source_tokenizer")
    )
    if tokenizer is None:
        raise ArtifactError(f"{where}: tokenizer", expected="an object", got="none", hint=DAMAGED)
    return model_of(facts, tokenizer, source_tokenizer, floats_of(parameters, where=where), where=where)


def source_of(path: Path) -> Path:
    """Return the C source of a model: of its folder, of its header, or itself.

    Raises:
        ArtifactError: If there is none, or more than one.
    """
    if not path.is_dir():
        return path.with_suffix(".c") if path.suffix == ".h" else path
    sources = c_sources(path)
    if len(sources) != 1:
        got = ", ".join(source.name for source in sources[:3]) or "none"
        what, hint = str(path), "name the file that the model is in"
        raise ArtifactError(what, expected="one C source beside the example", got=got, hint=hint)
    return sources[0]


def c_sources(folder: Path) -> list[Path]:
    """Return the C sources in a folder, but for the example."""
    return sorted(path for path in folder.glob("*.c") if path.name != EXAMPLE)


def _description(source: bytes, where: str) -> Mapping[str, Any]:
    """Return what the comment at the end of a source says."""
    found = [match[1] for match in DESCRIPTION.finditer(source)]
    if len(found) != 1:
        got = f"{len(found)} comments that say what the model is"
        raise ArtifactError(where, expected="a C source that unspool wrote", got=got, hint=AGAIN)
    if len(found[0]) > MOST_DESCRIPTION:
        expected, got = f"at most {MOST_DESCRIPTION:,} bytes", f"{len(found[0]):,}"
        raise ArtifactError(f"{where}: its last comment", expected=expected, got=got)
    text = b"".join(found[0].split())  # no text in it has white space
    return parse_json(text, where=f"{where}: its last comment", hint=DAMAGED)


def _arrays(source: bytes, where: str) -> dict[str, CArray]:
    """Return the arrays of numbers in a source by their names."""
    arrays: dict[str, CArray] = {}
    for match in ARRAY.finditer(source):
        kind, name = match[1].decode("ascii"), match[2].decode("ascii", "replace")
        if name in arrays:
            raise ArtifactError(f"{where}: {name}", expected="each array once", got="two", hint=DAMAGED)
        arrays[name] = CArray(kind, match[3])
    return arrays


def _taken(arrays: dict[str, CArray], name: str, kind: str, size: int, where: str) -> NDArray[Any]:
    """Take an array away, and return its numbers.  # (size,)."""
    array = arrays.pop(name, None)
    if array is None:
        raise ArtifactError(f"{where}: {name} is missing", expected="every array", hint=DAMAGED)
    count = array.text.count(b",") + 1
    if (array.kind, count) != (kind, size):
        expected, got = f"{size:,} numbers of type {kind}", f"{count:,} of type {array.kind}"
        raise ArtifactError(f"{where}: {name}", expected=expected, got=got, hint=DAMAGED)
    dtype, suffix = np.float32 if kind == "float" else np.int8, SUFFIXES[kind]
    numbers, begin = np.empty(size, dtype), 0
    for piece in _pieces(array.text):
        for text in piece.decode("ascii", "replace").split(","):
            number = _number(text.strip(), suffix, dtype)
            if number is None:
                got, what = text.strip()[:40] or "nothing", f"{where}: number {begin + 1:,} of {name}"
                raise ArtifactError(what, expected="a number as unspool spells it", got=got, hint=DAMAGED)
            numbers[begin] = number
            begin += 1
    return numbers


def _pieces(text: bytes) -> Iterator[bytes]:
    """Cut a list of numbers at some of its commas."""
    begin = 0
    while begin <= len(text):
        end = text.find(b",", begin + PIECE)
        end = len(text) if end < 0 else end
        yield text[begin:end]
        begin = end + 1


def _number(text: str, suffix: str, dtype: Any) -> Any:
    """Return the number that is spelled by a text and by no other; None if there is none."""
    if not text.endswith(suffix):
        return None
    digits = text.removesuffix(suffix)
    try:
        with np.errstate(over="ignore"):  # infinity is spelled otherwise
            number = dtype(float(digits) if suffix else int(digits))
    except (ValueError, OverflowError):
        return None
    if str(number) == digits:
        return number
    # Close to the middle of two numbers the way through 64 bits may end at the wrong one.
    beside = (np.nextafter(number, dtype(end)) for end in (-np.inf, np.inf)) if suffix else ()
    return next((other for other in beside if str(other) == digits), None)


def _tokenizer(values: object, where: str) -> Tokenizer | None:
    if values is None:
        return None
    if not isinstance(values, dict):
        raise ArtifactError(where, expected="an object", got=type(values).__name__, hint=DAMAGED)
    return tokenizer_from_json(json.dumps(values), where=where)
