"""``unspool sample`` gives good texts, as many as are wanted, in whole files."""

import csv
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import unspool as library
from tests.cli.conftest import TEXTS, TINY, Run
from unspool._cli.flags import shared as options
from unspool._cli.flags.flag import Flag
from unspool._cli.output.text_files import FILES
from unspool._generation.selecting.selection import Selection

COMMAND = [sys.executable, "-m", "unspool"]
WILD = ["--seed", "3", "--temperature", "1.2"]


@pytest.fixture(scope="module")
def indexed(unspool_run: Run, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "indexed"
    arguments = ["train", str(corpus), "--out", str(folder), "--epochs", "2", "--novelty-index", *TINY]
    assert unspool_run(arguments).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def lines(unspool_run: Run, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a document, which writes line ends."""
    folder = tmp_path_factory.mktemp("runs") / "lines"
    arguments = ["train", str(corpus), "--document", "--out", str(folder), "--epochs", "1", *TINY]
    assert unspool_run(arguments).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def unspool_run() -> Run:
    from tests.cli.conftest import run

    return run


def read(path: Path) -> list[str]:
    """Read the texts of a file of any kind."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return [row["text"] for row in csv.DictReader(file)]
    rows = path.read_text("utf-8").splitlines()
    return [json.loads(row)["text"] for row in rows] if path.suffix == ".jsonl" else rows


@pytest.mark.parametrize("suffix", FILES)
def test_every_kind_of_file_has_all_texts(unspool: Run, indexed: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"names{suffix}"
    chosen = ["--n", "300", "--unique", "--novel", "--valid", "[a-z ]+", *WILD]
    done = unspool(["sample", str(indexed), "oil ", "", *chosen, "--out", str(out)])
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    known = library.load(indexed).generate(
        ["oil ", ""], n=300, unique=True, novel=True, valid="[a-z ]+", seed=3, temperature=1.2
    )
    assert read(out) == [text.text for text in known]
    assert known.report is not None
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"600 of 600 texts after {known.report.attempts:,} attempts in ")
    assert line.endswith(f"; written to {out}")
    assert list(tmp_path.iterdir()) == [out]


def test_files_say_more_than_the_text(unspool: Run, lines: Path, tmp_path: Path) -> None:
    known = library.load(lines).generate("oil", n=20, seed=1, temperature=0.8, max_new_tokens=60)
    assert any("\n" in text.text for text in known)
    common = ["sample", str(lines), "oil", "--n", "20", "--seed", "1", "--max-new-tokens", "60", "--out"]
    assert unspool([*common, str(tmp_path / "a.csv")]).exit_code == 0
    assert unspool([*common, str(tmp_path / "a.jsonl")]).exit_code == 0
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    objects = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").split("\n")[:-1]]
    for text, row, item in zip(known, rows, objects, strict=True):
        assert list(row) == list(item) == ["text", "prompt", "finish_reason", "total_logprob"]
        assert (row["text"], row["prompt"]) == (item["text"], item["prompt"]) == (text.text, "oil")
        assert row["finish_reason"] == item["finish_reason"] == text.finish_reason
        assert float(row["total_logprob"]) == item["total_logprob"] == text.total_logprob


def test_a_file_of_lines_takes_no_text_of_several(unspool: Run, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.txt"
    done = unspool(["sample", str(lines), "--n", "20", "--out", str(out), "--seed", "1"])
    assert done.exit_code == 2
    assert ".jsonl" in done.stderr
    late = unspool(
        ["sample", str(lines), "--n", "20", "--out", str(out), "--seed", "1", "--valid", r"(?s).*"]
    )
    assert late.exit_code == 2
    assert ".jsonl" in late.stderr
    assert list(tmp_path.iterdir()) == []
    sorted_out = ["--valid", r"[^\r\n]*", "--max-new-tokens", "5", "--n", "3", "--seed", "1"]
    assert unspool(["sample", str(lines), "--out", str(out), *sorted_out]).exit_code == 0
    assert len(out.read_text("utf-8").split("\n")) == 4


def test_texts_of_several_lines_stand_apart_on_the_screen(unspool: Run, lines: Path) -> None:
    arguments = ["sample", str(lines), "oil", "--n", "3", "--seed", "1", "--max-new-tokens", "40"]
    known = library.load(lines).generate("oil", n=3, seed=1, temperature=0.8, max_new_tokens=40)
    assert unspool(arguments).stdout == "\n────────\n".join(text.text for text in known) + "\n"


def test_json_has_the_texts_and_the_report(unspool: Run, indexed: Path, tmp_path: Path) -> None:
    chosen = ["--n", "5", "--unique", "--json", *WILD]
    done = unspool(["sample", str(indexed), *chosen])
    document = json.loads(done.stdout)
    assert len(document["texts"]) == document["report"]["accepted"] == 5
    assert done.stderr == ""
    filed = unspool(["sample", str(indexed), *chosen, "--out", str(tmp_path / "a.txt")])
    told = json.loads(filed.stdout)
    assert told["out"] == str(tmp_path / "a.txt")
    assert told["report"]["attempts"] == document["report"]["attempts"]
    assert read(tmp_path / "a.txt") == [item["text"] for item in document["texts"]]


def test_fewer_than_asked_for_ends_with_three_and_keeps_them(
    unspool: Run, indexed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.txt"
    chosen = ["--n", "50", "--unique", "--valid", "[aeo].*", "--max-attempts", "100", *WILD]
    done = unspool(["sample", str(indexed), *chosen, "--out", str(out)])
    assert done.exit_code == 3
    texts = read(out)
    assert 0 < len(texts) < 50
    assert f"{len(texts)} of 50 texts after 100 attempts" in done.stderr
    assert "--max-attempts" in done.stderr
    shown = unspool(["sample", str(indexed), *chosen])
    assert shown.exit_code == 3
    assert shown.stdout.splitlines() == texts
    none = unspool(["sample", str(indexed), "--valid", "#", "--max-attempts", "9", "--json"])
    assert none.exit_code == 3
    assert json.loads(none.stdout)["texts"] == []


def test_no_text_makes_no_file_and_takes_none_away(unspool: Run, indexed: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.txt"
    out.write_text("mine\n")
    nothing = ["--valid", "#", "--max-attempts", "9", "--out", str(out), "--overwrite"]
    done = unspool(["sample", str(indexed), *nothing])
    assert done.exit_code == 3
    assert "no file was written" in done.stderr
    assert out.read_text() == "mine\n"
    assert list(tmp_path.iterdir()) == [out]


def test_against_a_corpus(unspool: Run, model: Path, corpus: Path, tmp_path: Path) -> None:
    table = tmp_path / "news.csv"
    table.write_text("label,title\n" + "".join(f"x,{text}\n" for text in TEXTS), "utf-8")
    chosen = ["--n", "30", *WILD]
    index = library.NoveltyIndex.of(TEXTS)
    known = library.load(model).generate(n=30, novel=index, seed=3, temperature=1.2)
    plain = unspool(["sample", str(model), *chosen, "--against", str(corpus)])
    columns = unspool(["sample", str(model), *chosen, "--against", str(table), "--against-text", "title"])
    both = unspool(["sample", str(model), *chosen, "--novel", "--against", str(corpus)])
    for done in (plain, columns, both):
        assert done.stdout.splitlines() == [text.text for text in known]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--novel"], ["--novelty-index", "--against"]),
        (["--against", "no/such"], ["no/such"]),
        (["--against-text", "title"], ["--against CORPUS"]),
        (["--valid", "["], ["valid", "regular expression", "'['"]),
        (["--max-attempts", "0"], ["--max-attempts must be", "≥ 1"]),
        (["--out", "a.parquet"], ["a.parquet", ".txt, .jsonl, .csv"]),
        (["--out", "no/such/a.txt"], ["no/such"]),
        (["--out", "taken.txt"], ["taken.txt", "--overwrite"]),
        (["--out", "folder.txt", "--overwrite"], ["folder.txt", "a folder"]),
    ],
    ids=lambda value: " ".join(value[:2]),
)
def test_bad_input_is_one_line(  # noqa: PLR0917 - fixtures
    unspool: Run,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    parts: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("taken.txt").write_text("mine")
    Path("folder.txt").mkdir()
    done = unspool(["sample", str(model), "--n", "3", *arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert [part for part in parts if part not in line] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.txt", "taken.txt"]
    assert Path("taken.txt").read_text() == "mine"


@pytest.mark.parametrize("flag", options.COLLECTING.flags, ids=lambda flag: flag.name)
def test_flags_are_the_fields_of_a_selection(flag: Flag) -> None:
    fields = Selection.__dataclass_fields__
    if flag.name in fields:
        assert bool(fields[flag.name].default) is False
        assert flag.default in ("off", "none", "100 × n, at least 10,000")
    else:
        assert flag.name in ("against", "against_text", "out", "overwrite")
    assert set(fields) <= {flag.name for flag in options.COLLECTING.flags}


def running(arguments: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def begun(folder: Path) -> None:
    """Wait until a temporary file has grown."""
    while not any(path.stat().st_size > 10_000 for path in folder.glob(".*.tmp")):
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_accepted(model: Path, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "a.jsonl"
    arguments = ["sample", str(model), "--n", "100000000", "--seed", "1", "--out", str(out)]
    with running(arguments) as process:
        begun(tmp_path)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stdout == ""
    texts = read(out)
    assert stderr.startswith(f"Stopped: {len(texts):,} of 100,000,000 texts")
    assert "Traceback" not in stderr
    assert texts[:100] == [t.text for t in library.load(model).generate(n=100, seed=1, temperature=0.8)]
    assert list(tmp_path.iterdir()) == [out]


def test_a_killed_process_leaves_no_half_file(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.txt"
    out.write_text("old\n")
    arguments = ["sample", str(model), "--n", "100000000", "--out", str(out), "--overwrite"]
    with running(arguments) as process:
        begun(tmp_path)
        process.kill()
        process.communicate(timeout=60)
    assert out.read_text() == "old\n"


def test_ctrl_c_ends_a_search_that_finds_nothing(model: Path, tmp_path: Path) -> None:
    arguments = ["sample", str(model), "--n", "2", "--valid", "#", "--max-attempts", "1000000000", "--json"]
    with running(arguments) as process:
        assert process.stdout is not None
        begin = os.read(process.stdout.fileno(), 1 << 16).decode("utf-8")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert json.loads(begin + stdout)["texts"] == []


def test_texts_are_printed_before_the_last_is_drawn(model: Path) -> None:
    arguments = ["sample", str(model), "--n", "1000000000", "--seed", "1"]
    with running(arguments) as process:
        assert process.stdout is not None
        texts = [line.rstrip("\n") for line in itertools.islice(process.stdout, 2_000)]
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert texts == [t.text for t in library.load(model).generate(n=2_000, seed=1, temperature=0.8)]


def test_a_terminal_sees_how_it_goes_on(model: Path, tmp_path: Path) -> None:
    import pty

    master, slave = pty.openpty()
    arguments = ["sample", str(model), "--n", "2000", "--seed", "1", "--out", str(tmp_path / "a.txt")]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    with subprocess.Popen([*COMMAND, *arguments], stderr=slave, env=environment) as process:
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
    os.close(master)
    assert process.returncode == 0
    text = shown.decode("utf-8")
    assert "of 2,000" in text
    assert "attempts/s" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") >= 1, "the cursor is shown again"
    assert "2,000 of 2,000 texts" in text


@pytest.mark.parametrize(
    "more", [["--n", "2"], ["--n", "1"], ["--best-of", "3"], ["--n", "2", "--json"]], ids=str
)
def test_a_text_that_cannot_meet_its_constraint_is_not_printed(
    unspool: Run, model: Path, more: list[str]
) -> None:
    asked = ["--regex", "[oil]{6}", "--no-repeat-ngram-size", "1", "--repetition-penalty", "0.1"]
    done = unspool(["sample", str(model), *asked, *more, "--seed", "1", "--threads", "1"])
    assert done.exit_code == 3
    assert "could not meet the constraint" in done.stderr
    assert json.loads(done.stdout) == [] if "--json" in more else done.stdout == ""


def test_texts_that_meet_their_constraint_are_found_among_others(unspool: Run, model: Path) -> None:
    asked = ["--regex", "(oil|rise){2}", "--no-repeat-ngram-size", "3", "--n", "4"]
    done = unspool(["sample", str(model), *asked, "--seed", "1", "--threads", "1"])
    assert done.exit_code == 0
    assert set(done.stdout.splitlines()) <= {"oilrise", "riseoil"}
    assert len(done.stdout.splitlines()) == 4
