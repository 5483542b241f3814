"""The rule that chooses a network: each of its functions, with values worked by hand."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.planning.candidates import FACTS, candidate
from unspool._network.config import NetworkConfig
from unspool._planning import rule


@pytest.mark.parametrize(
    ("cell", "hidden_size", "num_layers", "weights"),
    [("lstm", 128, 1, 65_536), ("lstm", 128, 3, 327_680), ("gru", 10, 1, 300), ("rnn", 7, 2, 147)],
)
def test_core_weights_are_those_between_the_units(
    cell: str, hidden_size: int, num_layers: int, weights: int
) -> None:
    network = NetworkConfig(cell=cell, hidden_size=hidden_size, num_layers=num_layers)
    assert rule.core_weights(network) == weights


@pytest.mark.parametrize(("hidden_size", "symbols"), [(128, 400_000), (256, 3_200_000), (32, 6250)])
def test_a_larger_network_needs_more_by_the_power_of_its_weights(hidden_size: int, symbols: float) -> None:
    assert rule.needed_symbols(NetworkConfig(hidden_size=hidden_size)) == pytest.approx(symbols)


@pytest.mark.parametrize(
    ("text_symbols", "last"),
    [
        (2000, 128),  # 20 · 2000 / 400 = 100 by heart; 1000 steps of 7.8125 a pass are 128
        (20, 1000),  # less than a step a pass counts as one
        (1e6, 50_000),
        (30_000, 1500),
    ],
)
def test_the_last_pass_is_where_a_text_would_be_known_by_heart(text_symbols: float, last: int) -> None:
    assert candidate(text_symbols=text_symbols).last_pass == last


def test_passes_are_those_that_there_is_time_for_up_to_the_last() -> None:
    some, many = candidate(symbols=600), candidate(symbols=1e9)
    assert (some.passes, some.ends_early) == (1.5, False)
    assert (many.passes, many.ends_early) == (640, True)
    assert rule.training_values(some)["epochs"] is None
    assert rule.training_values(many) == {
        "epochs": 640, "learning_rate": 0.05, "schedule": "cosine", "validation_fraction": 0.1,
    }  # fmt: skip
    assert rule.network_values(many) == {"dropout": 0.4}


@pytest.mark.parametrize(
    ("given", "symbols", "sizes"),
    [
        ({}, 20_000, [32, 48, 64]),
        ({}, 4 * 64**2, [32, 48, 64]),
        ({}, 4 * 64**2 - 1, [32, 48]),
        ({"cell": "gru"}, 3 * 96**2, [32, 48, 64, 96]),
        ({}, 100, [32]),
        ({"hidden_size": 500}, 100, [500]),
    ],
)
def test_no_network_has_more_core_weights_than_the_text_has_symbols(
    given: dict[str, Any], symbols: int, sizes: list[int]
) -> None:
    facts = SimpleNamespace(vocab_size=FACTS.vocab_size, symbols=symbols)
    found = rule.networks(given, cast("Any", facts))
    assert [network.hidden_size for network in found] == sizes
    assert {network.vocab_size for network in found} == {50}


def test_batch_sizes_are_timed_with_the_network_nearest_to_the_reference() -> None:
    sizes = [NetworkConfig(hidden_size=size) for size in (64, 96, 192)]
    assert rule.reference_of(sizes).hidden_size == 96


@pytest.mark.parametrize(
    ("speeds", "chosen"),
    [([100, 129], 8), ([100, 131], 16), ([100, 131, 200], 32), ([1, 2, 4, 8], 64), ([1, 1.4, 1.5, 2], 16)],
)
def test_twice_the_lanes_must_be_worth_their_larger_steps(speeds: list[float], chosen: int) -> None:
    assert rule.batch_size(speeds) == chosen


def test_the_largest_network_that_reads_enough_is_chosen() -> None:
    found = [candidate(32, symbols=9e9), candidate(128, symbols=400_001), candidate(256, symbols=3.19e6)]
    assert rule.largest_worth_its_time(found) is found[1]
    assert rule.largest_worth_its_time([found[2], candidate(512)]) is found[2]


@pytest.mark.parametrize(
    ("passes", "dropout"),
    [(1, 0.0), (1.4, 0.0), (1.41, 0.1), (2.8, 0.1), (3, 0.2), (6, 0.3), (12, 0.4), (30, 0.4)],
)
def test_dropout_grows_with_each_doubling_of_the_exposure(passes: float, dropout: float) -> None:
    assert rule.dropout(candidate(symbols=400 * passes)) == dropout


@pytest.mark.parametrize(
    ("cell", "hidden_size", "rate"),
    [
        ("lstm", 128, 0.04), ("lstm", 64, 0.05), ("lstm", 256, 0.02), ("lstm", 192, 0.027),
        ("gru", 128, 0.02),        ("rnn", 128, 0.006), ("rnn", 32, 0.0075), ("of another kind", 128, 0.006),
    ],
)  # fmt: skip
def test_a_larger_network_learns_more_slowly(cell: str, hidden_size: int, rate: float) -> None:
    network = SimpleNamespace(cell=cell, hidden_size=hidden_size)
    assert rule.learning_rate(cast("NetworkConfig", network)) == pytest.approx(rate, rel=1e-9)
