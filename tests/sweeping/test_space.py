"""What a sweep varies: values and ranges, checked before anything is trained."""

from typing import Any

import pytest

from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._sweeping.space import (
    PARAMETERS,
    Range,
    check_values,
    configured,
    grid,
    label,
    parse_values,
    varying,
)
from unspool._sweeping.sweep_config import SweepConfig, extremes
from unspool._training.config import TrainingConfig

from .runs import SMALL, made


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_one_of_the_network_or_of_the_training(name: str) -> None:
    value = next(extremes(SweepConfig()))[name]
    network, training = configured(NetworkConfig(), TrainingConfig(), {name: value})
    assert getattr(network if PARAMETERS[name].network else training, name) == value
    assert type(value) is PARAMETERS[name].kind


def test_a_grid_is_every_combination_once() -> None:
    found = list(grid(SMALL.space))
    assert [(each["cell"], each["hidden_size"]) for each in found] == [
        ("lstm", 4), ("lstm", 8), ("gru", 4), ("gru", 8)
    ]  # fmt: skip
    assert len(found) == SMALL.num_configurations
    assert all(list(each) == list(PARAMETERS) for each in found)


@pytest.mark.parametrize(
    ("name", "texts", "values"),
    [
        ("cell", ["lstm", "gru"], ("lstm", "gru")),
        ("hidden_size", ["64", "128"], (64, 128)),
        ("hidden_size", ["64..128"], Range(64, 128)),
        ("learning_rate", ["0.01", "1e-3"], (0.01, 0.001)),
        ("learning_rate", ["1e-3..0.1"], Range(0.001, 0.1)),
    ],
)
def test_values_are_read_as_they_are_written(name: str, texts: list[str], values: object) -> None:
    assert parse_values(name, texts) == values


@pytest.mark.parametrize(
    ("name", "texts"), [("hidden_size", ["64.5"]), ("learning_rate", ["x"]), ("num_layers", ["1..x"])]
)
def test_what_is_no_number_is_named(name: str, texts: list[str]) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        parse_values(name, texts)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("cell", ["lstm", "transformer"]),
        ("cell", "lstm"),
        ("cell", Range(1, 2)),
        ("hidden_size", []),
        ("hidden_size", [0]),
        ("hidden_size", [8, 8]),
        ("hidden_size", [True]),
        ("hidden_size", Range(8, 8)),
        ("hidden_size", Range(1.5, 8)),
        ("learning_rate", Range(0, 1)),
        ("learning_rate", [-0.1]),
        ("dropout", [1.0]),
        ("dropout", Range(0.5, 1.5)),
    ],
)
def test_bad_values_are_refused(name: str, values: Any) -> None:
    with pytest.raises(ConfigError, match=name):
        check_values(name, values)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seeds": 0}, "seeds"),
        ({"trials": 0}, "trials"),
        ({"finalists": 1.5}, "finalists"),
        ({"pruner": "best"}, "pruner"),
        ({"evaluations": 0}, "evaluations"),
        ({"minutes_per_trial": 0}, "minutes_per_trial"),
        ({"minutes_per_trial": 1, "symbols_per_trial": 5}, "minutes_per_trial and symbols_per_trial"),
        ({"hidden_size": Range(8, 16)}, "hidden_size"),
    ],
)
def test_a_bad_sweep_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        SweepConfig(**changes)


def test_a_minute_is_the_usual_budget() -> None:
    assert SweepConfig().minutes_per_trial == 1
    assert SweepConfig(symbols_per_trial=10).minutes_per_trial is None


def test_a_label_names_what_varies() -> None:
    one, other = made(), made(learning_rate=0.01)
    assert varying([one, other]) == ["learning_rate"]
    assert label(other, varying([one, other])) == "lstm, 8 units, learning rate 0.01"
    assert label(one, []) == "lstm, 8 units"


@pytest.mark.parametrize("sizes", [[8, 16], Range(8, 16)])
def test_the_ends_of_ranges_are_tried_on_the_network(sizes: Range | list[int]) -> None:
    config = SweepConfig(hidden_size=sizes, cell=["gru"], learning_rate=[0.02], trials=2)
    assert [each["hidden_size"] for each in extremes(config)] == [8, 16]


def test_each_parameter_has_its_words() -> None:
    values: dict[str, Any] = {
        "cell": "gru", "hidden_size": 256, "num_layers": 2, "learning_rate": 0.00312345, "dropout": 0.25,
        "batch_size": 32,
    }  # fmt: skip
    assert label(values, []) == "gru, 256 units"
    assert label(values, list(PARAMETERS)) == (
        "gru, 256 units, layers 2, learning rate 0.003123, dropout 0.25, batch size 32"
    )


@pytest.mark.parametrize(
    ("name", "values", "taken"),
    [
        ("dropout", Range(0, 0.5), Range(0.0, 0.5)),
        ("hidden_size", Range(1, 2), Range(1, 2)),
        ("learning_rate", [1, 0.5], (1.0, 0.5)),
        ("hidden_size", (4,), (4,)),
        ("learning_rate", Range(0.0, 1), "a range above 0"),
        ("dropout", Range(-0.5, 0.5), "a range from 0"),
        ("hidden_size", Range(1.5, 8), "a range between whole numbers"),
        ("hidden_size", Range(8, 8), "a range from low to high"),
        ("hidden_size", Range("8", 9), "a range from low to high"),  # type: ignore[arg-type]
        ("hidden_size", Range(8, None), "a range from low to high"),  # type: ignore[arg-type]
        ("cell", Range(1, 2), "a list of names, which have no range"),
        ("hidden_size", [8, 8], "a list without repeated values"),
        ("learning_rate", [1, 1.0], "a list without repeated values"),
        ("hidden_size", [], "a list of values"),
        ("hidden_size", {8}, "a list of values"),
        ("cell", "lstm", "a list of values"),
    ],
)
def test_values_are_taken_or_refused_in_words(name: str, values: Any, taken: Any) -> None:
    if not isinstance(taken, str):
        found = check_values(name, values)
        assert found == taken
        ends = (found.low, found.high) if isinstance(found, Range) else found
        assert {type(end) for end in ends} == {PARAMETERS[name].kind}
        return
    with pytest.raises(ConfigError) as caught:
        check_values(name, values)
    assert str(caught.value) == f"{name} must be {taken}; got {values!r}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("hidden_size", "x", "hidden_size must be a whole number or a range such as 64..512; got 'x'"),
        ("dropout", "x", "dropout must be a number or a range such as 0.001..0.1; got 'x'"),
        ("dropout", "..5", "dropout must be a number or a range such as 0.001..0.1; got '..5'"),
    ],
)
def test_what_is_no_number_is_said(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_values(name, [text])
    assert str(caught.value) == message


def test_a_sweep_says_what_does_not_go_together() -> None:
    with pytest.raises(ConfigError) as caught:
        SweepConfig(hidden_size=Range(8, 16))
    assert str(caught.value) == (
        "hidden_size must be a list of values, as trials is not set; got Range(low=8, high=16); list the "
        "values, or draw from the range with trials"
    )
    with pytest.raises(ConfigError) as caught:
        SweepConfig(minutes_per_trial=1, symbols_per_trial=5)
    assert str(caught.value) == (
        "minutes_per_trial and symbols_per_trial do not work together; leave one of them out"
    )
    for wrong in ("lstm", 3, {8}):
        with pytest.raises(ConfigError, match="must be a list of"):
            SweepConfig(hidden_size=wrong)
    drawn = SweepConfig(trials=7)
    assert (drawn.num_configurations, SweepConfig().num_configurations) == (7, 12)
