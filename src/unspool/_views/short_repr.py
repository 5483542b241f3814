"""The repr of a dataclass in a few words: what differs from the defaults, each value cut to a length."""

import reprlib
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any

from unspool._screen.wording import counted, one_line

LONGEST_TEXT, LONGEST_VALUE, LONGEST_LINE = 80, 200, 400  # characters
MOST_LINES = 10  # of a list


class _ShortValues(reprlib.Repr):
    """A repr of values of any size, which reads only the part that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring, self.maxother = LONGEST_TEXT, LONGEST_VALUE

    def repr_ndarray(self, array: Any, level: int) -> str:
        """Return the type and the shape of an array."""
        return f"<{array.dtype} {' × '.join(map(str, array.shape))}>"


_VALUES = _ShortValues()


def short(value: object) -> str:
    """Return the repr of a value, with `...` in place of what is too long.

    Args:
        value: A text, a number, an array, a container of them, or an object with a short repr.
    """
    return _VALUES.repr(value)


def short_repr(instance: Any) -> str:
    """Return the repr of a dataclass: its fields but for those that have their default.

    It is assigned as the `__repr__` of a class. A field with ``repr=False`` is left out.

    Args:
        instance: An instance of a dataclass.
    """
    values = {field: getattr(instance, field.name) for field in fields(instance) if field.repr}
    shown = [
        f"{field.name}={short(value)}" for field, value in values.items() if not _is_default(field, value)
    ]
    return f"{type(instance).__name__}({', '.join(shown)})"


def repr_lines(name: str, items: Iterable[object], count: int, noun: str) -> str:
    """Return the repr of a list: its name, its length, and a line for each of its first items.

    Args:
        name: The name of its class.
        items: The first items, of which at most `MOST_LINES` are shown.
        count: Number of all items.
        noun: The name of an item.
    """
    lines = [short(item) for item, _ in zip(items, range(MOST_LINES), strict=False)]
    more = [f"… {count - len(lines):,} more"] if lines and count > len(lines) else []
    return repr_block(f"{name}: {counted(count, noun)}", [*lines, *more])


def repr_block(head: str, lines: Iterable[str]) -> str:
    """Return the repr of an object in some lines, which do nothing to a terminal.

    Args:
        head: The first line: the name of the class, and what the object is.
        lines: The lines below it.
    """
    head, *rest = (one_line(line[:LONGEST_LINE]) for line in (head, *lines))
    return "\n  ".join([f"<{head}>", *rest])


def _is_default(field: "Field[Any]", value: object) -> bool:
    factory = field.default_factory
    default = field.default if factory is MISSING else factory()
    return default is value or (type(default) is type(value) and bool(default == value))
