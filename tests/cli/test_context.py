"""Context on the command line: columns that steer, attributes that are told, values that are recognised."""

import json
from pathlib import Path

import pytest

from .conftest import TINY, Run, run

WORDS = {"A": "abab", "B": "cdcd"}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table with a label and a text."""
    path = tmp_path_factory.mktemp("table") / "texts.csv"
    rows = [f"{word * (1 + i % 6)},{label}" for i in range(60) for label, word in WORDS.items()]
    path.write_text("\n".join(["title,label", *rows]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def steered(tmp_path_factory: pytest.TempPathFactory, table: Path) -> Path:
    """Train on it."""
    out = tmp_path_factory.mktemp("steered") / "run"
    flags = ["--text", "title", "--context", "label", "--epochs", "12", "--validation-fraction", "none"]
    done = run(["train", str(table), *flags, "--context-dropout", "0.2", "--out", str(out), *TINY])
    assert done.exit_code == 0, done.stderr
    assert "context  label: A, B" in done.stderr
    assert json.loads((out / "config.json").read_text("utf-8"))["training"]["context_dropout"] == 0.2
    return out


def test_sample_and_enumerate_are_told(unspool: Run, steered: Path) -> None:
    flags = ["--seed", "0", "--max-new-tokens", "20", "--temperature", "0.5"]
    for label, word in WORDS.items():
        done = unspool(["sample", str(steered), "--context", f"label={label}", "--n", "10", *flags])
        assert done.exit_code == 0, done.stderr
        lines = done.stdout.splitlines()
        assert sum(set(line) <= set(word) for line in lines) >= 7, lines
        done = unspool(["enumerate", str(steered), "--context", f"label={label}", "--limit", "1"])
        assert set(done.stdout.split("\t")[1].strip()) <= set(word)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--context", "label=C"], "expected one of 'A', 'B', got 'C'"),
        (["--context", "colour=red"], "is not known to the model: expected one of label"),
        (["--context", "label"], "an attribute, = and a value"),
    ],
)
def test_what_is_not_known_ends_with_two(unspool: Run, steered: Path, flags: list[str], told: str) -> None:
    done = unspool(["sample", str(steered), *flags])
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_scores_take_the_columns(unspool: Run, steered: Path, table: Path, model: Path) -> None:
    read = ["--text", "title", "--json"]
    told, bare = (
        json.loads(unspool(["eval", str(steered), str(table), *read, *more]).stdout)
        for more in (["--context", "label"], [])
    )
    assert told["bits_per_character"] < bare["bits_per_character"]
    rows = json.loads(unspool(["score", str(steered), str(table), *read, "--context", "label"]).stdout)
    assert len(rows) == 120
    plain = json.loads(unspool(["score", str(steered), str(table), *read]).stdout)
    assert sum(r["total_logprob"] for r in rows) > sum(r["total_logprob"] for r in plain)
    lines = unspool(["score", str(steered), str(table), "--text", "title", "--context", "label"])
    assert lines.stdout.splitlines()[0].endswith("\tabab")
    refused = unspool(["score", str(model), str(table), "--text", "title", "--context", "label"])
    assert refused.exit_code == 2
    assert "without a context" in refused.stderr
    note = unspool(["eval", str(steered), str(table), "--text", "title"]).stderr
    assert "the model was trained with label" in note


def test_classify_tells_and_counts(unspool: Run, steered: Path, table: Path, tmp_path: Path) -> None:
    done = unspool(["classify", str(steered), str(table), "--by", "label", "--text", "title"])
    assert done.exit_code == 0, done.stderr
    value, chance, text = done.stdout.splitlines()[0].split("\t")
    assert (value, text) == ("A", "abab")
    assert 0.5 < float(chance) <= 1
    assert "of 120 are correct" in done.stderr
    found = json.loads(unspool(["classify", str(steered), str(table), "--text", "title", "--json"]).stdout)
    assert found["by"] == "label"
    assert found["accuracy"] > 0.9
    assert found["texts"][1]["actual"] == "B"
    assert sum(found["texts"][1]["probabilities"].values()) == pytest.approx(1)
    bare = tmp_path / "bare.txt"
    bare.write_text("abab\ncdcd\n")
    done = unspool(["classify", str(steered), str(bare), "--no-prior", "--json"])
    assert json.loads(done.stdout)["accuracy"] is None
    piped = unspool(["classify", str(steered), "-"], input="cdcd\n")
    assert piped.stdout.startswith("B\t")


def test_classify_needs_an_attribute(unspool: Run, model: Path, steered: Path, corpus: Path) -> None:
    for arguments, told in (
        ([str(model)], "train one with --context"),
        ([str(steered), "--by", "colour"], "label"),
    ):
        done = unspool(["classify", arguments[0], str(corpus), *arguments[1:]])
        assert done.exit_code == 2
        assert told in done.stderr


def test_info_and_audit_tell_of_it(unspool: Run, steered: Path) -> None:
    assert "label: A, B" in unspool(["info", str(steered)]).stdout
    done = unspool(["audit", str(steered), "--samples", "5"])
    assert done.exit_code == 0, done.stderr
    assert "without context" in done.stderr
