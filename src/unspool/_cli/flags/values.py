"""Parsers of flags whose value is not a single word or number; a wrong value raises ValueError."""

import re


def number_or_several(value: str) -> float | tuple[float, ...]:
    """Read a number, or several with commas between them."""
    numbers = tuple(float(part) for part in value.split(","))
    return numbers[0] if len(numbers) == 1 else numbers


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
    return symbol, float(number)
