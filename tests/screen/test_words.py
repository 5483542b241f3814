"""Words, figures and streams of a terminal, worked out by hand."""

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unspool._screen import connections
from unspool._screen.connections import can_redraw, fitted, in_notebook, is_terminal, keeps_to_itself
from unspool._screen.wording import argument, command_line, duration, escaped, one_line, safe, size, spell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "kept", "line"),
    [
        ("é 猫", "é 猫", "é 猫"), ("a\nb\tc\r\nd", "a\nb\tc␍\nd", "a⏎b c⏎d"),
        ("\x00\x1f\x7f\x80", "␀␟␡\\u0080", "␀␟␡\\u0080"),
        ("\u2028\u2029\ud800", "\\u2028\\u2029\\ud800", "\\u2028\\u2029\\ud800"),
        ("\udc80\udcff", "\\x80\\xff", "\\x80\\xff"),
        ("\u200b\u00ad", "\u200b\u00ad", "\u200b\u00ad"),
        *((mark, f"\\u{ord(mark):04x}", f"\\u{ord(mark):04x}") for mark in
          "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
    ],
)  # fmt: skip
def test_a_text_does_nothing_to_a_terminal(text: str, kept: str, line: str) -> None:
    assert (safe(text), one_line(text)) == (kept, line)


def test_json_keeps_its_meaning() -> None:
    assert escaped('"a\n\x9b\u202eé"') == '"a\n\\u009b\\u202eé"'
    assert escaped("\x7f\t") == "\\u007f\t"
    assert escaped("plain") == "plain"


def test_what_an_encoding_has_not_is_escaped() -> None:
    error = UnicodeEncodeError("ascii", "aé🎈\udcffb", 1, 4, "no")
    assert spell(error) == ("\\u00e9\\ud83c\\udf88\\xff", 4)
    other = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")
    with pytest.raises(UnicodeDecodeError):
        spell(other)


@pytest.mark.parametrize("word", ["a b", "it's", "a\nb", "a'\\\n", "é\x1b", "$x", "\udcff", "", "-x"])
def test_a_shell_takes_a_command_as_it_is_meant(word: str) -> None:
    line = command_line(["printf", "%s", word])
    assert line.isprintable()
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word)
    if word.isprintable():
        assert line == shlex.join(["printf", "%s", word])


def test_a_path_is_no_flag() -> None:
    assert [argument(path) for path in ("-a", Path("-a"), "a", "./-a", "--")] == [
        "./-a", "./-a", "a", "./-a", "./--",
    ]  # fmt: skip


def test_times_and_sizes_at_their_bounds() -> None:
    assert [duration(seconds) for seconds in (-5, 0.4, 0.6, 59.4, 59.6, 3599, 3600, 36_061)] == [
        "0:00", "0:00", "0:01", "0:59", "1:00", "59:59", "1:00:00", "10:01:01",
    ]  # fmt: skip
    assert [size(count) for count in (0, 999, 1000, 999_949, 1e6, 999_900_000, 1e9, 1e12)] == [
        "0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "999.9 MB", "1.0 GB", "1000.0 GB",
    ]  # fmt: skip


def test_long_lines_are_wrapped_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "one two three four\nfive-six seven eightnineteneleventwelve x"
    assert fitted(text, io.StringIO()) == fitted(text, None) == text
    monkeypatch.setenv("COLUMNS", "22")
    assert fitted(text, Terminal()).splitlines() == [
        "one two three four", "five-six seven", "  eightnineteneleventwelve", "  x",
    ]  # fmt: skip
    assert fitted("a b " * 6, Terminal(), indent=4).splitlines()[1] == "    b"
    monkeypatch.setenv("COLUMNS", "3")
    assert fitted("aaaa bbbb cccc dddd eeee", Terminal()).splitlines() == ["aaaa bbbb cccc dddd", "  eeee"]
    assert fitted("12345678901234567890123", Terminal()) == "12345678901234567890123"
    monkeypatch.setenv("COLUMNS", "x")
    monkeypatch.setattr(connections.shutil, "get_terminal_size", lambda: os.terminal_size((30, 9)))
    assert fitted("x " * 20, Terminal()).splitlines()[0] == "x " * 14 + "x"
    monkeypatch.delenv("COLUMNS")
    assert fitted("x " * 20, Terminal()).splitlines()[0] == "x " * 14 + "x", "it has no number"


@pytest.mark.parametrize(
    ("error", "term", "reading", "typed", "printing", "to_itself", "redraws"),
    [
        (True, "xterm", None, False, False, False, True), (False, "xterm", None, False, False, False, False),
        (True, "", None, False, False, False, False), (True, "dumb", None, False, False, False, False),
        (True, "unknown", None, False, False, False, False), (True, None, None, False, False, False, False),
        (True, "xterm", "-", True, False, False, False), (True, "xterm", "-", False, False, False, True),
        (True, "xterm", "a.txt", True, False, False, True), (True, "xterm", None, False, True, False, False),
        (True, "xterm", None, False, True, True, True),
    ],
)  # fmt: skip
def test_a_line_changes_in_place_where_nothing_disturbs_it(  # noqa: PLR0917 - a table
    error: bool, term: str | None, reading: str | None, typed: bool, printing: bool, to_itself: bool,
    redraws: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stderr", Terminal() if error else io.StringIO())
    monkeypatch.setattr(sys, "stdin", Terminal() if typed else io.StringIO())
    monkeypatch.delenv("TERM", raising=False) if term is None else monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(connections, "keeps_to_itself", lambda stream: to_itself and stream is sys.stdout)
    assert can_redraw(printing=printing, reading=reading) is redraws


def test_a_file_and_nowhere_show_nothing(tmp_path: Path) -> None:
    with (tmp_path / "a").open("w") as file, Path(os.devnull).open("w") as nowhere:
        assert keeps_to_itself(file)
        assert keeps_to_itself(nowhere)
    assert not keeps_to_itself(io.StringIO())
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe:
        assert not keeps_to_itself(pipe)
    os.close(reader)
    assert [is_terminal(stream) for stream in (None, io.StringIO(), Terminal())] == [False, False, True]


@pytest.mark.parametrize(
    ("module", "there"),
    [(None, False), (SimpleNamespace(get_ipython=lambda: None), False),
     (SimpleNamespace(get_ipython=SimpleNamespace), False),
     (SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1)), True)],
)  # fmt: skip
def test_a_notebook_has_a_kernel(module: Any, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", module)
    assert in_notebook() is there
