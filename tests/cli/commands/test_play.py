"""The command: what it needs, what it prints, how it ends."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from unspool._cli.commands.play import PLAYING
from unspool._extras import install_command
from unspool._generation.options.generation_options import SAMPLERS

COMMAND = [sys.executable, "-m", "unspool", "play"]


def on_a_terminal(
    keys: bytes, *arguments: str, stdout: bool = True, **variables: str
) -> tuple[int, str, str]:
    """Run the command under a pseudo-terminal, press keys once it has drawn, and give what it left.

    Args:
        keys: What is typed.
        arguments: Of the command.
        stdout: Whether standard output is the terminal; if not, it is a pipe.
        variables: Of the environment.

    Returns:
        The exit code, what went to the terminal, and what went to the pipe.
    """
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", **variables}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=slave, stderr=slave, stdout=slave if stdout else subprocess.PIPE,
        env=environment,
    ) as running:  # fmt: skip
        os.close(slave)
        timer = threading.Timer(60, running.kill)
        timer.start()
        shown = b""
        pressed = False
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            shown += piece
            if not pressed and b"quit" in shown:
                pressed = os.write(master, keys) > 0
        piped = b"" if stdout or running.stdout is None else running.stdout.read()
        code = running.wait()
        timer.cancel()
    os.close(master)
    return code, shown.decode("utf-8"), piped.decode("utf-8")


def test_it_draws_and_prints_the_text_at_the_end(model: Path) -> None:
    code, shown, _ = on_a_terminal(b"oil\x03", str(model), "--seed", "5")
    assert code == 0
    assert shown.count("\x1b[?1049h") == shown.count("\x1b[?1049l") == 1, "the screen is given back"
    assert re.search(r"\x1b\[[0-9;]*36m", shown), "there are colours"
    assert shown.rstrip().endswith("oil")


def test_a_pipe_gets_the_text_alone(model: Path) -> None:
    code, shown, piped = on_a_terminal(b" prices\x04", str(model), "oil", stdout=False)
    assert (code, piped) == (0, "oil prices\n")
    assert "Tab" in shown
    code, _, piped = on_a_terminal(b"\x04", str(model), "oil", "--seed", "3", "--json", stdout=False)
    document = json.loads(piped)
    assert (document["text"], document["seed"]) == ("oil", 3)
    assert document["bits_per_character"] > 0


def test_no_colour_is_no_colour(model: Path) -> None:
    _, shown, _ = on_a_terminal(b"oil \x03", str(model), NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*36m", shown)
    assert "Tab" in shown


def test_a_terminal_that_cannot_move_its_cursor_is_refused(model: Path) -> None:
    code, shown, _ = on_a_terminal(b"", str(model), TERM="dumb")
    assert code == 2
    assert "TERM=dumb" in shown
    assert "unspool sample" in shown


def test_no_terminal_is_an_error(unspool: Run, model: Path) -> None:
    done = unspool(["play", str(model)])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "expected a terminal" in line
    assert "unspool sample" in line


def test_what_is_missing_is_named(unspool: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._cli.commands.play.check_terminal", lambda: None)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.delitem(sys.modules, "prompt_toolkit.output", raising=False)
    done = unspool(["play", str(model)])
    assert done.exit_code == 2
    assert install_command("play") in done.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--temperature", "-1"], "temperature"),
        (["--top-k", "0"], "--top-k must be"),
        (["--seed", "x"], "--seed"),
    ],
)
def test_bad_options_are_named(
    unspool: Run, model: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], part: str
) -> None:
    monkeypatch.setattr("unspool._cli.commands.play.check_terminal", lambda: None)
    done = unspool(["play", str(model), *arguments])
    assert done.exit_code == 2
    assert part in done.stderr


def test_the_flags_are_those_of_sample() -> None:
    assert {flag.name for flag in PLAYING.flags} == {"seed", *SAMPLERS}
