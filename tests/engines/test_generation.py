"""The contract of every engine's generation: its own logits, one private random stream for each sequence."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.variants import (
    EOS_ID,
    VOCAB_SIZE,
    describe,
    engine_or_skip,
    every_engine,
    every_network,
    networks,
    parameters_of,
)
from unspool.engines.stepwise import generate_by_steps
from unspool.generation.options import GeneratedIds, GenerationOptions
from unspool.network.config import NetworkConfig
from unspool.network.reference import reference_logits

PROMPTS = [np.array(ids, dtype=np.int32) for ids in ([], [3], [4, 5, 1, 2], [9, 9])]
one_network = pytest.mark.parametrize("config", [networks()[5]], ids=describe)


def logprobs_of(
    config: NetworkConfig, prompt: NDArray[np.int32], result: GeneratedIds
) -> NDArray[np.float64]:
    """Work the log-probabilities of all symbols (N, V) at each place where the result drew one."""
    parameters = {name: values.astype(np.float64) for name, values in parameters_of(config).items()}
    L, S, H = config.state_shape
    ids = np.concatenate([[EOS_ID], prompt, result.ids])[:, None].astype(np.int32)
    logits, _ = reference_logits(config, parameters, ids, np.zeros((L, S, 1, H)))
    kept = logits[len(prompt) :, 0][: len(result.logprobs)]
    logprobs: NDArray[np.float64] = kept - np.log(np.exp(kept).sum(axis=1, keepdims=True))
    return logprobs


def same(a: GeneratedIds, b: GeneratedIds) -> bool:
    """Tell whether two results hold the same symbols and ended in the same way."""
    return np.array_equal(a.ids, b.ids) and a.finish_reason == b.finish_reason


@every_engine
@every_network
def test_greedy_takes_the_most_probable_symbol(engine_name: str, config: NetworkConfig) -> None:
    options = GenerationOptions(temperature=0, max_new_tokens=12)
    results = engine_or_skip(engine_name, config).generate(parameters_of(config), PROMPTS, options)
    for prompt, result in zip(PROMPTS, results, strict=True):
        logprobs = logprobs_of(config, prompt, result)
        drawn = list(result.ids) + ([EOS_ID] if result.finish_reason == "stop" else [])
        np.testing.assert_array_equal(drawn, logprobs.argmax(axis=1))
        np.testing.assert_allclose(result.logprobs, logprobs.max(axis=1), rtol=1e-4, atol=1e-5)


@every_engine
@every_network
def test_sampling_is_that_of_the_plain_twin(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    options = GenerationOptions(temperature=1.3, top_k=9, top_p=0.95, min_p=0.01, max_new_tokens=12, seed=5)
    results = engine.generate(parameters, PROMPTS, options)
    twins = generate_by_steps(engine, parameters, PROMPTS, options)
    for prompt, result, twin in zip(PROMPTS, results, twins, strict=True):
        assert same(result, twin)
        wanted = logprobs_of(config, prompt, result)
        drawn = list(result.ids) + ([EOS_ID] if result.finish_reason == "stop" else [])
        chosen = wanted[np.arange(len(drawn)), drawn]  # the model's own, whatever the temperature
        np.testing.assert_allclose(result.logprobs, chosen, rtol=1e-4, atol=1e-5)


@every_engine
@one_network
def test_a_text_depends_on_its_seed_and_index_alone(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    options = GenerationOptions(max_new_tokens=40, seed=1)
    together = engine.generate(parameters, PROMPTS * 3, options)
    fewer = engine.generate(parameters, PROMPTS, options)
    assert all(same(a, b) for a, b in zip(fewer, together, strict=False))
    others = engine.generate(parameters, PROMPTS, replace(options, seed=2))
    assert not all(same(a, b) for a, b in zip(fewer, others, strict=True))
    assert not all(same(a, b) for a, b in zip(fewer, together[4:], strict=False))


@every_engine
@one_network
def test_a_stream_is_the_text_in_pieces(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    for seed in range(5):
        options = GenerationOptions(max_new_tokens=30, seed=seed)
        (whole,) = engine.generate(parameters, PROMPTS[2:3], options)
        pieces = list(engine.stream(parameters, PROMPTS[2], options))
        assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
        assert pieces[-1].finish_reason == whole.finish_reason
        np.testing.assert_array_equal(np.concatenate([piece.ids for piece in pieces]), whole.ids)


@every_engine
@one_network
@pytest.mark.parametrize("temperature", [0, 1e-30, 1e-3, 1.0, 100.0, 1e30])
def test_any_temperature_is_safe_and_pad_is_never_drawn(
    engine_name: str, config: NetworkConfig, temperature: float
) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    options = GenerationOptions(temperature=temperature, max_new_tokens=25, seed=0)
    results = engine.generate(parameters, PROMPTS * 4, options)
    for result in results:
        assert result.ids.dtype == np.int32
        assert result.logprobs.dtype == np.float32
        assert ((result.ids >= 1) & (result.ids < EOS_ID)).all()
        assert np.isfinite(result.logprobs).all()
        stopped = result.finish_reason == "stop"
        assert len(result.logprobs) == len(result.ids) + stopped
        assert stopped or len(result.ids) == 25
    if temperature == 1e30:  # every symbol is as probable as any other
        assert {int(i) for result in results for i in result.ids} == set(range(1, VOCAB_SIZE - 1))


@every_engine
@one_network
def test_no_prompts_give_no_texts(engine_name: str, config: NetworkConfig) -> None:
    assert engine_or_skip(engine_name, config).generate(parameters_of(config), [], GenerationOptions()) == []
