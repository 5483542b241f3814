"""What only a process of its own shows: signals, closed pipes, terminals, the ends of streams."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

import unspool

from .conftest import TINY

COMMAND = [sys.executable, "-m", "unspool"]


def process(*arguments: str, **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60, **options
    )  # type: ignore[call-overload,no-any-return]


def interrupted(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a training, press Ctrl-C once it has told of its first epoch, and wait for its end."""
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        before = []
        for line in running.stderr:
            before.append(line)
            if line.startswith("epoch"):
                break
        running.send_signal(signal.SIGINT)
        out, rest = running.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, running.returncode, out, "".join(before) + rest)


def test_ctrl_c_saves_and_prints_the_command_that_goes_on(corpus: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "with space"
    options = ["--epochs", "20", "--seed", "5", *TINY]
    assert process("train", str(corpus), "--out", str(whole), *options).returncode == 0
    stopped = interrupted(["train", str(corpus), "--out", str(parts), *options])
    assert stopped.returncode == 130
    assert stopped.stdout == ""
    assert "Traceback" not in stopped.stderr
    last = stopped.stderr.splitlines()[-1]
    command = shlex.split(last.split("continue with: ")[1])
    assert command[:3] == ["unspool", "train", "--resume"]
    goes_on = process(*command[1:], cwd="/")
    assert goes_on.returncode == 0, goes_on.stderr
    assert "continuing after step" in goes_on.stderr
    one, other = unspool.load(whole), unspool.load(parts)
    for name in one.parameters:
        np.testing.assert_array_equal(one.parameters[name], other.parameters[name])


def test_a_closed_pipe_is_no_reason_for_noise(model: Path) -> None:
    command = shlex.join([*COMMAND, "sample", str(model), "--n", "20000", "--seed", "1"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "141"


@pytest.mark.parametrize("arguments", [["--epochs", "x"], ["no-such-file.txt"]])
def test_bad_input_ends_with_two(arguments: list[str], tmp_path: Path) -> None:
    done = process("train", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_text_is_streamed_before_it_is_over(model: Path) -> None:
    arguments = ["sample", str(model), "--max-new-tokens", str(2**31 - 1), "--temperature", "9"]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.read(1)


def test_it_writes_utf_8_whatever_the_locale(model: Path, tmp_path: Path) -> None:
    names = tmp_path / "猫.txt"
    names.write_text("猫 oil\n", "utf-8")
    for encoding in ("ascii", "utf-8"):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        done = process("info", str(names), env=environment)
        assert done.returncode == 0, done.stderr
    assert "Han" in done.stdout


def test_a_terminal_gets_the_live_screen(corpus: Path, tmp_path: Path) -> None:
    """Run under a pseudo-terminal: colours and a cursor that comes back, and JSON apart from them."""
    import pty

    master, slave = pty.openpty()
    arguments = ["train", str(corpus), "--out", str(tmp_path / "run"), "--epochs", "2", "--json", *TINY]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=slave, env=environment, text=True
    ) as running:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        out, _ = running.communicate(timeout=60)
    os.close(master)
    assert running.returncode == 0
    assert json.loads(out)["network"]["hidden_size"] == 8
    text = shown.decode("utf-8")
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") >= 1, "the cursor is shown again"
    assert re.search(r"\x1b\[[0-9;]*3[0-9]m", text), "there are colours"


@pytest.mark.parametrize(
    ("command", "code"),
    [("info MODEL", 0), ("train names --optimizer adagrad", 2), ("train CORPUS --out MODEL --text 1", 2)],
)
def test_long_lines_fit_a_terminal_and_stay_whole_in_a_pipe(
    model: Path, corpus: Path, command: str, code: int
) -> None:
    names = {"MODEL": str(model), "CORPUS": str(corpus)}
    arguments = [names.get(word, word) for word in command.split()]
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 60))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=slave, stderr=slave, check=False, timeout=60, env=environment
    )
    lines = os.read(master, 65536).decode("utf-8").splitlines()
    os.close(slave)
    os.close(master)
    assert done.returncode == code
    assert [
        line for line in lines if len(line) > 60 and not any(len(word) > 40 for word in line.split())
    ] == []
    piped = process(*arguments)
    assert " ".join(" ".join(lines).split()) == " ".join((piped.stdout + piped.stderr).split())
    assert max(map(len, (piped.stdout + piped.stderr).splitlines())) > 60


@pytest.mark.parametrize("arguments", [[], ["--n", "3"], ["--json"]])
def test_an_output_that_was_closed_from_the_start_is_no_crash(model: Path, arguments: list[str]) -> None:
    sample = shlex.join([*COMMAND, "sample", str(model), "--seed", "1", *arguments])
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(
            f"{sample} {closed}", shell=True, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_an_input_that_was_closed_from_the_start_is_no_crash(model: Path) -> None:
    for command, code in (("play", 2), ("sample", 0)):
        words = shlex.join([*COMMAND, command, str(model)])
        done = subprocess.run(
            f"{words} <&-", shell=True, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("unknown", ["drop", "replace"])
def test_one_text_shows_the_prompt_as_the_model_reads_it(model: Path, unknown: str) -> None:
    known = unspool.load(model)
    (text,) = known.generate("oil ñ", temperature=0.8, seed=1, unknown=unknown)  # type: ignore[arg-type]
    done = process("sample", str(model), "oil ñ", "--seed", "1", "--unknown", unknown)
    assert done.stdout == text.text + "\n"


def test_an_older_folder_is_read_with_one_line_on_standard_error(tmp_path: Path) -> None:
    folder = Path(__file__).parents[1] / "artifacts" / "folders" / "lstm"
    done = process("sample", str(folder), "--seed", "1", "--n", "3", "--json")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)) == 3
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"unspool: {folder}/model.safetensors was saved by an older unspool")
