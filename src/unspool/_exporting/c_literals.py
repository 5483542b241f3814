"""What a model has, spelled in C: names, strings of any script, numbers, the classes of characters.

All that comes out is ASCII. A byte that is not a plain letter, digit or mark is three octal digits, so that
no quote, backslash, trigraph or digit after it can change what is read.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_NAME = 20  # characters: C99 compilers need to tell apart only the first 31 of a name
LONGEST_STRING = 4095  # bytes of a string literal that every C99 compiler must take
WIDTH = 100  # of a line of numbers
# What a file of the model must not be called, since a header of C or another file has the name.
TAKEN = {
    "assert", "complex", "ctype", "errno", "example", "fenv", "float", "inttypes", "iso646", "limits",
    "locale", "main", "math", "setjmp", "signal", "stdarg", "stdbool", "stddef", "stdint", "stdio", "stdlib",
    "string", "tgmath", "time", "wchar", "wctype",
}  # fmt: skip


def identifier(name: str) -> str:
    """Return the beginning of every name in the C of a model, which its files are called too.

    Args:
        name: The name of the model, in any script.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    plain = re.sub("[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_NAME].strip("_")
    if not plain or plain[0].isdigit():
        return f"model_{plain}".strip("_")[:LONGEST_NAME].strip("_")
    return f"{plain}_model" if plain in TAKEN else plain


def string(content: bytes) -> str:
    """Return a string literal.

    Args:
        content: The bytes of the string.
    """
    return '"' + "".join(map(_byte, content)) + '"'


def _byte(byte: int) -> str:
    plain = 0x20 <= byte < 0x7F and chr(byte) not in '"\\?'
    return chr(byte) if plain else f"\\{byte:03o}"


def character_array(name: str, content: bytes) -> str:
    """Return the definition of an array of char.

    Args:
        name: The name of the array.
        content: Its bytes, at least one.
    """
    numbers = (f"'\\{byte:03o}'" for byte in content)
    return f"static const char {name}[] = {{\n{wrapped(numbers)}\n}};"


def number_array(kind: str, name: str, values: NDArray[Any]) -> str:
    """Return the definition of an array of numbers.

    Args:
        kind: The type of an item in C.
        name: The name of the array.
        values: float32 or whole numbers, of any shape and not empty.
    """
    suffix = "f" if values.dtype == np.float32 else ""
    numbers = (str(value) + suffix for value in values.ravel())  # the shortest that is read as the same
    return f"static const {kind} {name}[] = {{\n{wrapped(numbers)}\n}};"


def number(value: float) -> str:
    """Return a float literal."""
    return str(np.float32(value)) + "f"


def comment(title: str, values: Mapping[str, object]) -> str:
    """Return a comment with JSON in which white space means nothing, and that nothing in it can end.

    Args:
        title: The first line.
        values: A JSON object.
    """
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))  # ASCII, with spaces in texts alone
    for letter in " /?":  # no end of a comment, no beginning of one, no trigraph
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    lines = (text[begin : begin + WIDTH] for begin in range(0, len(text), WIDTH))
    return "\n".join([f"/* {title}", *lines, "*/"])


def wrapped(items: Iterable[str]) -> str:
    """Return items with commas between them, in lines."""
    lines, line, size = [], list[str](), 0
    for item in items:
        if size + len(item) + 2 > WIDTH and line:
            lines.append(", ".join(line) + ",")
            line, size = [], 0
        line.append(item)
        size += len(item) + 2
    return "\n".join(f"    {text}" for text in [*lines, ", ".join(line)])


def chosen(template: str, known: set[str], parts: dict[str, str]) -> str:
    """Return the lines of a template that a model needs.

    Args:
        template: Source text with the lines ``//@if NAME``, ``//@else``, ``//@end`` and ``//@put NAME``.
        known: The names that are true.
        parts: The text in place of each ``//@put``.
    """
    return "\n".join(_chosen_lines(template.splitlines(), known, parts)) + "\n"


def _chosen_lines(lines: Iterable[str], known: set[str], parts: dict[str, str]) -> Iterator[str]:
    kept: list[bool] = []  # what each open condition says
    for line in lines:
        order, _, name = line.strip().partition(" ")
        if order == "//@if":
            kept.append(name in known)
        elif order == "//@else":
            kept.append(not kept.pop())
        elif order == "//@end":
            kept.pop()
        elif all(kept):
            yield parts[name] if order == "//@put" else line
