"""Commands with many flags: help in sections, and flags with several values."""

import re
from collections.abc import Collection, Mapping
from typing import Any

import click

from unspool._cli.flags.flag import OFF, Flag, PanelOption, spelled
from unspool._cli.flags.guesses import known_flag
from unspool._errors import ConfigError, DivergenceError
from unspool._screen.wording import options_spelled

MOST_USED = "Most used"


class GroupedCommand(click.Command):
    """A command whose help has a section for each group of flags, in order of first appearance.

    Attributes:
        leading: The names of the flags that the help shows before all others.
        examples: Command lines that the help shows first.
    """

    leading: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; a flag of several values takes all up to the next flag.

        A flag may be written with underscores, as in Python. An unknown flag is answered with the right one.
        """
        greedy = {name for param in self.params if getattr(param, "several", False) for name in param.opts}
        end = args.index("--") if "--" in args else len(args)
        line = [*map(with_dashes, args[:end]), *args[end:]]
        try:
            return super().parse_args(ctx, repeated(line, greedy) if greedy else [*line])
        except click.NoSuchOption as error:
            wrong = next((word for word in line if is_long_name(word, error.option_name)), error.option_name)
            advice = known_flag(self, wrong)
            ctx.fail(f"No such option {wrong}" + (f"; {advice}" if advice else ""))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, and the examples."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error or a remark about an option speaks of its flag."""
        flags = self._flags()
        with options_spelled(lambda words: reworded(words, flags)):
            try:
                return super().invoke(ctx)
            except ConfigError as error:
                raise self._of_flags(error) from error
            except DivergenceError as error:
                raise DivergenceError(reworded(str(error), flags)) from error

    def _flags(self) -> dict[str, Flag]:
        """Return the flags by the names that they, or what they set, have in Python."""
        flags = [each.flag for each in self.params if isinstance(each, PanelOption) and not each.hidden]
        return {name: flag for flag in flags for name in (flag.option, flag.name) if name}

    def _of_flags(self, error: ConfigError) -> ConfigError:
        """Return an error with the names of flags, and "none", in place of what Python calls them."""
        flags = self._flags()
        name, *rest = error.what.split(" ", 1)
        of_table = name in flags and flags[name].table  # whose choices have names: --samplers top_k
        of_file = ": " in error.what  # whose keys are spelled as in Python
        known = {} if of_table or of_file else flags
        return ConfigError(
            reworded(" ".join((spelled(flags[name].name) if name in flags else name, *rest)), known),
            expected=reworded(error.expected, known),
            got=OFF if error.got == "None" else error.got,
            hint=reworded(error.hint, known),
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write arguments and options, a section for each group."""
        for heading, rows in self.sections(ctx).items():
            with formatter.section(heading):
                formatter.write_dl(rows)

    def sections(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """Return the arguments and options by the heading of their section: a name and its help each."""
        sections: dict[str, list[tuple[str, str]]] = {}
        places = {name: place for place, name in enumerate(self.leading)}
        for param in sorted(self.get_params(ctx), key=lambda each: places.get(each.name or "", len(places))):
            record = param.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if param.param_type_name == "argument" else "Options"
                heading = getattr(param, "panel", None) or usual
                sections.setdefault(MOST_USED if param.name in self.leading else heading, []).append(record)
        return dict(sorted(sections.items(), key=lambda each: (each[0] != "Arguments", each[0] != MOST_USED)))


def reworded(words: str | None, flags: Mapping[str, Flag]) -> str:
    """Return a message with flags in place of the names that have a line in them, and "none" for None."""
    names = {"None": OFF} | {name: spelled(flag.name) for name, flag in flags.items() if "_" in name}
    return re.sub(r"\b\w+\b(?!=)", lambda word: names.get(word[0], word[0]), words or "")


def is_long_name(word: str, letter: str) -> bool:
    """Return whether a word is a long name after a single dash, ``-lr``, of which click reports a letter."""
    return re.fullmatch("-[A-Za-z][A-Za-z_-]+", word) is not None and word.startswith(letter)


def with_dashes(word: str) -> str:
    """Return a flag as the command line spells it: ``--top-k`` for ``--top_k``; another word as it is."""
    flag, equals, value = word.partition("=")
    return flag.replace("_", "-") + equals + value if re.fullmatch("--[A-Za-z_]+", flag) else word


def repeated(args: list[str], greedy: Collection[str]) -> list[str]:
    """Return the command line with ``--flag a b`` as ``--flag a --flag b``, for click.

    Args:
        args: The command line.
        greedy: The flags that take several values.
    """
    written: list[str] = []
    taking: str | None = None
    for place, word in enumerate(args):
        if word == "--":
            return written + args[place:]
        if word in greedy:
            taking = word
            if place + 1 == len(args) or args[place + 1].startswith("--"):
                written.append(word)  # click reports the missing value
        elif word.startswith("-") and word != "-":
            taking = None
            written.append(word)
        else:
            written += [word] if taking is None else [taking, word]
    return written
