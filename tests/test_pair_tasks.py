"""The tasks that models of pairs are held to: their answers are right, and they are learned."""

import datetime
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import unspool
from unspool._training.pair_defaults import pair_training

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def tasks() -> Iterator[ModuleType]:
    """Load the tasks of benchmarks/pairs.py."""
    spec = importlib.util.spec_from_file_location("pair_tasks", BENCHMARKS / "pair_tasks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pair_tasks"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["pair_tasks"]


def test_a_day_is_written_in_many_forms(tasks: ModuleType) -> None:
    pairs = tasks.date_pairs()["1987-03-03"]
    assert {text for _, text in pairs} == {"1987-03-03"}
    written = {source for source, _ in pairs}
    assert {"3rd of March, 1987", "03/03/1987", "March 3, 1987", "Tuesday, March 3rd, 1987"} <= written
    assert len(tasks.date_pairs()) == (datetime.date(2050, 1, 1) - datetime.date(1900, 1, 1)).days
    endings = [tasks.ordinal(day) for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 31)]
    assert " ".join(endings) == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 31st"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (15, "fifteen"),
        (40, "forty"),
        (342, "three hundred forty-two"),
        (100_001, "one hundred thousand one"),
        (999_999, "nine hundred ninety-nine thousand nine hundred ninety-nine"),
    ],
)
def test_numbers_have_words(tasks: ModuleType, number: int, words: str) -> None:
    assert tasks.in_words(number) == words


def test_words_are_different_for_different_numbers(tasks: ModuleType) -> None:
    pairs = tasks.number_pairs(5_000, back=True)
    assert len({source for one in pairs.values() for source, _ in one}) == len(pairs) == 5_000


def test_no_value_is_on_both_sides(tasks: ModuleType) -> None:
    training, held_out = tasks.split_by_value(tasks.date_pairs(), train=20_000, held_out=3_000)
    assert (len(training), len(held_out)) == (20_000, 3_000)
    assert not {text for _, text in training} & {text for _, text in held_out}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("task", "pairs", "epochs"),
    [("dates to ISO 8601", 20_000, 3), ("numbers to words", 30_000, 8), ("words to numbers", 30_000, 4)],
)
def test_held_out_sources_are_answered_exactly(
    tasks: ModuleType, tmp_path: Path, task: str, pairs: int, epochs: int
) -> None:
    """As docs/pairs.md says, on one thread: beside other tests two wait for each other."""
    training, held_out = tasks.split_by_value(tasks.TASKS[task](), train=pairs, held_out=1_000)
    how = pair_training(epochs=epochs, threads=1)
    model = unspool.train(training, validation=held_out, out=tmp_path / "run", training=how)
    exact = model.evaluate(held_out).exact
    assert exact is not None
    assert exact > 0.99
