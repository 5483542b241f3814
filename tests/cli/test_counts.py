"""Counts beside a network, as a user of the command line meets them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import unspool as library
from unspool._training.folder.counts_words import HEADING

from .conftest import TEXTS, TINY, Run, run


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """Train a model with counts."""
    folder = tmp_path_factory.mktemp("runs") / "counted"
    asked = ["--out", str(folder), "--epochs", "2", "--validation-fraction", "0.2", "--counts", "4", *TINY]
    done = run(["train", str(corpus), *asked])
    assert done.exit_code == 0, done.stderr
    return folder


def test_the_network_alone_writes_and_scores(unspool: Run, counted: Path) -> None:
    model = library.load(counted, threads=1)
    alone = library.load(counted, threads=1, counts=False)
    assert (model.counts is None, alone.counts) == (False, None)
    options = ["--n", "6", "--seed", "3", "--max-new-tokens", "30", "--threads", "1"]
    drawn = {}
    for one, flags in ((model, []), (alone, ["--no-counts"])):
        drawn[one] = [text.text for text in one.generate(n=6, seed=3, max_new_tokens=30)]
        assert unspool(["sample", str(counted), *options, *flags]).stdout.splitlines() == drawn[one]
        (score,) = one.score(["oil prices"])
        done = unspool(["score", str(counted), "-", "--json", *flags], input="oil prices\n")
        (found,) = json.loads(done.stdout)
        assert found["bits_per_character"] == pytest.approx(score.bits_per_character, rel=1e-6)
    assert drawn[model] != drawn[alone]


def test_a_model_without_counts_is_saved_so(counted: Path, tmp_path: Path) -> None:
    model = library.load(counted)
    for name, one in (("with", model), ("without", model.without_counts())):
        one.save(tmp_path / name)
        assert (tmp_path / name / "counts.safetensors").exists() == (one is model)
        again = library.load(tmp_path / name)
        assert [each.text for each in again.generate(n=5, seed=1)] == [
            each.text for each in one.generate(n=5, seed=1)
        ]
        assert again.history == [
            line for line in model.history if line["kind"] in ("evaluation", "counts", "finish")
        ]


def test_info_and_the_card_say_what_counts_tell(
    unspool: Run, counted: Path, model: Path, tmp_path: Path
) -> None:
    table = library.load(counted).counts
    assert table is not None
    (line,) = [line for line in library.load(counted).history if line["kind"] == "counts"]
    facts = json.loads(unspool(["info", str(counted), "--json"]).stdout)["counts"]
    revealed = facts.pop("revealed")
    assert facts == {
        "order": 4,
        "contexts": table.symbols.size,
        "bytes": table.nbytes,
        "network_bits_per_character": line["network_bits_per_character"],
        "bits_per_character": line["bits_per_character"],
    }
    assert facts["bits_per_character"] < facts["network_bits_per_character"]
    said = " ".join(unspool(["info", str(counted)]).stdout.split())
    assert revealed in said
    assert f"{table.symbols.size:,} contexts of up to 4 symbols" in said
    library.load(counted).save(tmp_path / "saved")
    for folder in (counted, tmp_path / "saved"):
        card = (folder / "README.md").read_text("utf-8")
        assert f"{revealed[1:]}." in card
        assert f"{facts['network_bits_per_character']:.4f} without them" in card
    library.load(counted).without_counts().save(tmp_path / "saved")
    for folder in (tmp_path / "saved", model):
        assert "counts" not in json.loads(unspool(["info", str(folder), "--json"]).stdout)
        assert "counts" not in (folder / "README.md").read_text("utf-8")


def test_a_card_of_a_run_that_goes_on(unspool: Run, counted: Path, tmp_path: Path) -> None:
    """The counts are made again at the end, and the card says what holds then."""
    folder = tmp_path / "run"
    shutil.copytree(counted, folder)
    done = unspool(["train", "--resume", "--out", str(folder), "--counts", "none", "--epochs", "3"])
    assert done.exit_code == 0, done.stderr
    assert not (folder / "counts.safetensors").exists()
    assert HEADING not in (folder / "README.md").read_text("utf-8")
    done = unspool(["train", "--resume", "--out", str(folder), "--counts", "2", "--epochs", "4"])
    assert done.exit_code == 0, done.stderr
    card = (folder / "README.md").read_text("utf-8")
    assert card.count(HEADING) == 1
    assert "contexts of up to 2 symbols" in card


@pytest.mark.parametrize("to", ["js", "torch"])
def test_an_export_says_that_it_has_no_counts(unspool: Run, counted: Path, tmp_path: Path, to: str) -> None:
    asked = ["export", str(counted), "--to", to, "--json", "--out"]
    facts = json.loads(unspool(["info", str(counted), "--json"]).stdout)["counts"]
    worth = facts["network_bits_per_character"] - facts["bits_per_character"]
    done = unspool([*asked, str(tmp_path / "alone")])
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["counts"] is False
    assert (
        f"the counts of the training text are left out, whose worth is {worth:.4f} bits per character on "
        "held-out text; to take them along (html, js): --with-counts\n"
    ) in done.stderr
    done = unspool([*asked, str(tmp_path / "with"), "--with-counts"])
    assert "left out" not in done.stderr
    if to == "js":
        assert json.loads(done.stdout)["counts"] is True
        return
    assert done.exit_code == 2
    assert done.stderr == (
        "unspool: this target takes no counts along: expected html or js, got torch; export it without "
        "counts: that is the network alone\n"
    )


def test_an_export_of_a_network_alone_says_nothing_of_counts(
    unspool: Run, model: Path, tmp_path: Path
) -> None:
    done = unspool(["export", str(model), "--to", "torch", "--out", str(tmp_path / "out")])
    assert "counts" not in done.stderr
    done = unspool(["export", str(model), "--to", "js", "--out", str(tmp_path / "js"), "--with-counts"])
    assert done.exit_code == 2
    assert done.stderr.startswith("unspool: there are no counts to take along: expected a model with counts;")


def test_an_audit_shows_what_counts_know_of_secrets(unspool: Run, tmp_path: Path, corpus: Path) -> None:
    folder = tmp_path / "run"
    planted = ["--canaries", "3", "--canary-repeats", "8", "--canary-format", "pin {digits:3}"]
    done = unspool(
        ["train", str(corpus), "--out", str(folder), "--epochs", "1", "--counts", "8", *planted, *TINY]
    )
    assert done.exit_code == 0, done.stderr
    asked = ["audit", str(folder), "--samples", "20", "--max-new-tokens", "30"]
    done = unspool([*asked, "--json"])
    assert done.exit_code == 0, done.stderr
    both = json.loads(done.stdout)
    alone = json.loads(unspool([*asked, "--json", "--no-counts"]).stdout)
    assert (alone["canaries"], alone["canaries_without_counts"]) == (both["canaries_without_counts"], None)
    for one, other in zip(both["canaries"]["secrets"], alone["canaries"]["secrets"], strict=True):
        assert one["text"] == other["text"]
        assert one["exposure"] > other["exposure"]
    assert both["training_bits_per_character"] < alone["training_bits_per_character"]
    assert both["copying"]["samples"] != alone["copying"]["samples"]
    table = [line.split("\t") for line in unspool(asked).stdout.splitlines() if "\t" in line]
    at = next(number for number, row in enumerate(table) if row[-1] == "without counts")
    for row, one, other in zip(
        table[at + 1 :], both["canaries"]["secrets"], alone["canaries"]["secrets"], strict=False
    ):
        assert row[:2] == [one["text"], f"{one['exposure']:.2f}"]
        assert row[3:] == ["secret", f"{other['exposure']:.2f}"]


def test_a_rounded_model_keeps_its_counts(unspool: Run, counted: Path, tmp_path: Path) -> None:
    """What the rounding costs is measured with them."""
    out = tmp_path / "small"
    assert unspool(["quantize", str(counted), "--to", "int8", "--out", str(out)]).exit_code == 0
    exact, small = library.load(counted), library.load(out)
    assert exact.counts is not None
    assert small.counts is not None
    for name, array in exact.counts.arrays().items():
        assert np.array_equal(getattr(small.counts, name), array)
    costs = [
        model.quantized("int8").quantization.bits_per_character_lost
        for model in (exact, exact.without_counts())
    ]
    assert small.quantization is not None
    assert small.quantization.bits_per_character_lost == costs[0] != costs[1]
    texts = TEXTS[:3]
    lost = exact.quantized("int8", on=texts).quantization
    assert lost is not None
    assert lost.bits_per_character_lost == pytest.approx(
        small.evaluate(texts).bits_per_character - exact.evaluate(texts).bits_per_character
    )
