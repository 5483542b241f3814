"""Commands with many flags: help in sections, and flags with several values."""

import re
from collections.abc import Collection
from typing import Any

import click

from unspool._cli.flags.flag import OFF, PanelOption
from unspool._errors import ConfigError


class GroupedCommand(click.Command):
    """A command whose help has a section for each group of flags, in order of first appearance."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; a flag of several values takes all up to the next flag."""
        greedy = {name for param in self.params if getattr(param, "several", False) for name in param.opts}
        return super().parse_args(ctx, repeated(args, greedy) if greedy else args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error about an option speaks of its flag."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            raise self._of_flags(error) from error

    def _of_flags(self, error: ConfigError) -> ConfigError:
        """Return an error with the names of flags, and "none", in place of what Python calls them."""
        options = [param for param in self.params if isinstance(param, PanelOption) and not param.hidden]
        flags = {name: param for param in options for name in (param.flag.option, param.flag.name) if name}
        name, *rest = error.what.split(" ", 1)
        names = {"None": OFF} | {name: param.opts[0] for name, param in flags.items() if "_" in name}
        if name in flags and flags[name].flag.table:
            names = {"None": OFF}  # what may be chosen has names of its own: --samplers top_k

        def reworded(words: str | None) -> str:
            return re.sub(r"\b\w+\b(?!=)", lambda word: names.get(word[0], word[0]), words or "")

        return ConfigError(
            reworded(" ".join((flags[name].opts[0] if name in flags else name, *rest))),
            expected=reworded(error.expected),
            got=OFF if error.got == "None" else error.got,
            hint=reworded(error.hint),
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write arguments and options, a section for each group."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if param.param_type_name == "argument" else "Options"
                heading = getattr(param, "panel", None) or usual
                sections.setdefault(heading, []).append(record)
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


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
