"""Values of flags that are more than a word or a number; what cannot be read raises ValueError."""

import re


def number_or_several(value: str) -> float | tuple[float, ...]:
    """Read a number, or several with commas between them."""
    numbers = tuple(float(part) for part in value.split(","))
    return numbers[0] if len(numbers) == 1 else numbers


def names(value: str) -> tuple[str, ...]:
    """Read names with commas or semicolons between them."""
    return tuple(part.strip() for part in re.split("[,;]", value))


def attribute(value: str) -> tuple[str, str]:
    """Read what is known of an attribute: ``label=Sports``."""
    name, equals, said = value.partition("=")
    if not name or not equals:
        raise ValueError(value)
    return name, said


def bias(value: str) -> tuple[str, float]:
    """Read a symbol and what is added to its logit: ``e=-2``."""
    symbol, number = value[:1] + value[1:].rpartition("=")[0], value.rpartition("=")[2]
    if not symbol or "=" not in value[1:]:
        raise ValueError(value)
    return symbol, float(number)
