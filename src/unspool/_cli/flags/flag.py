"""Flags as rows of a table: one row gives the flag, its environment variable, its help and its completion.

A command takes whole groups of rows with `@takes(group, ...)` and receives `flags`, with a dictionary of the
given values for each group. A flag that is not given is not in it, so that the defaults of the library apply.
The default in a row is the one that ``--help`` shows.
"""

import ast
import functools
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import click
from click.shell_completion import CompletionItem

from unspool._cli.flags.values import place

CHOICES = "{choices}"
SHORT = {"n": "n", "out": "o", "temperature": "t"}  # the letters of the flags that have one
OFF = "none"  # the value that turns something off
KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    list[float]: (float, "a number"),
    Path: (place, "a path"),
}


@dataclass(frozen=True)
class Flag:
    """The row of a flag.

    Args:
        name: The name in Python, such as `hidden_size`; the flag is ``--hidden-size`` and the variable
            ``UNSPOOL_HIDDEN_SIZE``.
        kind: int, float, str, Path, which stays a string, bool, or list[str] for a flag that may be repeated.
        help: A sentence without its full stop; "{choices}" in it stands for the names in `table` or in
            `suffixes`, or for the words that a `Literal` allows.
        default: The default in words, as ``--help`` shows it; None to show none.
        table: The table of the choices, ``module:NAME``, which is read when the shell completes.
        suffixes: The table of the suffixes that a file name may have, ``module:NAME``.
        can_be_off: Whether "none" turns it off, which is None in Python.
        negative: For bool: the flag that means no, or None for no such flag.
        several: For a list: whether one flag takes all values up to the next flag, ``--cell lstm gru``.
        aliases: Names in other libraries, as in Python; the help does not show them.
        elsewhere: Names in other libraries that are no flags here, but answered with this one.
        parse: Function that reads one value and raises ValueError for a wrong one; None to read by `kind`.
        words: The values that `parse` reads, for messages.
        collect: Function that makes one value of all values of a repeated flag.
        option: The name in the library; None for the name of the flag.
    """

    name: str
    kind: Any
    help: str
    default: str | None = None
    table: str | None = None
    suffixes: str | None = None
    can_be_off: bool = False
    negative: str | None = None
    several: bool = False
    aliases: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    words: str | None = None
    collect: Callable[[list[Any]], Any] | None = None
    option: str | None = None

    @property
    def spelling(self) -> str:
        """The spelling of the flag, with its negative form if it has one."""
        positive = spelled(self.name)
        return f"{positive}/{self.negative}" if self.negative else positive

    def parameters(self, panel: str) -> list[inspect.Parameter]:
        """Return the function parameters of the flag and its hidden aliases, for `parameter_of`."""
        hidden = [replace(self, name=alias, negative=None, default=None) for alias in self.aliases]
        rows = [Option(self, panel), *(Option(flag, hidden=True) for flag in hidden)]
        kind: Any = self.kind | None
        where = inspect.Parameter.KEYWORD_ONLY
        return [
            inspect.Parameter(row.flag.name, where, default=None, annotation=Annotated[kind, row])
            for row in rows
        ]


@dataclass(frozen=True)
class Group:
    """A group of flags, with its heading in the help and its attribute of `FlagValues`."""

    argument: str
    heading: str
    flags: tuple[Flag, ...] = field(default=())


class FlagValues:
    """The given values of each group of flags: ``flags.reading`` for the argument "reading"."""

    def __init__(self, groups: dict[str, dict[str, Any]]) -> None:
        self.__dict__.update(groups)

    def __getattr__(self, argument: str) -> dict[str, Any]:
        raise AttributeError(f"the command takes no group {argument}")


@dataclass(frozen=True)
class Argument:
    """The row of a positional argument.

    Args:
        metavar: The word for it in the help.
        help: A sentence for the help.
    """

    metavar: str
    help: str


@dataclass(frozen=True)
class Option:
    """A flag with its heading in the help; None for the usual heading."""

    flag: Flag
    panel: str | None = None
    hidden: bool = False


class PanelOption(click.Option):
    """An option that knows its flag, its heading in the help, and its choices."""

    flag: Flag
    panel: str | None = None
    several = False
    words: tuple[str, ...] = ()

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the line of the help: the flag, and its sentence with the current choices."""
        record = super().get_help_record(ctx)
        return record and (record[0], with_choices(self.flag, record[1], self.words))


class DescribedArgument(click.Argument):
    """An argument with a line in the help."""

    described: tuple[str, str] = ("", "")

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the line of the help: the name and the sentence."""
        return self.described


def parameter_of(parameter: inspect.Parameter) -> click.Parameter:
    """Return click's parameter for a function's parameter with an `Option` or an `Argument` in its type."""
    kind, what = get_args(parameter.annotation)[:2]
    if isinstance(what, Option):
        return option_from(parameter.name, kind, what, parameter.default)
    required = parameter.default is inspect.Parameter.empty
    many = list in {get_origin(each) for each in (kind, *get_args(kind))}
    argument = DescribedArgument(
        [parameter.name], required=required, nargs=-1 if many else 1, metavar=what.metavar,
        callback=(lambda _, __, value: list(value)) if many else None,
    )  # fmt: skip
    argument.described = (what.metavar, what.help + (" [required]" if required else ""))
    return argument


def option_from(name: str, kind: Any, what: Option, default: Any) -> click.Option:
    """Return click's option for a row."""
    flag = what.flag
    many = get_origin(flag.kind) is list
    shown = f" [{flag.default}]" if flag.default is not None else ""
    literals = [each for each in (kind, *get_args(kind)) if get_origin(each) is Literal]
    words = get_args(literals[0]) if literals else ()
    short = [f"-{SHORT[flag.name]}"] if flag.name in SHORT else []
    option = PanelOption(
        [name, *short, flag.spelling],
        help=flag.help + shown,
        envvar=None if what.hidden else variable(flag.name),
        hidden=what.hidden,
        default=None if many else default,
        multiple=many,
        is_flag=flag.kind is bool,
        type=None if flag.kind is bool else click.Choice(words) if words else parser(flag) or str,
        metavar=metavar(flag),
        shell_complete=completing(flag.table) if flag.table else None,
        callback=(lambda _, __, value: list(value)) if many else None,
    )
    option.flag, option.panel, option.several, option.words = flag, what.panel, flag.several, words
    return option


def spelled(name: str) -> str:
    """Return the name of a flag as on the command line: ``--hidden-size``."""
    return "--" + name.replace("_", "-")


def with_choices(flag: Flag, text: str, words: tuple[str, ...] = ()) -> str:
    """Return a text about a flag with its current choices.

    Args:
        flag: The flag.
        text: The text.
        words: The choices of a flag that has no table.
    """
    if CHOICES not in text:
        return text
    table = flag.table or flag.suffixes
    names = [*(choices(table) if table else words), *[OFF] * flag.can_be_off]
    last = ", " if flag.several else " or "
    return text.replace(CHOICES, ", ".join(names[:-1]) + last + names[-1])


def variable(name: str) -> str:
    """Return the name of the environment variable of a flag."""
    return f"UNSPOOL_{name.upper()}"


def metavar(flag: Flag) -> str | None:
    """Return the word for a value in the help: N for a whole number, X for a real one."""
    if flag.kind is bool:
        return None
    if flag.several:
        return "NAME …" if flag.table else "X …"
    if flag.table:
        return "NAME"
    word = {int: "N", float: "X", list[float]: "X"}.get(flag.kind, "TEXT")
    return f"{word}|{OFF}" if flag.can_be_off else word


def choices(table: str) -> list[str]:
    """Return the names in a table, read from the source of its module if this is not loaded, which is faster.

    Args:
        table: The table, ``module:NAME``.
    """
    module, name = table.split(":")
    spec = None if module in sys.modules else importlib.util.find_spec(module)
    source = Path(spec.origin).read_text("utf-8") if spec is not None and spec.origin else ""
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            written: Any = node.value
            return [ast.literal_eval(key) for key in getattr(written, "keys", None) or written.elts]
    return list(getattr(importlib.import_module(module), name))


def completing(table: str) -> Callable[[Any, Any, str], list[CompletionItem]]:
    """Return a completion function of click for the names in a table."""
    return lambda _context, _parameter, incomplete: [
        CompletionItem(name) for name in choices(table) if name.startswith(incomplete)
    ]


def parser(flag: Flag) -> Callable[[str], Any] | None:
    """Make a parser whose complaint says what was found; None where every text is good.

    It leaves "none" as it is, for `given`.
    """
    kind: Callable[[str], Any]
    kind, words = KINDS.get(flag.kind, (str, "a text"))
    if flag.parse is not None:
        kind, words = flag.parse, flag.words or words
    if kind is str and not flag.can_be_off:
        return None

    def parse(value: str) -> Any:
        if flag.can_be_off and value.lower() == OFF:
            return OFF
        try:
            return kind(value)
        except ValueError:
            wanted = f"{words} or {OFF}" if flag.can_be_off else words
            point = f"; did you mean {value.replace(',', '.')}?" if re.fullmatch(r"-?\d+,\d+", value) else ""
            raise click.UsageError(
                f"{spelled(flag.name)} must be {wanted}; got {value[:60]!r}{point}"
            ) from None

    return parse


def takes(
    *groups: Group, leading: tuple[str, ...] = (), examples: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the flags of groups to a command, as its argument `flags`.

    Args:
        groups: The groups.
        leading: The names of the flags that the help shows before all others.
        examples: Command lines that the help shows first.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(*args: Any, **values: Any) -> None:
            flags = FlagValues({group.argument: given(group, values) for group in groups})
            function(*args, flags=flags, **values)

        parameters = inspect.signature(function).parameters
        all_parameters = [parameter for name, parameter in parameters.items() if name != "flags"]
        for group in groups:
            all_parameters += [
                parameter for flag in group.flags for parameter in flag.parameters(group.heading)
            ]
        signature = inspect.Signature(all_parameters)
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.leading, command.examples = leading, examples  # type: ignore[attr-defined]
        return command

    return decorate


def given(group: Group, values: dict[str, Any]) -> dict[str, Any]:
    """Return the given values of a group, by option; "none" becomes None."""
    taken = {flag: _taken(flag, values) for flag in group.flags}
    return {
        flag.option or flag.name: None
        if flag.can_be_off and value == OFF
        else flag.collect(value)
        if flag.collect
        else value
        for flag, value in taken.items()
        if value is not None and value != []
    }


def _taken(flag: Flag, values: dict[str, Any]) -> Any:
    """Return the value of a flag, which was given under one of its names."""
    named = {name: values.pop(name, None) for name in (flag.name, *flag.aliases)}
    present = {name: value for name, value in named.items() if value is not None and value != []}
    if len(present) > 1:
        both = " and ".join(map(spelled, present))
        raise click.BadParameter(f"{both} mean the same: give one of them")
    return next(iter(present.values()), None)
