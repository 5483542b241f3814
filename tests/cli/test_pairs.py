"""Pairs on the command line: train, sample, eval, info, and what does not go with them."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, run

WORDS = ("oil", "prices", "rise", "again", "team", "wins")
TINY = [
    "--cell", "gru", "--hidden-size", "24", "--batch-size", "4", "--sequence-length", "32", "--threads", "1",
    "--learning-rate", "0.02",
]  # fmt: skip


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pairs") / "pairs.tsv"
    path.write_text("".join(f"{a} {b}\t{b}!\n" for a in WORDS for b in WORDS), "utf-8")
    return path


@pytest.fixture(scope="module")
def answering(pairs: Path) -> Path:
    folder = pairs.parent / "run"
    done = run([
        "train", str(pairs), "--source", "0", "--target", "1", "--out", str(folder), "--epochs", "90",
        "--validation-fraction", "none", *TINY,
    ])  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "--source TEXT" in done.stdout
    assert "audit" not in done.stdout
    assert "encoder" in done.stderr
    assert "oil oil → " in done.stderr
    return folder


def test_sample_answers(answering: Path, unspool: Run, tmp_path: Path) -> None:
    one = unspool(["sample", str(answering), "--source", "oil wins"])
    assert (one.exit_code, one.stdout) == (0, "wins!\n")
    several = unspool(["sample", str(answering), "--source", "oil wins", "--source", "team rise"])
    assert several.stdout == "wins!\nrise!\n"
    (tmp_path / "asked").write_text("oil team\nteam oil\n", "utf-8")
    listed = unspool(["sample", str(answering), "--source-file", str(tmp_path / "asked"), "--json"])
    assert [text["text"] for text in json.loads(listed.stdout)] == ["team!", "oil!"]
    beams = unspool([
        "sample", str(answering), "--num-beams", "3", "--source", "oil wins", "--source", "oil team"
    ])  # fmt: skip
    assert beams.stdout == "wins!\nteam!\n"


def test_eval_and_info_tell_what_is_answered(answering: Path, pairs: Path, unspool: Run) -> None:
    shown = unspool(["eval", str(answering), str(pairs), "--source", "0", "--target", "1"])
    assert "answered exactly" in shown.stdout
    assert "100.00%" in shown.stdout
    told = unspool(["eval", str(answering), str(pairs), "--source", "0", "--text", "1", "--json"])
    assert json.loads(told.stdout)["exact"] == 1.0
    assert "symbols of the sources" in unspool(["info", str(answering)]).stdout


@pytest.fixture
def words(request: pytest.FixtureRequest, answering: Path, pairs: Path) -> list[str]:
    """Put the names of the run and the table into a command."""
    places = {"RUN": str(answering), "PAIRS": str(pairs)}
    return [places.get(word, word) for word in request.param]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sample", "RUN"], "needs a source"),
        (["sample", "RUN", "oil"], "needs a source"),
        (["sample", "RUN", "--source", "oil", "--source", "team", "--unique"], "--unique"),
        (["sample", "RUN", "--source", "oil #"], "'#'"),
        (["sample", "RUN", "--source-file", "missing.txt"], "missing.txt"),
        (["eval", "RUN", "PAIRS", "--text", "1"], "--source"),
        (["score", "RUN", "PAIRS", "--text", "1"], "`unspool eval` measures a file of pairs"),
        (["enumerate", "RUN", "--limit", "3"], "needs a source"),
        (["audit", "RUN"], "pairs"),
        (["sweep", "PAIRS", "--source", "0", "--target", "1"], "pairs"),
        (["train", "PAIRS", "--source", "0", "--target", "1", "--init-from", "RUN"], "--init-from must be"),
        (["train", "PAIRS", "--source", "0"], "text"),
        (["train", "PAIRS", "--source", "7", "--target", "1"], "no column 7"),
        (["train", "PAIRS", "--source", "0", "--target", "1", "--text", "1"], "mean the same"),
    ],
    indirect=["words"],
)
def test_what_cannot_be_is_said(
    words: list[str], expected: str, unspool: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = unspool(words)
    assert done.exit_code == 2
    assert expected in done.stderr


def test_a_plain_model_has_no_sources(model: Path, unspool: Run) -> None:
    done = unspool(["sample", str(model), "--source", "oil"])
    assert done.exit_code == 2
    assert "trained without sources" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["--source", "0", "--target", "1"], ["--per-symbol", "--json"]])
def test_score_sends_pairs_to_eval(answering: Path, pairs: Path, unspool: Run, arguments: list[str]) -> None:
    done = unspool(["score", str(answering), str(pairs), *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        f"unspool: {answering} was trained on pairs, whose texts cannot be scored here; `unspool eval` "
        "measures a file of pairs; in Python, model.conditioned_on(source=...).score(text)"
    )
