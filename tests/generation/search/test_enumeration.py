"""An enumeration against every text: the same set, in order, with all probability accounted for."""

import math
from itertools import islice, pairwise

import numpy as np
import pytest

from tests.engines.variants import describe, every_engine
from tests.generation.search.brute_force import (
    LONGEST,
    NO_DOUBLES,
    PROMPT,
    Text,
    all_texts,
    tiny,
    tiny_networks,
)
from unspool._errors import ConfigError
from unspool._generation.search import enumeration
from unspool._generation.search.enumeration import OutcomeSearch
from unspool._generation.search.forward import Searched
from unspool._generation.search.search_options import EnumerationOptions
from unspool._generation.search.tree import Outcome
from unspool._network.config import NetworkConfig

every_tiny_network = pytest.mark.parametrize("config", tiny_networks(), ids=describe)
one_network = pytest.mark.parametrize("config", tiny_networks()[1:2], ids=describe)
ALL = -1e6
NOTHING = np.array([], np.int32)


def search(network: Searched, options: EnumerationOptions) -> list[Outcome]:
    return list(OutcomeSearch(network, PROMPT, options).run())


def names(outcomes: list[Outcome] | list[Text]) -> list[tuple[tuple[int, ...], bool]]:
    return [(tuple(int(i) for i in outcome.ids), outcome.ended) for outcome in outcomes]


@every_engine
@every_tiny_network
@pytest.mark.parametrize("in_order", [True, False])
def test_all_texts_together_are_certain(engine_name: str, config: NetworkConfig, in_order: bool) -> None:
    engine, parameters, network = tiny(engine_name, config)
    options = EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST, in_order=in_order)
    run = OutcomeSearch(network, PROMPT, options)
    outcomes = list(run.run())
    every = all_texts(engine, parameters, PROMPT)
    wanted = dict(zip(names(every), every, strict=True))
    assert sorted(names(outcomes)) == sorted(wanted)
    for name, outcome in zip(names(outcomes), outcomes, strict=True):
        assert outcome.total == pytest.approx(wanted[name].total, abs=1e-5)
        assert outcome.logprobs.sum() == pytest.approx(outcome.total, abs=1e-5)
        assert outcome.score == outcome.total
    assert math.fsum(math.exp(outcome.total) for outcome in outcomes) == pytest.approx(1, abs=1e-12)
    assert run.covered == pytest.approx(1, abs=1e-12)
    assert run.remaining == 0
    totals = [outcome.total for outcome in outcomes]
    assert not in_order or totals == sorted(totals, reverse=True)


@every_engine
@every_tiny_network
@pytest.mark.parametrize("in_order", [True, False])
def test_the_texts_above_a_threshold_are_given(
    engine_name: str, config: NetworkConfig, in_order: bool
) -> None:
    engine, parameters, network = tiny(engine_name, config)
    every = sorted(all_texts(engine, parameters, PROMPT), key=lambda text: -text.total)
    for place in (0, 3, 40):
        least = (every[place].total + every[place + 1].total) / 2
        options = EnumerationOptions(min_logprob=least, max_new_tokens=LONGEST, in_order=in_order)
        assert sorted(names(search(network, options))) == sorted(names(every[: place + 1]))


@every_tiny_network
@pytest.mark.parametrize("in_order", [True, False])
def test_a_text_on_the_threshold_is_given(config: NetworkConfig, in_order: bool) -> None:
    _, _, network = tiny("cpu", config)  # whose rows do not depend on how many are computed together
    every = search(network, EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST))
    for place in (0, 3, 40):
        least = every[place].total
        on = EnumerationOptions(min_logprob=least, max_new_tokens=LONGEST, in_order=in_order)
        assert sorted(names(search(network, on))) == sorted(names(every[: place + 1]))
        higher = math.nextafter(least, 0)
        off = EnumerationOptions(min_logprob=higher, max_new_tokens=LONGEST, in_order=in_order)
        assert len(search(network, off)) == place


@every_engine
@every_tiny_network
@pytest.mark.parametrize("limit", [1, 6, 500])
def test_a_limit_gives_the_best(engine_name: str, config: NetworkConfig, limit: int) -> None:
    _, _, network = tiny(engine_name, config)
    every = search(network, EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST))
    outcomes = search(network, EnumerationOptions(limit=limit, max_new_tokens=LONGEST))
    assert names(outcomes) == names(every[:limit])


@every_engine
@every_tiny_network
def test_a_constraint_leaves_what_it_accepts(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, network = tiny(engine_name, config)
    options = EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST)
    guide = NO_DOUBLES.walk(PROMPT)
    outcomes = list(OutcomeSearch(network, PROMPT, options, automaton=NO_DOUBLES, guide=guide).run())
    wanted = all_texts(engine, parameters, PROMPT, automaton=NO_DOUBLES)
    wanted.sort(key=lambda text: -text.total)
    assert names(outcomes) == names(wanted)
    assert [o.total for o in outcomes] == pytest.approx([text.total for text in wanted], abs=1e-5)
    assert [o.constrained for o in outcomes] == pytest.approx([text.constrained for text in wanted], abs=1e-5)
    assert np.exp([o.constrained for o in outcomes]).sum() == pytest.approx(1)


@every_engine
@one_network
def test_cut_texts_can_be_left_out(engine_name: str, config: NetworkConfig) -> None:
    _, _, network = tiny(engine_name, config)
    every = search(network, EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST))
    assert {outcome.ended for outcome in every} == {True, False}
    ended = search(network, EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST, ended_only=True))
    assert names(ended) == names([outcome for outcome in every if outcome.ended])


@every_engine
@one_network
@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize("room", [0, 3])
def test_states_that_were_not_kept_are_computed_again(
    engine_name: str, config: NetworkConfig, in_order: bool, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, network = tiny(engine_name, config)
    options = EnumerationOptions(min_logprob=ALL, max_new_tokens=LONGEST, in_order=in_order)
    monkeypatch.setattr(enumeration, "READ_AT_ONCE", 7)
    every = search(network, options)

    pool = enumeration.StatePool
    monkeypatch.setattr(enumeration, "StatePool", lambda state, **_: pool(state, room=room * state.nbytes))
    again = search(network, options)
    assert names(again) == names(every)
    np.testing.assert_allclose([o.total for o in again], [o.total for o in every], rtol=1e-6)


@every_engine
@one_network
@pytest.mark.parametrize("in_order", [True, False])
def test_what_is_given_does_not_depend_on_how_much_is_read_at_once(
    engine_name: str, config: NetworkConfig, in_order: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, network = tiny(engine_name, config)
    options = EnumerationOptions(min_probability=1e-4, max_new_tokens=9, in_order=in_order)
    every = search(network, options)
    assert len(every) > 300
    monkeypatch.setattr(enumeration, "READ_AT_ONCE", 50)
    monkeypatch.setattr(enumeration, "OUTCOMES_AT_ONCE", 3)
    fewer = search(network, options)
    assert sorted(names(fewer)) == sorted(names(every))
    if in_order:
        np.testing.assert_allclose([o.total for o in fewer], [o.total for o in every], rtol=1e-6)


def test_probability_is_accounted_for_at_every_moment() -> None:
    _, _, network = tiny("cpu", tiny_networks()[1])
    run = OutcomeSearch(network, PROMPT, EnumerationOptions(min_logprob=ALL, max_new_tokens=6))
    total = 0.0
    for outcome in run.run():
        total += math.exp(outcome.total)
        assert run.covered == pytest.approx(total)
        assert run.covered + run.remaining == pytest.approx(1)
    run = OutcomeSearch(network, PROMPT, EnumerationOptions(min_probability=1e-3, max_new_tokens=6))
    bounds = []
    for _ in run.run():
        bounds.append(run.covered + run.remaining)
    assert all(later <= sooner + 1e-12 for sooner, later in pairwise(bounds))
    assert run.remaining == 0
    assert run.covered < 1


def test_the_first_texts_come_before_the_search_is_over() -> None:
    _, _, network = tiny("cpu", tiny_networks()[1])
    run = OutcomeSearch(network, NOTHING, EnumerationOptions(min_logprob=-40, max_new_tokens=10_000))
    few = list(islice(run.run(), 20))
    assert len(few) == 20
    assert run.remaining > 0


def test_memory_is_bounded_and_what_was_given_is_right() -> None:
    _, _, network = tiny("cpu", tiny_networks()[1])
    options = {"min_logprob": -30.0, "max_new_tokens": 40, "max_memory": 1 << 20}
    run = OutcomeSearch(network, PROMPT, EnumerationOptions(**options))
    given: list[Outcome] = []
    with pytest.raises(ConfigError, match=r"at most half of max_memory \(1,048,576 bytes\).*--any-order"):
        given.extend(run.run())
    wanted = search(network, EnumerationOptions(limit=len(given), max_new_tokens=40))
    assert given
    assert names(given) == names(wanted)
    options = {"min_logprob": -30.0, "max_new_tokens": 20, "max_memory": 1 << 22}
    unordered = OutcomeSearch(network, PROMPT, EnumerationOptions(**options, in_order=False))
    assert sum(1 for _ in islice(unordered.run(), 30_000)) == 30_000
    ordered = OutcomeSearch(network, PROMPT, EnumerationOptions(**options))
    with pytest.raises(ConfigError, match="max_memory"):
        sum(1 for _ in islice(ordered.run(), 30_000))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("would never end", {}), ("limit ends an enumeration in order", {"limit": 3, "in_order": False}),
        ("min_probability", {"min_probability": 0}), ("min_probability", {"min_probability": 1.5}),
        ("min_logprob", {"min_logprob": 0.1}), ("min_logprob", {"min_logprob": -math.inf}),
        ("one of them", {"min_logprob": -1.0, "min_probability": 0.1}),
        ("limit", {"limit": 0}), ("max_new_tokens", {"limit": 1, "max_new_tokens": 0}),
        ("max_memory", {"limit": 1, "max_memory": 10}), ("in_order", {"limit": 1, "in_order": 1}),
        ("ended_only", {"limit": 1, "ended_only": "yes"}),
    ],
)  # fmt: skip
def test_options_are_checked(name: str, values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=name):
        EnumerationOptions(**values)  # type: ignore[arg-type]
