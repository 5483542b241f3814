"""From what a user types and pipes to records: several files, encodings, separators, and what is said."""

import io
from pathlib import Path

import pytest

from tests.cli.conftest import TEXTS, TINY, Run

HEAD = ["--epochs", "1", "--json", *TINY]


def test_several_files_are_one_corpus_for_every_command(unspool: Run, tmp_path: Path, model: Path) -> None:
    for name, part in (("a.txt", TEXTS[:60]), ("b.txt", TEXTS[60:])):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in part))
    both = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    out = str(tmp_path / "run")
    done = unspool(["train", *both, "--out", out, *HEAD])
    assert done.exit_code == 0, done.stderr
    assert '"description": "a.txt and 1 more"' in done.stdout
    assert unspool(["info", *both]).stdout.split("records")[1].split()[0] == str(len(TEXTS))
    assert len(unspool(["score", str(model), *both]).stdout.splitlines()) == len(TEXTS)
    whole = unspool(["eval", str(model), *both, "--json"])
    assert whole.exit_code == 0, whole.stderr
    assert f'"characters": {sum(map(len, TEXTS))}' in whole.stdout
    again = unspool(["audit", out, "--samples", "5", "--json"])
    assert again.exit_code == 0, again.stderr
    named = unspool(["audit", out, *both, "--samples", "5", "--json"])
    assert named.exit_code == 0, named.stderr
    assert again.stdout.split('"fit"')[0] == named.stdout.split('"fit"')[0]
    mixed = unspool(["train", both[0], "-", "--out", out, *HEAD])
    assert (mixed.exit_code, mixed.stdout) == (2, "")
    assert "- cannot be read together with other sources" in mixed.stderr


def test_a_resumed_run_reads_all_its_files_in_their_encoding(unspool: Run, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("".join(f"{text} – Köln\n" for text in TEXTS), "cp1252")
    both = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    out = str(tmp_path / "run")
    done = unspool(["train", *both, "--encoding", "cp1252", "--out", out, *HEAD])
    assert done.exit_code == 0, done.stderr
    again = unspool(["train", "--resume", out, "--json"])
    assert again.exit_code == 0, again.stderr
    refused = unspool(["info", *both])
    assert refused.exit_code == 2
    assert "--encoding cp1252 reads" in refused.stderr


@pytest.mark.parametrize("piped", [False, True])
def test_a_separator_between_records(unspool: Run, tmp_path: Path, piped: bool) -> None:
    poems = "The moon\nis low\n\nSalt\non the sill\n"
    (tmp_path / "a.txt").write_text(poems)
    source = "-" if piped else str(tmp_path / "a.txt")
    for separator in ("blank", r"\n\n", r"re:\n{2}"):
        done = unspool(["info", source, "--record-separator", separator, "--json"], input=poems)
        assert done.exit_code == 0, done.stderr
        assert '"records": 2' in done.stdout


def test_what_is_guessed_and_passed_over_goes_to_standard_error_once(
    unspool: Run, tmp_path: Path, model: Path
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("lyrics;by\noil prices rise;Ann\n;Bo\nteam wins late;Bo\n")
    done = unspool(["score", str(model), str(table), "--text", "0"])
    assert done.exit_code == 0, done.stderr
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == ["oil prices rise", "team wins late"]
    said = done.stderr.replace(str(table), "a.csv").splitlines()
    assert said == [
        "a.csv: columns are taken to end at ';' (--delimiter)",
        "a.csv: the first row, 'lyrics, by', is taken for the names of the columns "
        "(--no-header if it is a text)",
        "1 row has no text and was passed over (a.csv, line 3)",
    ]
    (tmp_path / "b.log").write_text("x")
    done = unspool(["info", str(tmp_path)])
    assert "no file to read: expected names that end in" in done.stderr
    done = unspool(["train", str(tmp_path), "--format", "text", "--minutes", "0.001", "--out",
                    str(tmp_path / "run"), *TINY])  # fmt: skip
    assert done.stderr.count("a.csv") <= 1


def test_escapes_in_flags(unspool: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": "one", "b": "two"}\n')
    flags = ["--text", "a", "--text", "b", "--separator", r"\n", "--json"]
    done = unspool(["info", str(tmp_path / "a.jsonl"), *flags])
    assert '["\\n", ' in done.stdout


def test_a_decimal_comma_is_refused_with_a_point(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), "--temperature", "0,8"])
    assert done.exit_code == 2
    assert (
        "--temperature must be a number, or several such as 1.0,0.5; got '0,8'; did you mean 0.8?"
        in done.stderr
    )
    assert unspool(["sample", str(model), "--temperature", "1.0,0.8"]).exit_code == 0


def test_standard_input_says_what_it_guesses_too(unspool: Run, model: Path) -> None:
    done = unspool(["score", str(model), "-", "--format", "csv", "--text", "1"], input="1;oil\n2;team\n")
    assert "standard input: columns are taken to end at ';'" in done.stderr
    done = unspool(["score", str(model), "-"], input=io.BytesIO("café\n".encode("cp1252")))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "standard input, line 1, byte 3: not UTF-8" in done.stderr
