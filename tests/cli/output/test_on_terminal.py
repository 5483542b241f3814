"""What a terminal gets of tables, of corpora and of errors, and how an app ends."""

import errno
import io
import os
import sys
from typing import Any

import click
import pytest
from rich.console import Console

from tests.cli.conftest import Run
from unspool._cli import app
from unspool._cli.output import tables
from unspool._errors import ConfigError, DivergenceError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_table_is_drawn_with_its_columns_and_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    console = Console(file=io.StringIO(), width=30, highlight=False, markup=False, emoji=False)
    monkeypatch.setattr("unspool._screen.drawing.output_console", lambda: console)
    rows = [("a", "1"), ("b\x1b", "22"), ("c" * 40, "3"), ("d", "4")]
    tables.print_table(("name", "n"), rows, right=(1,), section=2)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert lines == [
        f"{'name':<25}{'n':>5}", "─" * 30, f"{'a':<25}{'1':>5}", f"{'b␛':<25}{'22':>5}", "",
        f"{'c' * 25}{'3':>5}", "c" * 15, f"{'d':<25}{'4':>5}",
    ]  # fmt: skip
    tables.print_facts([("a", "x\ny"), ("long", "z")])
    tables.print_facts([])
    assert out.getvalue() == "a     x⏎y\nlong  z\n"


def test_corpora_are_paragraphs_on_a_terminal(unspool: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspool._cli.commands import corpora

    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    corpora.corpora()
    shown = out.getvalue().split("\n\n")
    monkeypatch.undo()
    rows = [line.split("\t") for line in unspool(["corpora"]).stdout.splitlines()]
    assert [each.splitlines()[0] for each in shown] == [row[0] for row in rows]
    assert all(f"{size}; {licence}; {state}" in " ".join(each.split()) for each, (_, state, size, licence, _)
               in zip(shown, rows, strict=True))  # fmt: skip


def ended(error: BaseException) -> int:
    with pytest.raises(click.exceptions.Exit) as end, app.output_errors():
        raise error
    return int(end.value.exit_code)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (MemoryError("9 GB"), 2, "unspool: not enough memory: 9 GB; a smaller network needs less\n"),
        (MemoryError(), 2, "unspool: not enough memory: none is left; a smaller network needs less\n"),
        (BrokenPipeError(errno.EPIPE, "gone"), 141, ""),
        (OSError(errno.ENOSPC, "full"), 2, "unspool: standard output: full\n"),
        (OSError(errno.ENOSPC, "full", "a\nb"), 2, "unspool: a⏎b: full\n"),
        (OSError(errno.EACCES, "no"), 2, "unspool: the system: no\n"),
        (OSError("odd"), 2, "unspool: the system: odd\n"),
    ],
)
def test_an_error_of_the_system_ends_with_a_code_and_a_line(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dropped: list[Any] = []
    monkeypatch.setattr(app, "discard", dropped.append)
    assert (ended(error), capsys.readouterr().err) == (code, told)
    assert bool(dropped) == (code == 141 or "standard output" in told)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (DivergenceError("it grew"), 1, "unspool: it grew\n"),
        (ConfigError("a", expected="b", got="c"), 2, "unspool: a must be b; got c\n"),
        (click.Abort(), 130, ""),
        (click.ClickException("wrong."), 2, "unspool: wrong; see unspool --help\n"),
        (click.UsageError("wrong", click.Context(click.Command("x"), info_name="unspool x")), 2,
         "unspool: wrong; see unspool x --help\n"),
    ],
)  # fmt: skip
def test_an_error_is_an_exit_code(
    error: Exception, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (app.exit_code(error), capsys.readouterr().err) == (code, told)


def test_a_bug_is_an_error_of_its_own() -> None:
    with pytest.raises(KeyError):
        app.exit_code(KeyError("bug"))


def test_a_warning_for_the_user_is_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app.show_warning(UserWarning("a\nb"), UserWarning, "file.py", 3)
    assert capsys.readouterr().err == "unspool: a⏎b\n"
    asked: list[Any] = []
    monkeypatch.setattr(app, "DEFAULT_WARNING", lambda *given, **more: asked.append((given, more)))
    old = DeprecationWarning("old")
    app.show_warning(old, DeprecationWarning, "file.py", 3, line="x")
    assert (asked, capsys.readouterr().err) == (
        [((old, DeprecationWarning, "file.py", 3), {"line": "x"})],
        "",
    )


def test_a_closed_output_becomes_the_null_device(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(os, "open", lambda path, how: opened.append((path, how)) or 9)
    monkeypatch.setattr(os, "dup2", lambda one, other: opened.append((one, other)))
    monkeypatch.setattr(os, "close", opened.append)
    monkeypatch.setattr(
        os, "fdopen", lambda number, how, **more: opened.append((number, how, more)) or "made"
    )
    monkeypatch.setattr(sys, "stderr", None)
    app.open_closed_streams()
    assert sys.stderr == "made"
    assert opened == [(os.devnull, os.O_WRONLY), (9, 2), 9, (2, "w", {"encoding": "utf-8", "newline": "\n"})]
    opened.clear()
    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(os, "open", lambda path, how: 1)
    app.open_closed_streams()
    assert opened == [(1, "w", {"encoding": "utf-8", "newline": "\n"})]
