"""Flags as rows of a table: one row gives the flag, its environment variable, its help and its completion.

A command takes whole groups of rows with `@takes(group, ...)` and receives each as a dictionary of what was
given. What was not given is not in it, so that the library's own defaults hold; the default in a row is what
``--help`` shows.
"""

import functools
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

OFF = "none"  # how a flag is told to turn something off
NUMBERS: dict[Any, tuple[type, str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    list[float]: (float, "a number"),
}


@dataclass(frozen=True)
class Flag:
    """Describe one flag.

    Args:
        name: As in Python, `hidden_size`; the flag is ``--hidden-size`` and the variable
            ``UNSPOOL_HIDDEN_SIZE``.
        kind: int, float, str, bool, or list[str] for a flag that may be repeated.
        help: A sentence without its full stop.
        default: What holds where it is not given, as ``--help`` shows it; None for nothing to show.
        table: Where the choices are, ``module:NAME``, read when the shell completes.
        can_be_off: Whether "none" turns it off, which Python writes as None.
        negative: For bool: the flag that says no, or None for none.
    """

    name: str
    kind: Any
    help: str
    default: str | None = None
    table: str | None = None
    can_be_off: bool = False
    negative: str | None = None

    @property
    def spelling(self) -> str:
        """Spell the flag, both sides of it where it has two."""
        positive = "--" + self.name.replace("_", "-")
        return f"{positive}/{self.negative}" if self.negative else positive

    def parameter(self, panel: str) -> inspect.Parameter:
        """Make the function parameter that typer reads the flag from."""
        kind: Any = self.kind | None
        annotation = Annotated[kind, option_of(self, panel)]
        return inspect.Parameter(
            self.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
        )


@dataclass(frozen=True)
class Group:
    """Name a group of flags: the heading in the help, and the argument that a command receives them as."""

    argument: str
    heading: str
    flags: tuple[Flag, ...] = field(default=())


def option_of(flag: Flag, panel: str | None, **extra: Any) -> Any:
    """Make typer's option from a row."""
    shown = f" [{flag.default}]" if flag.default is not None else ""
    return typer.Option(
        flag.spelling,
        help=flag.help + shown,
        envvar=variable(flag.name),
        show_envvar=False,
        show_default=False,
        rich_help_panel=panel,
        metavar=metavar(flag),
        parser=parser(flag),
        autocompletion=completion(flag.table) if flag.table else None,
        **extra,
    )


def variable(name: str) -> str:
    """Name the environment variable of a flag."""
    return f"UNSPOOL_{name.upper()}"


def metavar(flag: Flag) -> str | None:
    """Say in the help what a value is: N a whole number, X a real one."""
    if flag.kind is bool:
        return None
    if flag.table:
        return "NAME"
    word = {int: "N", float: "X", list[float]: "X"}.get(flag.kind, "TEXT")
    return f"{word}|{OFF}" if flag.can_be_off else word


def completion(table: str) -> Callable[[str], list[str]]:
    """Make a completion from a table's keys; the table is imported when it is needed."""
    module, name = table.split(":")

    def complete(incomplete: str) -> list[str]:
        keys = getattr(importlib.import_module(module), name)
        return [key for key in keys if key.startswith(incomplete)]

    return complete


def parser(flag: Flag) -> Callable[[str], Any] | None:
    """Make a parser whose complaint says what was found; None where every text is good.

    It leaves "none" as it is, for `given`.
    """
    kind, words = NUMBERS.get(flag.kind, (str, "a text"))
    if kind is str and not flag.can_be_off:
        return None

    def parse(value: str) -> Any:
        if flag.can_be_off and value.lower() == OFF:
            return OFF
        try:
            return kind(value)
        except ValueError:
            wanted = f"{words} or {OFF}" if flag.can_be_off else words
            raise typer.BadParameter(f"expected {wanted}, got {value!r}") from None

    return parse


def takes(*groups: Group) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of groups, each of which it receives as a dictionary of what was given."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        names = {group.argument for group in groups}

        @functools.wraps(function)
        def command(*args: Any, **values: Any) -> None:
            for group in groups:
                values[group.argument] = given(group, values)
            function(*args, **values)

        parameters = inspect.signature(function).parameters
        own = [parameter for name, parameter in parameters.items() if name not in names]
        flags = [flag.parameter(group.heading) for group in groups for flag in group.flags]
        signature = inspect.Signature([*own, *flags])
        command.__dict__.pop("__wrapped__")  # typer would read the signature of what is inside
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return command

    return decorate


def given(group: Group, values: dict[str, Any]) -> dict[str, Any]:
    """Take a group's values out of all values, those alone that were given; "none" becomes None."""
    taken = {flag.name: values.pop(flag.name) for flag in group.flags}
    off = {flag.name for flag in group.flags if flag.can_be_off}
    return {
        name: None if name in off and value == OFF else value
        for name, value in taken.items()
        if value is not None and value != []
    }
