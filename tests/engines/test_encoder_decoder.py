"""The contract of an encoder and a decoder in one: every cell, every engine, against the plain reference."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.variants import (
    EOS_ID,
    describe,
    engine_or_skip,
    every_engine,
    make_case,
    networks,
    parameters_of,
    window_of,
)
from tests.network.reference import reference_logits, reference_loss
from unspool._engines.encoder_decoder import EncoderDecoder
from unspool._errors import ConfigError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate, stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER, count_parameters, parameter_shapes
from unspool._text.streams.lanes import Conditions, Window

SOURCE_VOCAB, ROWS, LONGEST = 9, 4, 6
SOURCE_EOS = SOURCE_VOCAB - 1
T, B = 8, 3
PAIRED = [replace(config, source_vocab_size=SOURCE_VOCAB) for config in networks()]
every_pair = pytest.mark.parametrize("config", PAIRED, ids=describe)


@cache
def paired_window(config: NetworkConfig) -> Window:
    """Draw a window in which some records start; row 3's does not, and sources differ in length."""
    random = np.random.default_rng(11)
    window = make_case(config, T, B).window
    ids = window.ids.copy()
    ids[0, 1] = ids[5, 1] = EOS_ID
    records = ((ids == EOS_ID).cumsum(axis=0) % 3).astype(np.int32)
    records[0, 2] = 3  # it goes on from an earlier window
    sources = random.integers(1, SOURCE_EOS, (LONGEST, ROWS)).astype(np.int32)
    for row, length in enumerate((3, 5, 1, 2)):
        sources[: LONGEST - length - 1, row] = 0
        sources[LONGEST - length - 1, row] = SOURCE_EOS
    return Window(ids, window.targets, Conditions(records, sources=sources))


def reference_losses(config: NetworkConfig, parameters: dict[str, Any], window: Window, state: Any) -> Any:
    """Work the losses by two plain networks, each source read on its own without any padding."""
    given = window.conditions
    assert given is not None
    assert given.sources is not None
    assert config.encoder is not None
    own = {n.removeprefix(ENCODER): v for n, v in parameters.items() if n.startswith(ENCODER)}
    H, dtype = config.hidden_size, state.dtype
    own |= {"output.kernel": np.zeros((H, SOURCE_VOCAB), dtype), "output.bias": np.zeros(SOURCE_VOCAB, dtype)}
    L, S, _ = config.state_shape
    states = []
    for column in given.sources.T:
        read = column[column != 0][:, None]
        states.append(reference_logits(config.encoder, own, read, np.zeros((L, S, 1, H), dtype))[1][:, :, 0])
    told = Conditions(given.records, states=np.stack(states))
    plain = config.without_encoder()
    logits, _ = reference_logits(plain, parameters, window.ids, state, reset_id=EOS_ID, conditions=told)
    return reference_loss(logits, window.targets)


def in_float64(parameters: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    return {name: values.astype(np.float64) for name, values in parameters.items()}


@every_pair
@every_engine
def test_losses_are_those_of_two_plain_networks(config: NetworkConfig, engine_name: str) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    window, state = paired_window(config), make_case(config, T, B).state
    losses, _ = engine.token_losses(parameters, window, state, reset_id=EOS_ID)
    wanted = reference_losses(config, in_float64(parameters), window, state.astype(np.float64))
    np.testing.assert_allclose(losses, wanted, rtol=2e-4, atol=2e-5)


@cache
def exact_gradients(config: NetworkConfig) -> dict[str, Any]:
    """Work the gradients by the PyTorch twin in float64."""
    pytest.importorskip("torch")
    from unspool._engines.torch import TorchEngine

    assert config.encoder is not None
    decoder = TorchEngine(config.without_encoder(), threads=1, dtype="float64")
    engine = EncoderDecoder(config, decoder, TorchEngine(config.encoder, threads=1, dtype="float64"))
    case = make_case(config, T, B)
    return engine.loss_and_gradients(
        parameters_of(config), paired_window(config), case.state.astype(np.float64), reset_id=EOS_ID
    )[1]


@every_pair
@every_engine
def test_gradients_are_those_of_the_twin_in_float64(config: NetworkConfig, engine_name: str) -> None:
    engine = engine_or_skip(engine_name, config)
    state = make_case(config, T, B).state
    _, gradients, _ = engine.loss_and_gradients(
        parameters_of(config), paired_window(config), state, reset_id=EOS_ID
    )
    assert list(gradients) == list(parameter_shapes(config))
    for name, wanted in exact_gradients(config).items():
        np.testing.assert_allclose(gradients[name], wanted, rtol=2e-4, atol=2e-5, err_msg=name)


@every_pair
def test_gradients_are_the_slopes_of_the_loss(config: NetworkConfig) -> None:
    window, state = paired_window(config), make_case(config, T, B).state.astype(np.float64)
    parameters = in_float64(parameters_of(config))
    random, step = np.random.default_rng(3), 1e-6
    for name, gradient in exact_gradients(config).items():
        direction = random.normal(size=gradient.shape)
        ends = [
            reference_losses(config, parameters | {name: parameters[name] + s * direction}, window, state)
            for s in (step, -step)
        ]
        slope = (ends[0].sum() - ends[1].sum()) / (2 * step) / np.count_nonzero(window.targets)
        np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-5, atol=1e-8, err_msg=name)


@every_engine
def test_a_window_in_which_no_record_starts_teaches_the_encoder_nothing(engine_name: str) -> None:
    config = PAIRED[0]
    engine, case = engine_or_skip(engine_name, config), make_case(config, T, B)
    ids = np.minimum(case.window.ids, EOS_ID - 1)
    sources = np.array([[SOURCE_EOS]], np.int32)
    told = replace(
        window_of(ids, case.window.targets),
        conditions=Conditions(np.zeros((T, B), np.int32), sources=sources),
    )
    _, gradients, _ = engine.loss_and_gradients(parameters_of(config), told, case.state, reset_id=EOS_ID)
    assert all(not values.any() for name, values in gradients.items() if name.startswith(ENCODER))
    assert gradients["output.kernel"].any()


@every_engine
def test_a_start_without_a_source_is_refused(engine_name: str) -> None:
    config = PAIRED[0]
    engine, case, parameters = (
        engine_or_skip(engine_name, config),
        make_case(config, T, B),
        parameters_of(config),
    )
    empty = [np.empty(0, np.int32)]
    for attempt in (
        lambda: engine.loss_and_gradients(parameters, case.window, case.state, reset_id=EOS_ID),
        lambda: engine.token_losses(parameters, case.window, case.state, reset_id=EOS_ID),
        lambda: engine.logits(parameters, case.window.ids, case.state, reset_id=EOS_ID),
        lambda: engine.forward(parameters, lanes=B)(case.window.ids, case.state, reset_id=EOS_ID),
        lambda: generate(
            engine.writer(parameters), EngineRequest(empty, GenerationOptions(max_new_tokens=2))
        ),
        lambda: stream(
            engine.writer(parameters), EngineRequest([empty[0]], GenerationOptions(max_new_tokens=2))
        ),
        lambda: engine.initial_state(B, parameters),
    ):
        with pytest.raises(ConfigError, match=r"trained on pairs and needs a source"):
            attempt()


@every_engine
def test_what_follows_a_state_is_the_decoder_alone(engine_name: str) -> None:
    config = PAIRED[0]
    pair, plain = engine_or_skip(engine_name, config), engine_or_skip(engine_name, config.without_encoder())
    parameters, case = parameters_of(config), make_case(config, T, B)
    own = {name: values for name, values in parameters.items() if not name.startswith(ENCODER)}
    for mine, theirs in zip(
        pair.logits(parameters, case.window.ids, case.state), plain.logits(own, case.window.ids, case.state),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(mine, theirs)
    options, prompt = GenerationOptions(max_new_tokens=6, seed=1), np.array([EOS_ID], np.int32)
    one = case.state[:, :, :1]
    (text,) = generate(pair.writer(parameters), EngineRequest([prompt], options, states=one))
    (other,) = generate(plain.writer(own), EngineRequest([prompt], options, states=one))
    np.testing.assert_array_equal(text.ids, other.ids)
    pieces = list(stream(pair.writer(parameters), EngineRequest([prompt], options, states=one)))
    np.testing.assert_array_equal(np.concatenate([piece.ids for piece in pieces]), text.ids)


def test_a_network_without_an_encoder_has_no_place_for_sources() -> None:
    config = PAIRED[0].without_encoder()
    window, case = paired_window(PAIRED[0]), make_case(config, T, B)
    engine = engine_or_skip("cpu", config)
    with pytest.raises(ConfigError, match=r"conditions\.sources"):
        engine.token_losses(parameters_of(config), window, case.state, reset_id=EOS_ID)


def test_an_encoder_counts_as_the_network_without_its_output_layer() -> None:
    config = replace(PAIRED[0], source_vocab_size=PAIRED[0].vocab_size)
    H, V = config.hidden_size, config.symbols
    plain = count_parameters(config.without_encoder())
    assert count_parameters(config) == 2 * plain - (H + 1) * V


def test_a_first_state_is_said_once() -> None:
    with pytest.raises(ConfigError, match="start_size"):
        NetworkConfig(source_vocab_size=5, start_size=3)
