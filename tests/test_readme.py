"""The examples of README.md and docs/ are run, page by page, in an empty folder: what is shown works.

The convention (CONTRIBUTING.md tells it to writers) is in the fence's first line:

- ```` ```console ````: each ``$ `` line is a command, and ``> `` lines go on with it. It must exit with 0,
  and must print something if the block shows output. What it prints is not compared: trained text varies.
- ```` ```console exact ````: besides, the output is the one shown, where ``…`` stands for anything.
- ```` ```console fails ````: each command must exit with 2, and the output is the one shown, as with exact.
- ```` ```python ````: runs; all Python blocks share their names, like one session.
- ```` ```python needs=NAME ````: runs where the package is installed; without it, it must compile. So does
  ```` ```console needs=NAME ````; without it, it must parse.
- ```` ```console no-run ```` and ```` ```python no-run ````: not run (they need a network, or long). Python
  must still compile, and each ``unspool`` command line must parse: its flags, their values, its arguments.

Before the first block the folder gets ``headlines.csv`` (title, label), ``poems.txt`` and ``names.txt``, all
short.
"""

import contextlib
import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from unspool._cli.app import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]  # README.zh-CN.md has the same blocks
SECONDS = 120
FENCE = re.compile(r"^```(console|python)([^\n]*)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game", "new", "chip", "sells", "well")


@dataclass(frozen=True)
class Command:
    """One command of a console block, and the output that stands under it."""

    line: str
    shown: str


@dataclass(frozen=True)
class Block:
    """One fenced example."""

    language: str
    marks: tuple[str, ...]
    text: str

    @property
    def runs(self) -> bool:
        """Tell whether the block is to be run."""
        needed = [mark.removeprefix("needs=") for mark in self.marks if mark.startswith("needs=")]
        return "no-run" not in self.marks and all(map(importlib.util.find_spec, needed))

    @property
    def commands(self) -> list[Command]:
        """Split a console block at its ``$ `` lines."""
        parts = re.split(r"^\$ ", self.text, flags=re.MULTILINE)
        assert not parts[0].strip(), "a console block starts with a command: $ ..."
        return [command_of(part) for part in parts[1:]]


@dataclass
class Session:
    """The folder and the Python names that all blocks share."""

    folder: Path
    names: dict[str, object] = field(default_factory=lambda: {"__name__": "readme"})

    def run(self, block: Block) -> None:
        """Run one block, or check what can be checked without running it."""
        if block.language == "python":
            code = compile(block.text, "README.md", "exec")
            with contextlib.chdir(self.folder), contextlib.redirect_stdout(io.StringIO()):
                exec(code if block.runs else "", self.names)
            return
        fails = "fails" in block.marks
        for command in block.commands:
            if not fails:
                check_line(command.line)
            if block.runs:
                printed = self.shell(command.line, code=2 if fails else 0)
                compare(printed, command.shown, exact=fails or "exact" in block.marks)

    def shell(self, line: str, *, code: int) -> str:
        """Run a command line as a newcomer does, hold its exit code to `code`, and return what it prints."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", line],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, f"$ {line}\n{done.stdout}"
        return done.stdout


def command_of(part: str) -> Command:
    """Take a command with its ``> `` lines off the output under it."""
    lines = part.splitlines()
    rest = [number for number, line in enumerate(lines) if number and not line.startswith("> ")]
    end = rest[0] if rest else len(lines)
    line = "\n".join([lines[0], *(line[2:] for line in lines[1:end])])
    return Command(line, "\n".join(lines[end:]).strip())


def compare(printed: str, shown: str, *, exact: bool) -> None:
    """Hold what was printed against what README.md shows."""
    if exact:
        pattern = ".*?".join(re.escape(piece) for piece in shown.split("…"))
        trimmed = "\n".join(line.rstrip() for line in printed.strip().splitlines())
        assert re.fullmatch(pattern, trimmed, flags=re.DOTALL), f"shown:\n{shown}\nprinted:\n{trimmed}"
    elif shown:
        assert printed.strip(), "README.md shows output where nothing is printed"


def check_line(line: str) -> None:
    """Parse every ``unspool`` command of a line as the command line does, and do not run it."""
    for part in re.split(r"[|;\n]|&&", line.replace("\\\n", " ")):
        words = shlex.split(re.split(r" [<>]", part)[0], comments=True)
        if words[:1] != ["unspool"] or words[1:2] in ([], ["--help"], ["--version"]):
            continue
        try:
            name, command, rest = app.resolve_command(click.Context(app), words[1:])
            command.make_context(name, rest)
        except click.exceptions.Exit:  # --help
            continue
        except click.ClickException as error:
            raise AssertionError(f"$ {part.strip()}\n{error.format_message()}") from error


def blocks(text: str) -> Iterator[Block]:
    """Find the examples of a Markdown text."""
    for match in FENCE.finditer(text):
        yield Block(match[1], tuple(match[2].split()), match[3])


def stock(folder: Path) -> None:
    """Write the short files that the examples read."""
    lines = [" ".join(WORDS[(i * step) % len(WORDS)] for step in (1, 5, 7, 11)) for i in range(240)]
    rows = [f'"{line.capitalize()}",{("Business", "Sports")[i % 2]}' for i, line in enumerate(lines)]
    (folder / "headlines.csv").write_text("\n".join(["title,label", *rows]) + "\n", "utf-8")
    (folder / "poems.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "names.txt").write_text("\n".join(line.split()[0] for line in lines) + "\n", "utf-8")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Give an empty folder with the stock in it."""
    stock(tmp_path)
    return Session(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_work(session: Session, page: Path) -> None:
    for block in blocks(page.read_text("utf-8")):
        session.run(block)


GOOD = """
```console
$ echo one && echo two
anything
$ cat headlines.csv \\
> | head -1
title,label
```
```console exact
$ echo took 12 s
took … s
```
```console fails
$ echo no such thing >&2; exit 2
no … thing
```
```python
total = 1
```
```python
assert total == 1
```
```console no-run
$ false
```
"""
BAD = {
    "exit": "```console\n$ false\n```\n",
    "success": "```console fails\n$ echo one\none\n```\n",
    "another error": "```console fails\n$ echo one; exit 2\ntwo\n```\n",
    "silent": "```console\n$ true\noutput\n```\n",
    "different": "```console exact\n$ echo one\ntwo\n```\n",
    "python": "```python\nassert False\n```\n",
    "no command": "```console\noutput\n```\n",
    "pipe": "```console\n$ false | cat\n```\n",
}


def test_the_runner_passes_what_is_right(session: Session) -> None:
    found = list(blocks(GOOD))
    assert [len(block.commands) for block in found if block.language == "console"] == [2, 1, 1, 1]
    for block in found:
        session.run(block)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_the_runner_catches_what_is_wrong(session: Session, text: str) -> None:
    (block,) = blocks(text)
    with pytest.raises(AssertionError):
        session.run(block)


def test_a_block_that_needs_a_package_runs_where_it_is_installed(session: Session) -> None:
    for needs, runs in (("json", True), ("no_such_package", False)):
        (block,) = blocks(f"```python needs={needs}\nimport {needs}\nseen = True\n```\n")
        session.names.pop("seen", None)
        session.run(block)
        assert ("seen" in session.names) == runs


def test_the_runner_catches_a_flag_that_is_not_there(session: Session) -> None:
    (block,) = blocks("```console no-run\n$ unspool train x --no-such-flag\n```\n")
    with pytest.raises(AssertionError, match="no-such-flag"):
        session.run(block)
