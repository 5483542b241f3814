"""The contract of every engine's generation: its own logits, one private random stream for each sequence."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.pieces import joined
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
from tests.network.reference import reference_logits
from unspool._engines import ENGINES
from unspool._engines.protocol import Engine, Parameters
from unspool._engines.reference_writer import ReferenceWriter
from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, Guide, TokenAutomaton
from unspool._generation.automata.phrases import phrase_automaton
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.generation_options import OF_TEXTS, ROWS, GenerationOptions
from unspool._generation.writer import Writer, generate, stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

PROMPTS = [np.array(ids, dtype=np.int32) for ids in ([], [3], [4, 5, 1, 2], [9, 9])]
NETWORK = NetworkConfig(cell="lstm", num_layers=2, hidden_size=20, vocab_size=VOCAB_SIZE)
some_networks = pytest.mark.parametrize("config", [NETWORK, networks()[-1]], ids=describe)


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
    results = generate(
        engine_or_skip(engine_name, config).writer(parameters_of(config)), EngineRequest(PROMPTS, options)
    )
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
    results = generate(engine.writer(parameters), EngineRequest(PROMPTS, options))
    twins = generate(ReferenceWriter(engine, parameters), EngineRequest(PROMPTS, options))
    for prompt, result, twin in zip(PROMPTS, results, twins, strict=True):
        assert same(result, twin)
        wanted = logprobs_of(config, prompt, result)
        drawn = list(result.ids) + ([EOS_ID] if result.finish_reason == "stop" else [])
        chosen = wanted[np.arange(len(drawn)), drawn]  # the model's own, whatever the temperature
        np.testing.assert_allclose(result.logprobs, chosen, rtol=1e-4, atol=1e-5)


@every_engine
@some_networks
def test_a_text_depends_on_its_seed_and_index_alone(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    options = GenerationOptions(max_new_tokens=40, seed=1)
    together = generate(engine.writer(parameters), EngineRequest(PROMPTS * 3, options))
    fewer = generate(engine.writer(parameters), EngineRequest(PROMPTS, options))
    assert all(same(a, b) for a, b in zip(fewer, together, strict=False))
    others = generate(engine.writer(parameters), EngineRequest(PROMPTS, replace(options, seed=2)))
    assert not all(same(a, b) for a, b in zip(fewer, others, strict=True))
    assert not all(same(a, b) for a, b in zip(fewer, together[4:], strict=False))


@every_engine
@some_networks
def test_a_stream_is_the_text_in_pieces(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    for seed in range(5):
        options = GenerationOptions(max_new_tokens=30, seed=seed)
        (whole,) = generate(engine.writer(parameters), EngineRequest(PROMPTS[2:3], options))
        pieces = list(stream(engine.writer(parameters), EngineRequest([PROMPTS[2]], options)))
        assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
        assert pieces[-1].finish_reason == whole.finish_reason
        np.testing.assert_array_equal(np.concatenate([piece.ids for piece in pieces]), whole.ids)


@every_engine
@some_networks
@pytest.mark.parametrize("temperature", [0, 1e-30, 1e-3, 1.0, 100.0, 1e30])
def test_any_temperature_is_safe_and_pad_is_never_drawn(
    engine_name: str, config: NetworkConfig, temperature: float
) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    options = GenerationOptions(temperature=temperature, max_new_tokens=25, seed=0)
    results = generate(engine.writer(parameters), EngineRequest(PROMPTS * 4, options))
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
@some_networks
def test_no_prompts_give_no_texts(engine_name: str, config: NetworkConfig) -> None:
    assert (
        generate(
            engine_or_skip(engine_name, config).writer(parameters_of(config)),
            EngineRequest([], GenerationOptions()),
        )
        == []
    )


NEVER = float("-inf")
SAMPLES: list[dict[str, Any]] = [
    {**(row.beside or {}), name: row.sample}
    for name, row in ROWS.items()
    if not {name, *(row.beside or {})} & set(OF_TEXTS)
]
TOGETHER: list[dict[str, Any]] = [
    {},
    {"temperature": (2.0, 0.0, 1.0), "temperature_steps": 6},
    {"temperature": 3.0, "typical_p": 0.3, "min_p": 0.3, "samplers": ("typical_p", "min_p", "temperature")},
    {"temperature": 4.0, "top_k": 5, "samplers": ("top_k", "temperature")},
    {"temperature": 1.7, "top_k": 7, "top_p": 0.8, "min_p": 0.05, "typical_p": 0.9},
    {"temperature": 0, "repetition_penalty": 1.5, "min_tokens": 3},
    {"repetition_penalty": 1.3, "presence_penalty": -0.5, "frequency_penalty": 0.3, "penalty_last_n": 4},
    {"no_repeat_ngram_size": 3, "temperature": 0},
    {"logit_bias": {3: 2.0, 5: NEVER, EOS_ID: -5}},
    {
        "logit_bias": {symbol: NEVER for symbol in range(1, VOCAB_SIZE) if symbol != 4},
        "no_repeat_ngram_size": 2,
    },
    {"logprobs": 3, "echo": True},
    {"logprobs": VOCAB_SIZE - 1, "top_k": 1, "repetition_penalty": 2.0},
]
# texts over the ids 1 .. 9: a 1 or 2, then any number of "3 4", then a 5; every other id leads nowhere
GUIDED = TokenAutomaton(
    classes=np.array([0, 1, 1, 2, 3, 4, 0, 0, 0, 0, 0], np.int32),
    transitions=np.array(
        [[DEAD, 1, DEAD, DEAD, DEAD], [DEAD, DEAD, 2, DEAD, 3], [DEAD, DEAD, DEAD, 1, DEAD], [DEAD] * 5],
        np.int32,
    ),
    distance=np.array([2, 1, 2, 0], np.int32),
)


BY_TWIN = ("torch",)  # engines that write by the plain twin itself: each option alone repeats one thing
STOP = phrase_automaton(("dd", "abc"), ("", *"abcdefghi", ""), name="stop").automaton
COMPARED = ("logprobs", "constrained_logprobs", "prompt_logprobs")


def assert_same(a: GeneratedIds, b: GeneratedIds) -> None:
    """Check that two results tell the same, up to rounding."""
    assert same(a, b)
    pairs = [(getattr(a, name), getattr(b, name)) for name in COMPARED]
    for mine, theirs in ((a.alternatives, b.alternatives), (a.prompt_alternatives, b.prompt_alternatives)):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            np.testing.assert_array_equal(mine.ids, theirs.ids)
            pairs.append((mine.logprobs, theirs.logprobs))
    for x, y in pairs:
        assert (x is None) == (y is None)
        if x is not None:
            assert x.dtype == np.float32
            np.testing.assert_allclose(x, y, rtol=0, atol=5e-5)


@pytest.mark.parametrize("engine_name", BY_TWIN)
def test_who_writes_by_the_plain_twin(engine_name: str) -> None:
    engine = engine_or_skip(engine_name, NETWORK)
    assert isinstance(engine.writer(parameters_of(NETWORK)), ReferenceWriter)


@pytest.mark.parametrize(
    ("engine_name", "options"),
    [(name, options) for name in ENGINES for options in [*([] if name in BY_TWIN else SAMPLES), *TOGETHER]],
    ids=str,
)
@some_networks
@pytest.mark.parametrize("automata", ["", "guide", "stop"])
def test_every_option_gives_what_the_plain_twin_gives(
    engine_name: str, config: NetworkConfig, options: dict[str, Any], automata: str
) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    chosen = GenerationOptions(**{"max_new_tokens": 12, "seed": 4, **options})
    around: dict[str, Any] = {}
    if automata == "guide":
        around = {"guide": Guide(GUIDED, np.zeros(len(PROMPTS), np.int32))}
    if automata == "stop":
        around = {"stop": STOP}
    results = generate(engine.writer(parameters), EngineRequest(PROMPTS, chosen, **around))
    twins = generate(ReferenceWriter(engine, parameters), EngineRequest(PROMPTS, chosen, **around))
    for i, (result, twin) in enumerate(zip(results, twins, strict=True)):
        assert_same(result, twin)
        if automata == "guide":
            around = {"guide": Guide(GUIDED, np.zeros(1, np.int32))}
        pieces = list(
            stream(engine.writer(parameters), EngineRequest([PROMPTS[i]], chosen, first=i, **around))
        )
        assert [piece.finish_reason for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
        assert_same(joined(pieces), twin)


def test_a_long_text_is_that_of_the_plain_twin() -> None:
    """What native code keeps of a text grows at 64 tokens, at 128, and so on."""
    engine, parameters = engine_or_skip("cpu", NETWORK), parameters_of(NETWORK)
    options = GenerationOptions(
        max_new_tokens=140, ignore_eos=True, seed=6, echo=True, logprobs=2, repetition_penalty=1.05,
        frequency_penalty=0.05, penalty_last_n=70, no_repeat_ngram_size=4, dry_multiplier=0.2,
    )  # fmt: skip
    prompts = [np.resize(np.array([3, 1, 4, 1, 5, 9, 2, 6], np.int32), length) for length in (63, 64, 130)]
    request = EngineRequest(prompts, options)
    results = generate(engine.writer(parameters), request)
    for result, twin in zip(results, generate(ReferenceWriter(engine, parameters), request), strict=True):
        assert len(result.ids) == 140
        assert_same(result, twin)


@every_engine
@some_networks
def test_a_stop_automaton_ends_a_text_once_there_are_enough_symbols(
    engine_name: str, config: NetworkConfig
) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    stop = phrase_automaton(("d", "g"), ("", *"abcdefghi", ""), name="stop").automaton
    reasons = set()
    for least in (0, 5):
        options = GenerationOptions(max_new_tokens=20, seed=1, min_tokens=least)
        for result in generate(engine.writer(parameters), EngineRequest(PROMPTS * 4, options, stop=stop)):
            ends = np.isin(result.ids, (4, 7))
            ends[: max(0, least - 1)] = False
            assert not ends[:-1].any()
            reasons.add(result.finish_reason)
            if ends[-1:].any():
                assert result.finish_reason == "stop"
                assert not result.ended
    assert "stop" in reasons


# the one text "dd" over the ids 1 .. 9: d is 4
TWICE = TokenAutomaton(
    classes=np.array([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], np.int32),
    transitions=np.array([[DEAD, 1], [DEAD, 2], [DEAD, DEAD]], np.int32),
    distance=np.array([2, 1, 0], np.int32),
)


@every_engine
@pytest.mark.parametrize("make", [lambda engine, parameters: engine.writer(parameters), ReferenceWriter])
def test_a_stop_string_ends_no_text_that_its_guide_does_not_accept(
    engine_name: str, make: Callable[[Engine, Parameters], Writer]
) -> None:
    engine, parameters = engine_or_skip(engine_name, NETWORK), parameters_of(NETWORK)
    stop = phrase_automaton(("d",), ("", *"abcdefghi", ""), name="stop").automaton
    guide = Guide(TWICE, np.zeros(1, np.int32))
    request = EngineRequest(PROMPTS[:1], GenerationOptions(seed=1), guide=guide, stop=stop)
    (text,) = generate(make(engine, parameters), request)
    assert text.ids.tolist() == [4, 4]  # at the first d the text is not whole, at the second it may end
    assert (text.finish_reason, text.ended) == ("stop", False)


@every_engine
@pytest.mark.parametrize("make", [lambda engine, parameters: engine.writer(parameters), ReferenceWriter])
@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        ({"top_p": 0.25}, {1}), ({"top_p": 0.5}, {1, 2}), ({"top_p": 0.75}, {1, 2, 3}),  # shares of 1/4 each
        ({"min_p": 1.0}, {1, 2, 3, 4}),  # all are as probable as the most probable one
        ({"epsilon_cutoff": 0.25}, {1, 2, 3, 4}),
    ],
)  # fmt: skip
def test_a_share_at_the_very_border(
    engine_name: str,
    make: Callable[[Engine, Parameters], Writer],
    options: dict[str, float],
    drawn: set[int],
) -> None:
    network = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=7)
    engine = engine_or_skip(engine_name, network)
    parameters = {name: np.zeros_like(values) for name, values in initialize(network, 0).items()}
    parameters["output.bias"] = np.array([0, 0, 0, 0, 0, -200, -200], np.float32)
    nothing = np.empty(0, np.int32)
    request = EngineRequest([nothing] * 200, GenerationOptions(seed=1, max_new_tokens=1, **options))  # type: ignore[arg-type]
    texts = generate(make(engine, parameters), request)
    assert {text.ids[0] for text in texts} == drawn


@every_engine
@some_networks
def test_what_an_engine_cannot_know_is_refused(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    refused = {
        "stop": "x",
        "bad_words": "x",
        "best_of": 2,
        "logit_bias": {"a": 1.0},
        "dry_sequence_breakers": "x",
    }
    for name, value in refused.items():
        with pytest.raises(ConfigError, match=f"{name} must be"):
            generate(engine.writer(parameters), EngineRequest(PROMPTS, GenerationOptions(**{name: value})))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="logit_bias"):
        generate(
            engine.writer(parameters), EngineRequest(PROMPTS, GenerationOptions(logit_bias={VOCAB_SIZE: 1.0}))
        )
    with pytest.raises(ConfigError, match="logprobs"):
        generate(engine.writer(parameters), EngineRequest(PROMPTS, GenerationOptions(logprobs=VOCAB_SIZE)))
    guide = Guide(GUIDED, np.zeros(4, np.int32))
    with pytest.raises(ConfigError, match="max_new_tokens must be at least 2"):
        generate(
            engine.writer(parameters),
            EngineRequest(PROMPTS, GenerationOptions(max_new_tokens=1), guide=guide),
        )


@every_engine
@some_networks
def test_a_guide_is_followed_to_its_end_in_time(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    guide = Guide(GUIDED, np.zeros(len(PROMPTS) * 5, np.int32))
    for most in (2, 3, 4, 9):
        options = GenerationOptions(max_new_tokens=most, seed=most, temperature=1.4)
        for result in generate(engine.writer(parameters), EngineRequest(PROMPTS * 5, options, guide=guide)):
            assert GUIDED.distance[GUIDED.walk(result.ids)] == 0
            assert len(result.ids) <= most
            assert result.constrained_logprobs is not None
            assert (result.constrained_logprobs >= result.logprobs - 1e-6).all()


@every_engine
@some_networks
def test_generation_goes_on_from_a_state(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    options = GenerationOptions(max_new_tokens=20, seed=3)
    whole = generate(engine.writer(parameters), EngineRequest(PROMPTS[2:3] * 4, options))
    read = np.array([EOS_ID, 4, 5, 1, 2], np.int32)[:, None].repeat(4, axis=1)
    _, states = engine.logits(parameters, read, engine.initial_state(4))
    empty = [np.empty(0, np.int32)] * 4
    from_state = generate(engine.writer(parameters), EngineRequest(empty, options, states=states))
    assert all(same(a, b) for a, b in zip(whole, from_state, strict=True))
    _, earlier = engine.logits(parameters, read[:3], engine.initial_state(4))
    prompts = [np.array([1, 2], np.int32)] * 4
    from_earlier = generate(engine.writer(parameters), EngineRequest(prompts, options, states=earlier))
    assert all(same(a, b) for a, b in zip(whole, from_earlier, strict=True))
