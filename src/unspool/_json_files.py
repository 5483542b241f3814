r"""The only reader of the JSON that unspool has written, and its writer.

What was written may come back damaged, or was written by somebody else. So a file is read only if it is a
file and not too large. Its text must be UTF-8 and strict JSON: no key twice, no NaN, no number beyond a float
or 64 bits, few levels and not too many parts. Anything else is one error.

The writer spells bytes of file names that are not UTF-8 (see `spelled`): every file is UTF-8.
"""

import hashlib
import json
import math
import os
import re
from pathlib import Path
from typing import Any, NoReturn

from unspool._errors import ArtifactError, InputError, spelled
from unspool._storage import open_regular

MOST_BYTES = 1 << 24  # of a file, unless its reader allows another number
MOST_LEVELS = 100
MOST_PARTS = 1 << 20  # lists and objects, which take much more memory than text
SURROGATES = re.compile("[\ud800-\udfff]+")


def json_text(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON text that is valid UTF-8, on one line or indented.

    Args:
        value: The value, in plain JSON types.
        indent: Number of spaces for each level; None for one line.

    Raises:
        TypeError: If the value has another type.
        ValueError: If it has a number that is not finite.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return text if text.isascii() else SURROGATES.sub(_spelled_in_json, text)


def _spelled_in_json(match: re.Match[str]) -> str:
    return json.dumps(spelled(match.group()), ensure_ascii=False)[1:-1]


def read_json(
    path: Path,
    *,
    most_bytes: int = MOST_BYTES,
    error: type[InputError] = ArtifactError,
    hint: str | None = None,
) -> dict[str, Any]:
    """Read a JSON object from a file.

    Args:
        path: The file.
        most_bytes: The largest size of the file, which is checked before it is read.
        error: The class of the error.
        hint: Advice for whoever has a broken file.

    Raises:
        InputError: If the file is too large or not a strict JSON object; of the class `error`.
        OSError: If there is no such file, or it cannot be read or is not a file.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        raw = file.read(most_bytes + 1) if size <= most_bytes else b""
    if max(size, len(raw)) > most_bytes:
        raise error(str(path), expected=f"at most {most_bytes:,} bytes", got=f"{size:,}", hint=hint)
    return parse_json(raw, where=str(path), error=error, hint=hint)


def parse_json(
    raw: bytes | str,
    *,
    where: str,
    error: type[InputError] = ArtifactError,
    hint: str | None = None,
    most_levels: int = MOST_LEVELS,
    most_parts: int = MOST_PARTS,
) -> dict[str, Any]:
    """Return the JSON object that a text is.

    Args:
        raw: The text, or its bytes.
        where: The name of the text, for messages.
        error: The class of the error.
        hint: Advice for whoever has a broken text.
        most_levels: How often lists and objects may be within each other.
        most_parts: The greatest number of lists and objects.

    Raises:
        InputError: If it is not a strict JSON object; of the class `error`.
    """
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
    except UnicodeDecodeError as wrong:
        raise error(where, expected="UTF-8 text", got=_reason(wrong), hint=hint) from None
    parts = text.count("[") + text.count("{")
    if parts > most_parts:
        raise error(where, expected="JSON", got=f"more than {most_parts:,} lists and objects", hint=hint)
    try:
        if text.startswith("\ufeff"):
            raise ValueError("Unexpected UTF-8 BOM")
        value = STRICT.decode(text)
        if parts > most_levels:
            _check_levels(value, most_levels)
    except RecursionError:
        raise error(where, expected="JSON", got=f"more than {most_levels} levels", hint=hint) from None
    except ValueError as wrong:
        raise error(where, expected="JSON", got=str(wrong), hint=hint) from None
    if not isinstance(value, dict):
        raise error(where, expected="a JSON object", got=type(value).__name__, hint=hint)
    return value


def fingerprint(values: object) -> str:
    """Return a hash of JSON values, independent of white space, key order and line ends."""
    return hashlib.blake2b(canonical_json(values), digest_size=16).hexdigest()


def canonical_json(values: object) -> bytes:
    """Return the one spelling of JSON values that is hashed."""
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")


def _reason(error: UnicodeDecodeError) -> str:
    return f"byte 0x{error.object[error.start]:02x} at {error.start:,} ({error.reason})"


def _check_levels(value: object, most: int) -> None:
    """Check that lists and objects are not within each other too often; what reads them may call itself.

    Raises:
        RecursionError: If they are.
    """
    level: list[object] = [value]
    for _ in range(most):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise RecursionError


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key that is there twice")
    return values


def _whole(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) >= 1 << 64:
        raise ValueError("a whole number of more than 64 bits")
    return number


def _real(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("a number beyond a float")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_whole, parse_float=_real, parse_constant=_no_constant
)
