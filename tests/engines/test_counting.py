"""Counts beside a network: in writing, scoring and searching they are the same mixture, whatever the road."""

import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.test_writer import (
    TOKENIZER,
    alone,
    assert_same_bits,
    in_company,
    random_network,
    random_request,
)
from tests.engines.variants import EOS_ID, VOCAB_SIZE, engine_or_skip, every_engine, make_case, parameters_of
from tests.kernels.plain_counts import PlainCounts
from unspool._engines.counting import CountingEngine, PlainCountingWriter
from unspool._engines.cpu import CpuEngine
from unspool._engines.recent_symbols import split_state, with_recent
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.keywords import generation_options
from unspool._generation.writer import generate
from unspool._kernels.counts import MOST_ORDER, CountTable, count
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Conditions, Window


def random_text(vocab_size: int) -> NDArray[np.uint8]:
    """Return random words, each written several times."""
    draw = np.random.default_rng(0)
    words = [draw.integers(1, vocab_size - 1, draw.integers(1, 6)) for _ in range(20)]
    return np.concatenate([np.append(words[i], vocab_size - 1) for i in draw.integers(0, 20, 200)]).astype(
        np.uint8
    )


def random_table(vocab_size: int, *, order: int) -> CountTable:
    """Count a random text, and weigh the counts at random."""
    ids = random_text(vocab_size)
    table = count(ids, vocab_size=vocab_size, order=order, end_id=vocab_size - 1)
    assert table is not None
    draw = np.random.default_rng(1)
    weights = draw.uniform(0.2, 1.0, table.weights.shape).astype(np.float32)
    return CountTable(**{**table.arrays(), "weights": weights})


def with_counts(engine: Any, *, order: int = 3) -> CountingEngine:
    return CountingEngine(engine, random_table(engine.config.symbols, order=order))


@every_engine
@pytest.mark.parametrize("order", [1, 3, 16])
def test_logits_and_losses_by_hand(engine_name: str, order: int) -> None:
    config = NetworkConfig(cell="gru", hidden_size=7, num_layers=2, vocab_size=VOCAB_SIZE)
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    counting = with_counts(engine, order=order)
    text = random_text(VOCAB_SIZE).tolist()
    plain = PlainCounts(text, vocab_size=VOCAB_SIZE, order=order, end_id=EOS_ID, least=2)
    network, after = engine.logits(parameters, case.window.ids, case.state, reset_id=EOS_ID)
    got, state = counting.logits(parameters, case.window.ids, case.state, reset_id=EOS_ID)
    losses, _ = counting.token_losses(parameters, case.window, case.state, reset_id=EOS_ID)
    np.testing.assert_array_equal(split_state(state, config)[0], after)
    for lane in range(3):
        for step in range(9):
            read = case.window.ids[: step + 1, lane].tolist()
            wanted = plain.log_mixture(read, network[step, lane].astype(float), counting.table.weights)
            row = got[step, lane, 1:].astype(float)
            np.testing.assert_allclose(row - np.log(np.exp(row).sum()), wanted, atol=3e-5)
            target = case.window.targets[step, lane]
            assert losses[step, lane] == pytest.approx(-wanted[target - 1] if target else 0, abs=3e-5)


@every_engine
def test_parts_of_a_window_and_short_calls_are_the_whole(engine_name: str) -> None:
    config = NetworkConfig(hidden_size=8, vocab_size=VOCAB_SIZE)
    engine = with_counts(engine_or_skip(engine_name, config), order=4)
    parameters, case = parameters_of(config), make_case(config, 11, 3)
    whole, after = engine.logits(parameters, case.window.ids, case.state, reset_id=EOS_ID)
    forward, state, parts = engine.forward(parameters, lanes=3), case.state, []
    for ids in np.array_split(case.window.ids, 4):
        logits, state = forward(np.ascontiguousarray(ids), state, reset_id=EOS_ID)
        parts.append(logits)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)
    np.testing.assert_allclose(state, after, atol=1e-5)


def test_a_long_window_is_measured_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    config = NetworkConfig(hidden_size=8, vocab_size=VOCAB_SIZE, context_size=2)
    engine, parameters, case = with_counts(CpuEngine(config)), parameters_of(config), make_case(config, 11, 3)
    records = np.ascontiguousarray(np.arange(33, dtype=np.int32).reshape(11, 3) // 12)
    context = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    window = Window(case.window.ids, case.window.targets, Conditions(records, context=context))
    whole, after = engine.token_losses(parameters, window, case.state, reset_id=None)
    monkeypatch.setattr("unspool._engines.counting.LOGITS_AT_ONCE", 4 * 3 * VOCAB_SIZE)
    parts, state = engine.token_losses(parameters, window, case.state, reset_id=None)
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    np.testing.assert_allclose(state, after, atol=1e-5)


def check_company(seed: int) -> None:
    draw = random.Random(seed)
    config, parameters = random_network(draw)
    order = draw.choice([1, 3, 16])
    requests = [random_request(draw, config) for _ in range(draw.choice([1, 4]))]
    one = with_counts(CpuEngine(config, threads=1), order=order)
    expected = [text for request in requests for text in alone(one, parameters, request)]
    engine = with_counts(CpuEngine(config, threads=draw.choice([1, 2, 3, 5])), order=order)
    for text, other in zip(in_company(draw, engine.writer(parameters), requests), expected, strict=True):
        assert_same_bits(text, other)


@pytest.mark.parametrize("first", range(0, 30, 10))
def test_a_text_is_the_same_alone_and_in_company(first: int) -> None:
    for seed in range(first, first + 10):
        check_company(seed)


@every_engine
@pytest.mark.parametrize("seed", range(8))
def test_company_is_that_of_the_plain_writer(engine_name: str, seed: int) -> None:
    draw = random.Random(seed)
    config, parameters = random_network(draw)
    engine = with_counts(engine_or_skip(engine_name, config), order=4)
    requests = [random_request(draw, config) for _ in range(4)]
    texts = in_company(draw, engine.writer(parameters), requests)
    twin = PlainCountingWriter(with_counts(CpuEngine(config), order=4), parameters)
    twins = [text for request in requests for text in generate(twin, request)]
    assert [text.ids.tolist() for text in texts] == [text.ids.tolist() for text in twins]
    for text, other in zip(texts, twins, strict=True):
        np.testing.assert_allclose(text.logprobs, other.logprobs, rtol=0, atol=1e-4)


@every_engine
def test_a_text_goes_on_from_a_state_with_the_symbols_read_before(engine_name: str) -> None:
    """The same text at once, and after a state that has read its first part."""
    config = NetworkConfig(hidden_size=8, vocab_size=TOKENIZER.vocab_size)
    engine, parameters = with_counts(engine_or_skip(engine_name, config), order=5), initialize(config, 2)
    ids = TOKENIZER.encode("abcab")
    options = generation_options({"max_new_tokens": 12, "seed": 4, "temperature": 1.5, "logprobs": 2})
    (whole,) = generate(engine.writer(parameters), EngineRequest([ids], options))
    read = np.array([[TOKENIZER.eos_id, *ids]], np.int32).T
    _, state = engine.logits(parameters, read, engine.initial_state(1, parameters))
    request = EngineRequest([np.empty(0, np.int32)], options, states=state)
    (rest,) = generate(engine.writer(parameters), request)
    assert rest.ids.tolist() == whole.ids.tolist()
    np.testing.assert_allclose(rest.logprobs, whole.logprobs, atol=1e-4)


def test_a_state_keeps_the_symbols_read_last_in_any_shape() -> None:
    for layers, cell in ((1, "gru"), (1, "lstm"), (3, "lstm"), (4, "rnn")):
        config = NetworkConfig(cell=cell, hidden_size=5, num_layers=layers, vocab_size=300)
        L, S, H = config.state_shape
        draw = np.random.default_rng(0)
        state = draw.normal(size=(L, S, 3, H)).astype(np.float32)
        recent = draw.integers(0, 300, (3, MOST_ORDER)).astype(np.int32)
        both = split_state(with_recent(state, recent), config)
        np.testing.assert_array_equal(both[0], state)
        np.testing.assert_array_equal(both[1], recent)
        assert not split_state(state, config)[1].any()
        mean = (with_recent(state, recent) + with_recent(state, recent + 1)) / 2
        assert not split_state(mean, config)[1].any()  # of no text


def test_counts_of_another_vocabulary() -> None:
    config = NetworkConfig(hidden_size=5, vocab_size=VOCAB_SIZE)
    with pytest.raises(ValueError, match="vocab_size"):
        CountingEngine(CpuEngine(config), random_table(VOCAB_SIZE + 1, order=2))
