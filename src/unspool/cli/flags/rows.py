"""Flags made from the rows of options: name, kind, help, default, completion and aliases."""

import functools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from unspool.cli.flags.flag import OFF, Flag
from unspool.cli.flags.values import bias, names, number_or_several
from unspool.configuration import OptionRow, rows_of

# How the command line reads a value that is neither one number nor one word.
READ: dict[Any, dict[str, Any]] = {
    float | Sequence[float]: {"kind": float, "parse": number_or_several, "words": "a number, or several"},
    str | Sequence[str]: {"kind": list[str]},
    Mapping[str | int, float]: {
        "kind": list[str], "parse": bias, "words": "a symbol, = and a number", "collect": dict,
    },
}  # fmt: skip
NAMES = {"kind": str, "parse": names, "words": "names with commas between them"}


def flags_of(config: type) -> tuple[Flag, ...]:
    """Make a flag from each field of a configuration dataclass whose row has a line of help."""
    hints = get_type_hints(config)
    defaults = {field.name: field.default for field in fields(config)}
    rows = {name: row for name, row in rows_of(config).items() if row.help}
    return tuple(flag_of(name, row, hints[name], defaults[name]) for name, row in rows.items())


def flag_of(name: str, row: OptionRow, hint: Any, default: object) -> Flag:
    """Make a flag from a row.

    Args:
        name: Name of the option.
        row: Its row.
        hint: Its type; with None where it can be turned off.
        default: What holds where it is not given.
    """
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] or [hint]
    kind = hint if get_origin(hint) is Mapping else functools.reduce(operator.or_, kinds)
    reading = READ.get(kind, {"kind": kind})
    reading = NAMES if row.range.table and reading["kind"] == list[str] else reading
    repeated = reading["kind"] == list[str]
    words = {"None": OFF, "True": "on", "False": "off"}
    shown = f"{default:g}" if isinstance(default, float) else words.get(str(default), str(default))
    return Flag(
        name,
        help=row.range.fill(row.help) if reading is NAMES else row.help,  # a single choice is filled in late
        default=None if repeated else row.shown or shown,
        table=row.range.table,
        can_be_off=NoneType in get_args(hint) and not repeated,
        negative=row.negative,
        aliases=row.aliases,
        **reading,
    )
