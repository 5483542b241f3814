"""Flags made from the rows of options: name, kind, help, default, completion and aliases."""

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import NoneType
from typing import Any, get_args

from unspool._cli.flags.flag import OFF, Flag
from unspool._cli.flags.values import bias, names, number_or_several, unescaped
from unspool._configuration import OptionRow, rows_of
from unspool._text.reading.read_options import Columns

# How the command line reads a value that is not a single number or word.
READ: dict[Any, dict[str, Any]] = {
    float | Sequence[float]: {
        "kind": float, "parse": number_or_several, "words": "a number, or several such as 1.0,0.5",
    },
    str | Sequence[str]: {"kind": list[str]},
    str | Sequence[str | Sequence[int]]: {"kind": list[str]},
    Sequence[str]: {"kind": list[str]},
    Columns: {"kind": list[str]},
    Mapping[str | int, float]: {
        "kind": list[str], "parse": bias, "words": "a symbol, = and a number", "collect": dict,
    },
}  # fmt: skip
SEVERAL: dict[str, Any] = {"kind": list[str], "several": True}
NAMES: dict[str, Any] = {"kind": str, "parse": names, "words": "names with commas between them"}


def flags_of(config: type, *more: Flag, first: Sequence[str] = ()) -> tuple[Flag, ...]:
    """Make a flag from each field of a configuration dataclass whose row has a line of help.

    Args:
        config: The dataclass.
        more: Flags that follow these.
        first: Names of the flags that the help shows first; the others follow in the order of the fields.
    """
    rows = [(field, rows_of(config)[field.name]) for field in fields(config)]
    flags = [
        flag_of(field.name, row, get_args(field.type)[0], field.default) for field, row in rows if row.help
    ]
    return tuple(sorted((*flags, *more), key=lambda flag: (*first, flag.name).index(flag.name)))


def flag_of(name: str, row: OptionRow, hint: Any, default: object) -> Flag:
    """Make a flag from a row.

    Args:
        name: Name of the option.
        row: Row of the option.
        hint: Type of the option; with None if it can be turned off.
        default: Default of the option.
    """
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    kind = functools.reduce(operator.or_, kinds) if NoneType in get_args(hint) else hint
    plain = kind if kind in (int, float, bool) else bool if isinstance(default, bool) else str
    reading = SEVERAL if row.several else READ.get(kind, {"kind": plain})
    reading = NAMES if row.range.table and reading == READ[Sequence[str]] else reading
    reading = reading | {"parse": unescaped} if row.escapes else reading
    is_text = reading["kind"] in (str, list[str]) and row.range.table is None  # "none" is a text too
    words = {"None": None if is_text else OFF, "True": "on", "False": "off", "": None}
    values = default if isinstance(default, tuple) else (default,)
    shown = " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
    may_be_none = NoneType in get_args(hint) or row.none_means is not None
    return Flag(
        row.flag or name,
        option=name,
        help=row.range.fill(row.help) if reading is NAMES else row.help,  # a single choice: later
        default=row.shown or words.get(shown, shown),
        table=row.range.table,
        can_be_off=may_be_none and row.takes_none and not is_text,
        negative=row.negative,
        aliases=row.aliases,
        elsewhere=row.elsewhere,
        **reading,
    )
