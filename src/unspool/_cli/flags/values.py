"""Parsers of flags whose value is not a single word or number; a wrong value raises ValueError."""

import re

from unspool._text.reading.read_options import PATTERN

ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([ntr\\]))")
PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


def unescaped(value: str) -> str:
    r"""Read characters with escapes: ``\n``, ``\t``, ``\r``, ``\\``, ``\x41``, ``\u00e9`` and ``\U0001f388``.

    Any other backslash is one. A regular expression, which begins with ``re:``, has escapes of its own.
    """
    if value.startswith(PATTERN):
        return value

    def character(match: re.Match[str]) -> str:
        return PLAIN[match[4]] if match[4] else chr(int(match[1] or match[2] or match[3], 16))

    return ESCAPE.sub(character, value)


def escaped(value: str) -> str:
    """Return characters as `unescaped` reads them again."""
    names = {character: rf"\{name}" for name, character in PLAIN.items()}
    return "".join(names.get(character, character) for character in value)


def number_or_several(value: str) -> float | tuple[float, ...]:
    """Read a number, or several with commas between them, of which at least one has a point.

    So ``0,8``, a number as many languages write it, is no schedule from 0 to 8.
    """
    if "," in value and "." not in value:
        raise ValueError(value)
    numbers = tuple(float(part) for part in value.split(","))
    return numbers[0] if len(numbers) == 1 else numbers


def place(value: str) -> str:
    """Read a path: an empty one, often a variable that was not set, would be the working folder."""
    if not value:
        raise ValueError(value)
    return value


def names(value: str) -> tuple[str, ...]:
    """Read names with commas or semicolons between them."""
    return tuple(part.strip() for part in re.split("[,;]", value))


def attribute(value: str) -> tuple[str, str]:
    """Read an attribute and its value: ``label=Sports``."""
    name, equals, text = value.partition("=")
    if not name or not equals:
        raise ValueError(value)
    return name, text


def bias(value: str) -> tuple[str, float]:
    """Read a symbol and its bias: ``e=-2``."""
    symbol, number = value[:1] + value[1:].rpartition("=")[0], value.rpartition("=")[2]
    if not symbol or "=" not in value[1:]:
        raise ValueError(value)
    return unescaped(symbol), float(number)
