"""Counts beside a network, as a user of the command line meets them."""

import json
from pathlib import Path

import pytest

import unspool as library

from .conftest import TINY, Run, run


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
