"""Texts that their longest length cuts are counted, but for those that nothing else could end."""

import json
from pathlib import Path

import pytest

import unspool as library
from tests.cli.conftest import TEXTS, TINY, Run

CUT = ["--max-new-tokens", "3", "--seed", "1"]


def test_one_text_says_that_it_was_cut(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), *CUT])
    assert len(done.stdout) == 4  # three symbols and the line end
    assert done.stderr == "Cut at 3 symbols: the text; --max-new-tokens none writes on until the end\n"


@pytest.mark.parametrize("more", [[], ["--unique"], ["--best-of", "6"], ["--json"], ["--out", "texts.txt"]])
def test_several_texts_say_how_many_were_cut(
    unspool: Run, model: Path, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = unspool(["sample", str(model), "--n", "5", *CUT, *more])
    assert "Cut at 3 symbols: 5 of 5 texts; " in done.stderr


def test_json_counts_them(unspool: Run, model: Path) -> None:
    done = unspool(
        ["sample", str(model), "--n", "9", "--max-new-tokens", "12", "--seed", "2", "--unique", "--json"]
    )
    document = json.loads(done.stdout)
    reasons = [text["finish_reason"] for text in document["texts"]]
    assert document["report"]["cut"] == reasons.count("length") > 0
    assert reasons.count("stop") > 0


def test_a_text_that_ends_says_nothing(unspool: Run, model: Path) -> None:
    for more in (["--stop", "e"], ["--ignore-eos", "--max-new-tokens", "3"]):
        assert unspool(["sample", str(model), "--seed", "1", "--temperature", "0", *more]).stderr == ""


def test_none_writes_until_the_end(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), "--n", "20", "--max-new-tokens", "none", "--seed", "1", "--json"])
    assert [text["finish_reason"] for text in json.loads(done.stdout)] == ["stop"] * 20
    assert done.stderr == ""


def test_a_document_has_no_end_to_reach(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    assert (
        unspool(["train", str(corpus), "--document", "--out", folder, "--epochs", "1", *TINY]).exit_code == 0
    )
    assert unspool(["sample", folder, *CUT]).stderr == ""
    assert (
        json.loads((tmp_path / "run" / "generation_config.json").read_text("utf-8"))["max_new_tokens"] == 200
    )


def test_the_usual_length_follows_the_texts_that_were_learnt(tmp_path: Path) -> None:
    longest = "a" * 731
    for texts, length in ((TEXTS, 200), ([*TEXTS, longest], 732)):  # with its end
        model = library.train(
            texts, out=tmp_path / str(length), epochs=1, hidden_size=8, validation_fraction=None
        )
        assert model.generation_config["max_new_tokens"] == length
