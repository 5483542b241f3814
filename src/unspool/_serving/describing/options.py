"""JSON Schema of options, from the rows in which they are declared."""

import functools
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from unspool._configuration import OptionRow, names_in, rows_of

Schema: TypeAlias = dict[str, Any]

OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
PLAIN: dict[Any, tuple[str, tuple[str, ...]]] = {  # the name of a type, and the bounds that it may have
    bool: ("boolean", ()),
    int: ("integer", OF_NUMBERS),
    float: ("number", OF_NUMBERS),
    str: ("string", ("minLength", "maxLength")),
    NoneType: ("null", ()),
}
ARGUMENT = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)  # of a docstring without its margin


def option_schemas(config: type, **instead: Any) -> dict[str, Schema]:
    """Return the schema of each option of a configuration dataclass, also under its names elsewhere.

    There are no defaults in it: what is not given comes from the model's own file.

    Args:
        config: The dataclass.
        instead: Types that JSON can say, in place of an option's own.
    """
    words, found = _words_of(config), {}
    for field in fields(config):
        row = rows_of(config)[field.name]
        hint = instead.get(field.name, get_args(field.type)[0])
        schema = schema_of(hint, row) | {"description": words.get(field.name, "")}
        for name in (field.name, *row.aliases):
            found[name] = schema
    return found


def schema_of(hint: Any, row: OptionRow) -> Schema:
    """Return the schema of the values of a type that a row allows.

    Args:
        hint: The type.
        row: The row.
    """
    if row.none_means is not None:
        hint = hint | None
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    schemas = [_schema(kind, row) for kind in kinds]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _schema(kind: Any, row: OptionRow) -> Schema:
    bounds, origin = row.range.bounds, get_origin(kind)
    if kind in PLAIN:
        name, keywords = PLAIN[kind]
        schema: Schema = {"type": name} | {key: bounds[key] for key in keywords if key in bounds}
        if kind is str and row.range.table is not None:
            schema["enum"] = list(names_in(row.range.table))
        return schema
    if origin is Literal:
        return {"enum": list(get_args(kind))}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(get_args(kind)[1], row)}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        least = {"minItems": bounds["minItems"]} if "minItems" in bounds else {}
        return {"type": "array", "items": schema_of(get_args(kind)[0], row)} | least
    raise TypeError(f"{kind!r} has no schema")


@functools.cache
def _words_of(config: type) -> dict[str, str]:
    """Return what the docstring of a class says of each argument."""
    text = inspect.getdoc(config) or ""
    return {name: " ".join(words.split()) for name, words in ARGUMENT.findall(text)}
