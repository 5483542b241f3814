"""The tiny Shakespeare benchmark: who takes part, and recipes with the fields that --set changes."""

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TEXT = "To be, or not to be, that is the question.\n" * 12
RECIPE = ["--recipe", "four-minutes", "--rounds", "1", "--threads", "1"]
NETWORK = ["hidden_size=4", "num_layers=1", "residual=false", "cell=gru"]
EXPECTED = "expected NAME=VALUE, a field of a configuration but for vocab_size, threads, seed"
TRAINING = ["epochs=1", "sequence_length=16"]

Benchmark = Callable[..., None]


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Benchmark:
    """Give the benchmark as a function of its flags; it reads a short text."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("shakespeare")
    text = tmp_path / "text.txt"
    text.write_text(TEXT, "utf-8")

    def run(*flags: str) -> None:
        monkeypatch.setattr(sys, "argv", ["shakespeare.py", "--data", str(text), *flags])
        module.main()

    return run


def test_a_recipe_trains_to_its_end_with_what_is_set(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    benchmark(*RECIPE, "--set", *NETWORK, "--set", *TRAINING, "--json")
    document = json.loads(capsys.readouterr().out)
    network = {"hidden_size": 4, "num_layers": 1, "residual": False, "cell": "gru"}
    assert document["benchmark"] == "shakespeare recipes"
    assert document["settings"] == {"rounds": 1, **network, "epochs": 1, "sequence_length": 16}
    assert list(document["results"]) == ["four-minutes"]
    (outcome,) = document["results"]["four-minutes"]
    assert outcome["parameters"] == count_parameters(NetworkConfig(vocab_size=len(set(TEXT)) + 2, **network))
    assert outcome["characters"] == 9 * len(TEXT) // 10 // 8 * 8  # one epoch, in the recipe's eight lanes
    assert [(point["step"], point["epoch"]) for point in outcome["points"]] == [(4, 1)]  # 58 = 3 * 16 + 10
    assert outcome["loss"] == outcome["points"][-1]["loss"] > 0


def test_a_reader_gets_a_row_for_the_recipe(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark(*RECIPE, "--set", *NETWORK, *TRAINING)
    header, _, row = capsys.readouterr().out.splitlines()[-3:]
    assert "nats per character" in header
    assert row.startswith("| four-minutes | 387 ")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([*RECIPE, "--set", "hidden=4"], f"{EXPECTED}; got hidden=4"),
        ([*RECIPE, "--set", "hidden_size"], f"{EXPECTED}; got hidden_size"),
        ([*RECIPE, "--set", "seed=1"], f"{EXPECTED}; got seed=1"),
        (
            [*RECIPE, "--set", "hidden_size=big"],
            "hidden_size must be a whole number from 1 to 65536; got 'big'",
        ),
        (["--set", "hidden_size=4"], "changes a recipe, so name one with --recipe"),
    ],
)
def test_what_cannot_be_set_is_refused(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark(*flags)
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(f"error: argument --set: {said}\n")


def test_who_is_left_out_has_no_row_and_both_clocks_are_told(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--rounds", "1", "--threads", "1", "--goals", "9", "--hidden-size", "8", "--epochs", "1"]
    benchmark(*flags, "--without", "PyTorch", "transformer", "--json")
    results = json.loads(capsys.readouterr().out)["results"]
    assert list(results) == ["unspool LSTM(128)", "unspool LSTM(8)"]
    assert all(
        point["processor_seconds"] > 0 < point["seconds"] for (run,) in results.values() for point in run
    )


@pytest.mark.parametrize("flags", [["--without", "Pytorch"], [*RECIPE, "--without", "PyTorch"]])
def test_who_cannot_be_left_out_is_refused(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        benchmark(*flags)
    assert ended.value.code == 2
    assert "error: argument --without: " in capsys.readouterr().err
