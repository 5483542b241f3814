"""``--precision`` of the commands that write and score: what it costs is measured and said."""

import json
from pathlib import Path

import numpy as np
import pytest

import unspool as library

from .conftest import Run

SMALLER = ["bf16", "int8"]


@pytest.mark.parametrize("precision", SMALLER)
def test_eval_measures_what_a_precision_costs(
    precision: str, unspool: Run, model: Path, corpus: Path
) -> None:
    plain = json.loads(unspool(["eval", str(model), str(corpus), "--json"]).stdout)
    asked = ["eval", str(model), str(corpus), "--precision", precision]
    done = unspool([*asked, "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    lost = found["bits_per_character"] - plain["bits_per_character"]
    assert (plain["precision"], plain["bits_per_character_lost"]) == ("float32", None)
    assert (found["precision"], found["bits_per_character_lost"]) == (precision, lost)
    assert 0 < abs(lost) < 0.01
    said = next(line.split(maxsplit=3) for line in unspool(asked).stdout.splitlines() if "lost by" in line)
    assert said == ["lost", "by", precision, f"{lost:+.4f} bits per character"]


def test_eval_of_standard_input_reads_it_once(unspool: Run, model: Path, corpus: Path) -> None:
    asked = ["eval", str(model), "--precision", "int8", "--json"]
    piped = unspool([*asked, "-"], input=corpus.read_text("utf-8"))
    assert piped.exit_code == 0, piped.stderr
    assert json.loads(piped.stdout) == json.loads(unspool([*asked, str(corpus)]).stdout)


@pytest.mark.parametrize("precision", SMALLER)
def test_texts_and_scores_are_those_of_the_library(precision: str, unspool: Run, model: Path) -> None:
    loaded = library.load(model, threads=1, precision=precision)
    texts = [text.text for text in loaded.generate(n=6, seed=3, temperature=0.8, max_new_tokens=30)]
    asked = ["--precision", precision, "--threads", "1"]
    options = ["--n", "6", "--seed", "3", "--temperature", "0.8", "--max-new-tokens", "30"]
    assert unspool(["sample", str(model), *options, *asked]).stdout.splitlines() == texts
    scored = unspool(["score", str(model), "-", "--json", *asked], input="oil prices\n")
    assert scored.exit_code == 0, scored.stderr
    plain, (score,) = library.load(model, threads=1).score(["oil prices"]), loaded.score(["oil prices"])
    (found,) = json.loads(scored.stdout)
    assert score.bits_per_character == pytest.approx(found["bits_per_character"], rel=1e-6)
    assert score.bits_per_character != plain[0].bits_per_character


def test_a_model_in_another_precision_is_saved_as_it_was(model: Path, tmp_path: Path) -> None:
    loaded = library.load(model, threads=1, precision="int8")
    loaded.save(tmp_path / "again")
    again = library.load(tmp_path / "again")
    assert again.precision == "float32"
    for name, values in library.load(model).parameters.items():
        assert np.array_equal(values, again.parameters[name])


def test_an_unknown_precision_is_refused(unspool: Run, model: Path) -> None:
    done = unspool(["sample", str(model), "--precision", "half"])
    assert (done.exit_code, done.stderr) == (
        2,
        "unspool: --precision must be one of float32, bf16, int8, auto; got 'half'\n",
    )
