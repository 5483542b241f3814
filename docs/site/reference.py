"""The reference, made from the tables: the commands with their flags, the public names by group."""

import re
from pathlib import Path

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from unspool._cli.app import COMMANDS, app

PUBLIC = Path(__file__).resolve().parents[1] / "public.md"


class CommandLine(SphinxDirective):
    """The directive ``command-line``: a section for each command, from what ``--help`` shows."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        context = click.Context(app, info_name="unspool")
        pages = (command_page(name, app.get_command(context, name), context) for name in COMMANDS)
        return self.parse_text_to_nodes("\n".join(pages), allow_section_headings=True)


class PublicNames(SphinxDirective):
    """The directive ``public-names``: the docstrings of what docs/public.md lists, in its groups."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        names = re.findall(r"^\| (\S.*?) \|", PUBLIC.read_text("utf-8"), re.MULTILINE)
        pages = (entry(name) for name in names)
        return self.parse_text_to_nodes("\n".join(pages), allow_section_headings=True)


def entry(name: str) -> str:
    """Return the Markdown of a row of docs/public.md: a heading for a group, a docstring for a name."""
    if heading := re.fullmatch(r"\*\*(.*)\*\*", name):
        return f"## {heading[1]}\n"
    if not re.fullmatch(r"`\w+`", name):
        return ""
    kind = "autoclass" if name[1].isupper() else "autofunction"
    members = ":members:\n" if kind == "autoclass" else ""
    return f"### {name}\n\n```{{eval-rst}}\n.. {kind}:: unspool.{name.strip('`')}\n   {members}\n```\n"


def command_page(name: str, command: click.Command | None, parent: click.Context) -> str:
    """Return the Markdown of a command: what it does, how it is called, its flags by section."""
    assert command is not None, name
    context = click.Context(command, info_name=name, parent=parent)
    usage = " ".join(["unspool", name, *command.collect_usage_pieces(context)])
    examples = "".join(f"{line}\n" for line in getattr(command, "examples", ()))
    parts = [f"## `{name}`", command.help or "", f"```text\n{usage}\n```"]
    if examples:
        parts += ["Examples:", f"```text\n{examples}```"]
    for heading, rows in command.sections(context).items():
        table = [f"| {code(flag)} | {cell(words)} |" for flag, words in rows]
        parts.append("\n".join([f"**{heading}**", "", "| | |", "|---|---|", *table]))
    return "\n\n".join(parts) + "\n"


def code(flag: str) -> str:
    """Return a flag as code in a cell of a table."""
    return "`" + flag.replace("|", "\\|") + "`"


def cell(words: str) -> str:
    """Return help as the text of a cell, in which backticks alone are markup."""
    return re.sub(r"([\\*_{}\[\]<>|#$~])", r"\\\1", words)


def setup(site: Sphinx) -> dict[str, bool]:
    """Add the directives to a site."""
    site.add_directive("command-line", CommandLine)
    site.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
