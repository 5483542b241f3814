"""Outputs that are full or gone, and terminals that must not obey what they show."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import unspool as library
from unspool._screen.wording import escaped

COMMAND = [sys.executable, "-m", "unspool"]
WILD = "a\x1b[31m\u202eb\x07c\u2028d\r"
LINES = (["sample", "MODEL"], ["sample", "MODEL", "-n", "5"], ["sample", "MODEL", "-n", "5", "--json"],
         ["info", "MODEL"], ["corpora"], ["--help"], ["train", "--help"], ["--version"])  # fmt: skip
FULL = Path("/dev/full")


def line_of(words: list[str], model: Path) -> list[str]:
    return [*COMMAND, *(str(model) if word == "MODEL" else word for word in words)]


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_full_output_is_one_clear_line(words: list[str], model: Path) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            line_of(words, model), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "unspool: standard output: No space left on device\n")


@pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
def test_a_full_error_stream_leaves_the_result_and_the_exit_code(model: Path, tmp_path: Path) -> None:
    cases = ((["sample", "MODEL", "--max-new-tokens", "3"], 0), (["sample", str(tmp_path / "none")], 2))
    for words, code in cases:
        with FULL.open("wb") as full:
            done = subprocess.run(line_of(words, model), stdout=subprocess.PIPE, stderr=full, check=False)
        assert (done.returncode, bool(done.stdout)) == (code, code == 0)


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_reader_that_is_gone_ends_it_without_a_word(words: list[str], model: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(line_of(words, model), stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def on_a_terminal(words: list[str]) -> str:
    master, slave = pty.openpty()
    with subprocess.Popen([*COMMAND, *words], stdout=slave, stderr=subprocess.DEVNULL) as running:
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
        running.wait(timeout=60)
    os.close(master)
    return shown.decode("utf-8")


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wild") / "run"
    library.train([WILD] * 30, out=folder, epochs=2, hidden_size=8)
    return folder


@pytest.mark.parametrize(
    "more",
    [[], ["--json"], ["-n", "3"], ["-n", "3", "--json"], ["-n", "3", "--json", "--unique"]],
    ids=" ".join,
)
def test_a_terminal_obeys_no_text(wild: Path, more: list[str]) -> None:
    words = ["sample", str(wild), "--seed", "1", "--temperature", "2", *more]
    shown = on_a_terminal(words).replace("\r\n", "\n")
    assert not set(shown) & set("\x1b\u202e\x07\u2028\r")
    piped = subprocess.run([*COMMAND, *words], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8")
    if "--json" in more:
        assert json.loads(shown) == json.loads(piped) or "--unique" in more  # whose report has the time
        return
    if more:
        assert set(piped) & set("\x1b\u202e\x07\u2028\r")  # the texts themselves, unchanged


def test_escapes_keep_the_meaning_of_json() -> None:
    written = json.dumps([WILD, "é 猫 😀"], ensure_ascii=False, indent=1)
    assert json.loads(escaped(written)) == [WILD, "é 猫 😀"]
    assert "\\u202e" in escaped(written)
    assert "😀" in escaped(written)
