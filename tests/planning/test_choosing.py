"""The choice is a function of the text, the minutes and the speeds; what is given stays."""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig
from unspool._planning.choosing import Basis, _candidate, _fixed_network
from unspool._planning.facts import CorpusFacts, look_at
from unspool._planning.rule import LEARNING_RATE_FACTORS, SIZES, core_weights, needed_symbols
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._training.config import TrainingConfig

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
LINES = [f"{a} {b} {c} {d}" for a in WORDS for b in WORDS for c in WORDS for d in WORDS]


class Machine:
    """Stand in for the measurement: a network's speed falls with its weights."""

    def __init__(self, weights_a_second: float = 1e10) -> None:
        self.weights_a_second = weights_a_second
        self.seen: list[NetworkConfig] = []

    def __call__(
        self, networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float
    ) -> list[float]:
        self.seen = list(networks)
        return [self.weights_a_second / core_weights(network) for network in networks]


def plan(texts: Any = LINES, *, minutes: float = 0.5, **options: Any) -> unspool.TrainingPlan:
    options = {"measure": Machine(), "clock": lambda: 0.0, **options}
    return unspool.plan_training(texts, minutes=minutes, **options)


@cache
def looked_at() -> CorpusFacts:
    """Look once at so much text that no size is too large for it."""
    return look_at(unspool.Records.of(LINES * 60), EncodingRecipe(), clock=lambda: 0.0)


@pytest.fixture
def much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every text be much text, which need not be read again."""
    monkeypatch.setattr("unspool._planning.choosing.look_at", lambda *_, **__: looked_at())


@pytest.mark.parametrize("document", [False, True])
def test_the_same_speeds_make_the_same_choice(document: bool) -> None:
    records = unspool.Records.of(LINES, document=document)
    first, second = plan(records), plan(records)
    assert first == second
    assert first.network.hidden_size in SIZES
    assert first.network.vocab_size is None
    assert 0.4 < (first.training.minutes or 0) < 0.5
    assert len(first.reasons) >= 6
    assert all(reason.endswith(".") for reason in first.reasons)


@pytest.mark.usefixtures("much_text")
def test_more_time_and_a_faster_machine_allow_a_larger_network() -> None:
    sizes = [plan(minutes=minutes).network.hidden_size for minutes in (0.1, 1, 10, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]
    fast = plan(minutes=1, measure=Machine(1e12)).network.hidden_size
    assert fast > sizes[1]


@pytest.mark.usefixtures("much_text")
def test_the_chosen_network_can_read_what_it_needs_and_the_next_larger_cannot() -> None:
    machine = Machine()
    chosen = plan(minutes=2, measure=machine).network
    smaller, larger = (
        [each for each in machine.seen if each.hidden_size <= chosen.hidden_size],
        [each for each in machine.seen if each.hidden_size > chosen.hidden_size],
    )
    assert 1e10 / core_weights(smaller[-1]) * 120 >= needed_symbols(smaller[-1])
    assert 1e10 / core_weights(larger[0]) * 100 < needed_symbols(larger[0])


def test_a_machine_that_gains_by_many_lanes_gets_them() -> None:
    def many(networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float) -> list[float]:
        return [training.batch_size * 1e9 / core_weights(network) for network in networks]

    assert plan(measure=many).training.batch_size == 64
    assert plan().training.batch_size == 8
    assert plan(measure=many, training={"batch_size": 5}).training.batch_size == 5


@pytest.mark.parametrize(("given", "used"), [({}, "auto"), ({"precision": "float32"}, "float32")])
def test_it_is_timed_and_trained_in_bf16_where_there_is_an_instruction(
    given: dict[str, str], used: str
) -> None:
    timed = []

    def measure(networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float) -> list[float]:
        timed.append(training.precision)
        return Machine()(networks, training, seconds)

    assert plan(training=given, measure=measure).training.precision == used
    assert set(timed) == {used}


def test_a_small_text_gets_a_small_network_and_dropout_when_it_is_read_often() -> None:
    texts = LINES[::8]
    slow = Machine(1e7)
    once, often = plan(texts, minutes=0.1, measure=slow), plan(texts, minutes=100, measure=slow)
    assert core_weights(often.network) <= sum(len(text) + 1 for text in texts)
    assert once.network.dropout == 0
    assert often.network.dropout > 0.2
    assert once.training.epochs is None


def test_a_run_ends_before_its_time_where_more_would_only_be_learnt_by_heart() -> None:
    short, long = plan(minutes=1), plan(minutes=100)
    assert short.training.epochs is None or long.training.epochs == short.training.epochs
    assert long.training.epochs is not None
    assert any(f"stops after {long.training.epochs} passes" in reason for reason in long.reasons)


NETWORK_VALUES = {
    "cell": "gru", "hidden_size": 40, "num_layers": 2, "embedding_size": 5, "dropout": 0.35,
    "reset_after": False,
}  # fmt: skip
TRAINING_VALUES = {
    "batch_size": 5, "sequence_length": 9, "optimizer": "rmsprop", "learning_rate": 0.001,
    "schedule": "one-cycle", "weight_decay": 0.5, "clip_norm": None, "validation_fraction": 0.25,
    "state_reset": 0.5, "patience": 3, "evaluate_every": 7, "checkpoint_seconds": 1.5, "seed": 9,
    "threads": 2, "engine": "cpu", "warmup_fraction": 0.1, "beta1": 0.5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("group", "name", "value"),
    [("network", name, value) for name, value in NETWORK_VALUES.items()]
    + [("training", name, value) for name, value in TRAINING_VALUES.items()],
)
def test_every_given_value_is_kept(group: str, name: str, value: object) -> None:
    chosen = plan(**{group: {name: value}})
    assert getattr(getattr(chosen, group), name) == value
    assert any(name in reason for reason in chosen.reasons)
    together = plan(network=NETWORK_VALUES, training=TRAINING_VALUES)
    assert getattr(getattr(together, group), name) == value


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("num_layers", [1, 3])
def test_any_cell_is_given_a_size_and_a_learning_rate(cell: str, num_layers: int) -> None:
    chosen = plan(network={"cell": cell, "num_layers": num_layers})
    assert chosen.network.hidden_size in SIZES
    assert 0 < chosen.training.learning_rate <= 0.05
    assert (cell in LEARNING_RATE_FACTORS) is not any(
        "No learning rate was measured" in each for each in chosen.reasons
    )


def test_no_rate_is_that_of_a_cell_that_is_not() -> None:
    assert LEARNING_RATE_FACTORS.keys() <= CELLS.keys()


@pytest.mark.parametrize("texts", [["one line"], ["emma", "olivia", "ava"], ["a"]])
@pytest.mark.parametrize("document", [False, True])
def test_the_smallest_texts_can_be_learnt(tmp_path: Path, texts: list[str], document: bool) -> None:
    records = unspool.Records.of(texts, document=document)
    chosen = plan(records, minutes=0.03, training={"threads": 1})
    assert (chosen.training.validation_fraction is None) is not document
    model = unspool.train(records, out=tmp_path / "run", network=chosen.network, training=chosen.training)
    assert model.network.hidden_size == chosen.network.hidden_size


def test_of_a_huge_text_less_is_held_out(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.write((f"{' '.join(LINES[:64])}\n" * 3600).encode())  # as much as is looked at
        file.truncate(10**10)  # a sparse file: its size is all that is asked for
    chosen = plan(unspool.read_records(path), minutes=30)
    assert 0 < (chosen.training.validation_fraction or 0) < 0.01
    assert any("held out" in reason for reason in chosen.reasons)
    assert "about" in chosen.reasons[0]


def test_texts_to_measure_with_take_their_time() -> None:
    large = unspool.Records.of(LINES * 4)
    slow = Machine(1e9)
    with_them, without = plan(validation=large, measure=slow), plan(measure=slow)
    assert (with_them.training.minutes or 0) < (without.training.minutes or 0)


def test_the_time_that_choosing_took_is_taken_off() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 0.5
        return now[0]

    chosen = plan(clock=clock)
    assert (chosen.training.minutes or 0) < (plan().training.minutes or 0) - 1 / 60
    (figure,) = re.findall(r"([\d.]+) s for training", " ".join(chosen.reasons))
    assert float(figure) == pytest.approx(60 * (chosen.training.minutes or 0), abs=0.1)


def test_too_few_minutes_are_refused_with_what_is_needed() -> None:
    with pytest.raises(unspool.ConfigError, match=r"minutes must be at least [\d.]+: reading .*got 0.01"):
        plan(minutes=0.01)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"minutes": 0}, "minutes"),
        ({"minutes": float("nan")}, "minutes"),
        ({"training": {"epochs": 3}}, "epochs"),
        ({"training": {"minutes": 3}}, "minutes"),
        ({"training": {"batch": 3}}, "batch_size"),
        ({"network": {"cell": "transformer"}}, "cell"),
        ({"network": {"hidden": 3}}, "hidden_size"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(unspool.ConfigError, match=match):
        plan(**options)


@pytest.mark.parametrize(
    ("fixed", "validation", "expected"),  # share, symbols to learn, seconds to evaluate and to read
    [
        ({"validation_fraction": 0.25}, None, (0.25, 750.0, 250 / 300, 2.0)),
        ({"validation_fraction": None}, None, (None, 1000.0, 0.0, 2.0)),
        ({"validation_fraction": 0.25}, 600, (0.25, 1000.0, 600 / 300, 3.0)),
        ({}, None, (0.1, 900.0, 100 / 300, 2.0)),
    ],
)
def test_what_is_held_out_is_not_learnt_and_takes_time(
    fixed: dict[str, Any], validation: int | None, expected: tuple[float | None, float, float, float]
) -> None:
    share, learnt, evaluation, reading = expected
    facts = CorpusFacts(
        document=False, records=100, characters=1000, symbols=1000, vocab_size=9, typical_length=10,
        complete=True, seconds=2.0,
    )  # fmt: skip
    beside = None if validation is None else replace(facts, symbols=validation, seconds=1.0)
    network = NetworkConfig(hidden_size=4, vocab_size=9)
    basis = Basis(
        facts=facts,
        validation=beside,
        structure={},
        fixed=fixed,
        draft=TrainingConfig(),
        networks=[network],
        speeds=[100.0],
        total=60.0,
        spent=5.0,
    )
    found = _candidate(network, 100.0, basis)  # 100 symbols a second
    assert found.share == share
    assert found.text_symbols == pytest.approx(learnt)
    assert found.budget.evaluation == pytest.approx(evaluation)  # three times as fast as learning
    assert (found.budget.total, found.budget.spent, found.budget.reading) == (60.0, 5.0, reading)
    times = found.budget.evaluations
    assert found.symbols == pytest.approx(100 * (60 - 5 - reading - 0.8 - times * evaluation))


def test_a_network_that_is_given_keeps_its_values() -> None:
    kept = _fixed_network(NetworkConfig(cell="gru", hidden_size=5, dropout=0.25), None)
    assert (kept["cell"], kept["hidden_size"], kept["dropout"]) == ("gru", 5, 0.25)
    assert _fixed_network({"hidden_size": 6}, None) == {"hidden_size": 6}
    assert _fixed_network(None, None) == {}
