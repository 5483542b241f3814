"""Turn frozen configuration dataclasses into plain JSON dictionaries and back, strictly.

An unknown key, a missing key and a value of the wrong type are errors that name the key. The only silent
conversion is from a whole number to a real one.

An option is declared once, as a field whose `Annotated` metadata is its `OptionRow`. The check of its range,
its flag, its names in other libraries and the contract tests are made from the row. `check_rows` in
``__post_init__`` checks every field.
"""

import dataclasses
import difflib
import functools
import importlib
import math
import numbers
import reprlib
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from unspool._errors import ConfigError

T = TypeVar("T")

MOST_NAMES = 12  # names that an error lists
JSON_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
PLAIN = {*JSON_NAMES, type(None)}  # the types of values that are JSON as they are


def check(name: str, value: object, allowed: str, ok: bool) -> None:
    """Refuse a parameter that is out of its range.

    Args:
        name: Name of the parameter, as the user writes it.
        value: The value that the user gave.
        allowed: The range in words: "a whole number ≥ 1".
        ok: Whether the value is in the range.

    Raises:
        ConfigError: If `ok` is false.
    """
    if not ok:
        raise ConfigError(name, expected=allowed, got=repr(value))


def is_whole(value: object, *, least: int) -> bool:
    """Return whether a value is an integer of Python or NumPy (bool excluded) of at least `least`."""
    if type(value) is int:  # as nearly always; the class of all integers is slow to ask
        return value >= least
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= least


def is_real(value: object) -> bool:
    """Return whether a value is a real number (bool excluded); it may still be infinite or NaN."""
    return type(value) is float or (isinstance(value, numbers.Real) and not isinstance(value, bool))


@dataclasses.dataclass(frozen=True)
class Allowed:
    """A range of allowed values, in words and as a check.

    Args:
        words: The range in words: "a whole number ≥ 1". ``{choices}`` stands for the names in `table`.
        holds: A function that returns whether a value is in the range.
        table: The table whose names a value is or contains, ``module:NAME``; it is read when it is needed.
            None if a value is not a name.
        bounds: The bounds of the numbers, strings and lists in it, as far as JSON Schema has words for them:
            {"minimum": 1}.
    """

    words: str
    holds: Callable[[Any], bool]
    table: str | None = None
    bounds: Mapping[str, float] = dataclasses.field(default_factory=dict, hash=False)

    @property
    def or_none(self) -> "Allowed":
        """Return the same range with None in it."""
        return dataclasses.replace(
            self, words=f"{self.words}, or None", holds=lambda value: value is None or self.holds(value)
        )

    def canonical(self, value: Any) -> Any:
        """Return a name, or each of several, as the table spells it; any other value as it is."""
        if self.table is None or not isinstance(value, str | list | tuple):
            return value
        names = names_in(self.table)
        return (
            as_spelled(value, names)
            if isinstance(value, str)
            else type(value)(as_spelled(each, names) for each in value)
        )

    def fill(self, text: str) -> str:
        """Return a text with the names in the place of ``{choices}``."""
        if self.table is None or "{choices}" not in text:
            return text  # no table is read without need
        return text.format(choices=", ".join(names_in(self.table)))


def names_in(table: str) -> tuple[str, ...]:
    """Return the names in a table, ``module:NAME``."""
    module, name = table.split(":")
    return tuple(getattr(importlib.import_module(module), name))


def as_spelled(value: T, names: Iterable[str]) -> T | str:
    """Return the name that a value is, in upper or lower case, or the value itself if it is none of them."""
    same = (name for name in names if isinstance(value, str) and name.lower() == value.lower())
    return next(same, value)


def one_of(table: str) -> Allowed:
    """Return the range of the names in a table, ``module:NAME``; the table is read when it is needed."""
    return Allowed(
        "one of {choices}", lambda value: isinstance(value, str) and value in names_in(table), table
    )


def whole_range(least: int, most: int | None = None) -> Allowed:
    """Return the range of whole numbers from `least` to `most`, or without an upper limit."""
    words = f"a whole number ≥ {least}" if most is None else f"a whole number from {least} to {most}"
    bounds = {"minimum": least} if most is None else {"minimum": least, "maximum": most}
    return Allowed(
        words,
        lambda value: is_whole(value, least=least) and (most is None or value <= most),
        bounds=bounds,
    )


def real_range(
    words: str,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> Allowed:
    """Return a range of finite real numbers.

    Args:
        words: The range in words.
        least: The smallest allowed number.
        above: A number that allowed numbers must exceed.
        most: The largest allowed number.
        below: A number that allowed numbers must stay below.
    """
    names = {"minimum": least, "exclusiveMinimum": above, "maximum": most, "exclusiveMaximum": below}
    return Allowed(
        words,
        lambda value: is_real(value) and least <= value <= most and above < value < below,
        bounds={name: number for name, number in names.items() if math.isfinite(number)},
    )


SWITCH = Allowed("true or false", lambda value: isinstance(value, bool))


@dataclasses.dataclass(frozen=True)
class OptionRow:
    """The description of an option: the `Annotated` metadata of its field.

    Args:
        range: The allowed values, without None.
        help: One line for the command line, without a full stop. ``{choices}`` stands for the names in the
            range's table. Empty if the command line has no flag for the option.
        sample: A value for the contract tests, other than the default.
        shown: The default that the help shows; None for the field's own default.
        negative: The flag that turns a switch off, or None.
        takes_none: Whether the flag takes the word "none", if the option may be None.
        several: Whether the flag takes several values, one after the other: ``--cell lstm gru``.
        flag: The name of its flag, if it is not the field's name: ``--choice`` for `choices`.
        aliases: Its names in other libraries that are accepted here as well; () for none.
        elsewhere: Its names in other libraries, and what people call it, that are answered with its name.
        escapes: Whether the command line reads escapes such as a backslash and n in its value as characters.
        none_means: The value that None and the word "none" stand for, for an option that always has a value.
    """

    range: Allowed
    help: str = ""
    _: dataclasses.KW_ONLY
    sample: Any = None
    shown: str | None = None
    negative: str | None = None
    takes_none: bool = True
    several: bool = False
    flag: str | None = None
    aliases: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    escapes: bool = False
    none_means: Any = None


@functools.cache
def rows_of(cls: type) -> dict[str, OptionRow]:
    """Return the row of each field of a configuration dataclass; its range has None if the type has.

    Raises:
        TypeError: If a field has no row.
    """
    rows = {}
    for field in dataclasses.fields(cls):
        hint, *metadata = get_args(field.type) or (field.type,)
        row = next((each for each in metadata if isinstance(each, OptionRow)), None)
        if row is None:
            raise TypeError(f"{cls.__name__}.{field.name} has no OptionRow in its annotation")
        off = types.NoneType in get_args(hint)
        rows[field.name] = dataclasses.replace(row, range=row.range.or_none) if off else row
    return rows


@functools.cache
def names_elsewhere(*classes: type) -> dict[str, str]:
    """Return the field that each name means which other libraries have for a field of these dataclasses."""
    return {
        other: field.name
        for cls in classes
        for field in dataclasses.fields(cls)
        for row in get_args(field.type)
        if isinstance(row, OptionRow)
        for other in row.elsewhere
    }


def check_rows(config: Any) -> None:
    """Check every field of a configuration dataclass against the range in its row.

    Names are accepted in any case, and stored as their tables spell them.

    Raises:
        ConfigError: If a value is out of its range.
    """
    for name, row in rows_of(config.__class__).items():
        value = row.range.canonical(getattr(config, name))
        if not row.range.holds(value):
            check(name, value, row.range.fill(row.range.words), ok=False)
        object.__setattr__(config, name, value)


def answers_unknown_names(cls: type[T]) -> type[T]:
    """Make a configuration dataclass answer an unknown keyword argument with the nearest option."""
    made: Callable[..., None] = cls.__init__
    known = [field.name for field in dataclasses.fields(cls) if field.init]  # type: ignore[arg-type]

    @functools.wraps(made)
    def checked(self: T, *values: Any, **named: Any) -> None:
        refuse_unknown(named, known, "", names_elsewhere(cls))  # type: ignore[arg-type]
        made(self, *values, **named)

    cls.__init__ = checked  # type: ignore[assignment]
    return cls


def to_dict(config: object) -> dict[str, object]:
    """Return a configuration dataclass as plain JSON types, nested dataclasses included."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"to_dict takes a dataclass instance, not {config!r}")
    return {field.name: to_plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def to_plain(value: object) -> object:
    """Return any value of a configuration as plain JSON types.

    Raises:
        TypeError: If the value, or one inside it, has no such form.
    """
    if type(value) in PLAIN:
        return value  # called some twenty times a step
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_dict(value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, (int, float, str)):  # of a class of its own
        return value
    if isinstance(value, numbers.Real):  # NumPy's
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    raise TypeError(f"{value!r} has no plain JSON form")


def from_dict(cls: type[T], values: Mapping[str, object], *, where: str) -> T:
    """Make a configuration dataclass from a dictionary such as JSON gives.

    Args:
        cls: The dataclass to make; its annotations name the allowed types.
        values: The values by field name; fields that have a default may be left out.
        where: The place that the values were read from, for messages: "config.json, network"; "" for
            keyword arguments and flags.

    Returns:
        An instance of `cls`, also checked by its own ``__post_init__``.

    Raises:
        ConfigError: If a key is unknown (the nearest known one is named) or missing, or a value has a wrong
            type or is out of its range.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(where, expected="an object with keys and values", got=_describe(values))
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    refuse_unknown(values, list(fields), where, names_elsewhere(cls))  # type: ignore[arg-type]
    missing = [name for name, field in fields.items() if name not in values and not _has_default(field)]
    if missing:
        raise ConfigError(_place(where, f"key {missing[0]!r} is missing"), expected="a value for it")
    hints = _type_hints(cls)  # type: ignore[arg-type]
    arguments = {key: _convert(hints[key], value, _place(where, key)) for key, value in values.items()}
    try:
        return cls(**arguments)
    except ConfigError as error:
        what = _place(where, error.what)
        raise ConfigError(what, expected=error.expected, got=error.got, hint=error.hint) from None


def _place(where: str, what: str) -> str:
    return f"{where}: {what}" if where else what


@functools.cache
def _type_hints(cls: type[Any]) -> dict[str, Any]:
    """Return the types of a dataclass's fields; the options of every text are made from them."""
    return get_type_hints(cls)


def refuse_unknown(
    values: Mapping[str, object], known: Sequence[str], where: str, elsewhere: Mapping[str, str]
) -> None:
    """Refuse a key that is not known, and name the nearest one that is.

    Args:
        values: The values by key.
        known: The keys that are known.
        where: The place of the values, for the message; "" for none.
        elsewhere: What a known key is called elsewhere -> the key.

    Raises:
        ConfigError: If a key is not known.
    """
    for key in values:
        if key not in known:
            same = elsewhere.get(str(key).replace("-", "_").lower())
            near = difflib.get_close_matches(str(key), known, n=1)
            kind, shown = ("key" if where else "option"), reprlib.repr(key)
            some = ", ".join(known[:MOST_NAMES]) + (" and others" if len(known) > MOST_NAMES else "")
            raise ConfigError(
                _place(where, f"unknown {kind} {shown}"),
                expected=None if same or near else f"one of {some}",
                hint=f"it is {same!r} here" if same else f"did you mean {near[0]!r}?" if near else None,
            )


def _has_default(field: "dataclasses.Field[Any]") -> bool:
    return not (field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)


def _convert(hint: Any, value: object, where: str) -> Any:
    """Check one value against its annotation and return it in the type of the dataclass."""
    origin = get_origin(hint)
    if hint in (Any, object):
        return value
    if origin in (Union, types.UnionType):
        return _convert_union(hint, value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_dict(hint, value, where=where)  # type: ignore[arg-type]
    if origin is Literal:
        ok, result = value in get_args(hint), value
    elif origin is not None:
        return _convert_container(hint, value, where)
    else:
        ok, result = _convert_scalar(hint, value)
    if not ok:
        raise ConfigError(where, expected=_expected(hint), got=_describe(value))
    return result


def _convert_scalar(hint: Any, value: object) -> tuple[bool, Any]:
    if hint is float and is_real(value):
        return True, float(value)  # type: ignore[arg-type]
    if hint is int and isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return True, int(value)
    if isinstance(value, bool):
        return hint is bool, value
    return isinstance(value, hint if hint is not None else types.NoneType), value


def _convert_union(hint: Any, value: object, where: str) -> Any:
    exact = [option for option in get_args(hint) if option is type(value)]
    inside = None
    for option in [*exact, *get_args(hint)]:
        try:
            return _convert(option, value, where)
        except ConfigError as error:
            if inside is None and error.what != where:
                inside = error  # the value is of the right kind: what is wrong in it says more
    raise inside or ConfigError(where, expected=_expected(hint), got=_describe(value))


def _convert_container(hint: Any, value: object, where: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ConfigError(where, expected="an object with keys and values", got=_describe(value))
        whole = int in get_args(arguments[0])  # str | int: a whole number stays one
        return {
            int(key) if whole and is_whole(key, least=0) else str(key): _convert(
                arguments[1], item, f"{where}.{key}"
            )
            for key, item in value.items()
        }
    if not isinstance(value, (list, tuple)):
        raise ConfigError(where, expected="a list", got=_describe(value))
    items = [_convert(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value)]
    return items if origin is list else tuple(items)


def _expected(hint: Any) -> str:
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_expected(option) for option in get_args(hint))
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(repr(option) for option in get_args(hint))
    if hint in (None, types.NoneType):
        return "null"
    is_mapping = isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Mapping)
    if is_mapping or dataclasses.is_dataclass(hint):
        return "an object with keys and values"
    return JSON_NAMES.get(hint) or ("a list" if get_origin(hint) in (tuple, list, Sequence) else str(hint))


def _describe(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
