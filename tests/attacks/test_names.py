"""Any name that the system allows for a file or folder works in every command and all that is written."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.tiny_training import FLAGS, TEXT
from unspool._cli.app import app
from unspool._errors import spelled
from unspool._screen.wording import argument, command_line, spell
from unspool._training.folder.model_card import markdown, python_literal

NAMES = {
    "bytes": b"n\xff\xfe",
    "dash": b"-n",
    "lines": b"n\n\r\tm",
    "quotes": b"n'\"`\\m",
    "markup": b"<b>&[n](m)|*",
    "direction": "n\u202etxt".encode(),
    "escape": b"n\x1b[31m\x01\x7f",
    "template": b"{n}%FF$HOME ?#",
    "letters": "名é".encode(),
}
each_name = pytest.mark.parametrize("raw", NAMES.values(), ids=NAMES)


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a function that runs a command in a folder and returns its standard output as JSON."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Any:
        with pytest.raises(SystemExit) as end:
            app.main([*arguments, "--json"])
        shown = capsys.readouterr()
        assert end.value.code == 0, shown.err
        assert "\x1b" not in shown.err + shown.out
        shown.out.encode("utf-8")
        return json.loads(shown.out)

    return run


def check_files(folder: Path) -> None:
    """Check that whatever is text in a folder can be read by anybody."""
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".jsonl", ".svg", ".md"):
            text = path.read_bytes().decode("utf-8")
            if path.suffix == ".svg":
                ET.fromstring(text)
            if path.suffix == ".json":
                json.loads(text)


@each_name
def test_a_corpus_and_a_run_may_have_any_name(command: Any, raw: bytes, tmp_path: Path) -> None:
    corpus, run = argument(os.fsdecode(raw + b".txt")), argument(os.fsdecode(raw))
    Path(corpus).write_text(TEXT)
    trained = command("train", corpus, "--out", run, "--novelty-index", *FLAGS)
    shown = spelled(Path(corpus).name)
    assert trained["data"]["description"] == trained["data"]["records"]["source"] == shown
    assert trained["copying"] is not None  # the text was found again
    assert command("info", run)["folder"] == spelled(str(Path(run)))
    assert command("train", "--resume", run)["evaluation"] == trained["evaluation"]
    assert command("audit", run, "--samples", "100")["copying"]
    assert len(command("sample", run, "--n", "3")) == 3
    assert command("sample", run, "--n", "3", "--out", f"{run}.jsonl")["out"] == spelled(f"{Path(run)}.jsonl")
    assert command("info", corpus)["description"] == spelled(corpus)
    check_files(tmp_path)
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize("raw", [NAMES["bytes"], NAMES["template"]], ids=["bytes", "template"])
def test_a_sweep_may_have_any_name(command: Any, raw: bytes, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    corpus, folder = os.fsdecode(raw + b".txt"), os.fsdecode(raw)
    Path(corpus).write_text(TEXT)
    few = ["--hidden-size", "4", "--num-layers", "1", "--cell", "gru", "--seeds", "1", "--workers", "1"]
    swept = command("sweep", corpus, "--out", folder, "--symbols-per-trial", "50", "--threads", "1", *few)
    assert swept["folder"] == spelled(folder)
    check_files(tmp_path)


def test_a_name_of_bytes_works_without_utf_8(tmp_path: Path) -> None:
    corpus = tmp_path / os.fsdecode(b"n\xff\xc3\xa9.txt")
    corpus.write_text(TEXT)
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (["train", corpus.name, *FLAGS], ["info", os.fsdecode(b"runs/n\xff\xc3\xa9")]):
        done = subprocess.run(
            [sys.executable, "-m", "unspool", *words, "--json"],
            capture_output=True, cwd=tmp_path, env=os.environ | plain, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout.decode("ascii"))["data"]["description"] == r"n\xffé.txt"
    check_files(tmp_path)


@each_name
def test_a_printed_command_has_the_words_that_it_means(raw: bytes) -> None:
    line = command_line(["printf", "%s", os.fsdecode(raw)])
    assert line.isprintable()
    done = subprocess.run(["bash", "-c", os.fsencode(line)], capture_output=True, check=True)
    assert done.stdout == raw


@each_name
def test_a_model_card_means_the_name(raw: bytes) -> None:
    name = os.fsdecode(raw)
    assert eval(python_literal(name)) == name
    line = markdown(name)
    assert line.isprintable()
    assert "<" not in line


def test_what_an_encoding_has_not_is_printed_as_json_spells_it() -> None:
    def printed(text: str) -> str:
        with pytest.raises(UnicodeEncodeError) as caught:
            text.encode("ascii")
        return spell(caught.value)[0]

    assert printed("\udcff") == r"\xff"
    assert printed("é") == r"\u00e9"
    assert json.loads(f'"{printed("😀")}"') == "😀"
    with pytest.raises(UnicodeDecodeError) as broken:
        b"\xff".decode("ascii")
    with pytest.raises(UnicodeDecodeError):
        spell(broken.value)
