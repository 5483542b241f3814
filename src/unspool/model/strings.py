"""Several texts as an argument."""

from collections.abc import Iterable

from unspool.configuration import check

SEVERAL = "a list of strings, not one string"


def strings_of(name: str, values: Iterable[str], *, expected: str = SEVERAL) -> list[str]:
    """Gather texts, and refuse a single one, which would be taken letter by letter.

    Args:
        name: What the argument is called.
        values: The texts.
        expected: What may be given, for the message.

    Raises:
        ConfigError: If they are no strings, or only one.
    """
    check(name, values, expected, isinstance(values, Iterable) and not isinstance(values, str))
    strings = list(values)
    for string in strings:
        check(name, string, "strings alone", isinstance(string, str))
    return strings
