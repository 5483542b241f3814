"""Writing and scoring in bf16 and int8: near float32, and the same for any threads and any company."""

import numpy as np
import pytest

from tests.engines.test_bf16 import odd_networks, window_of
from tests.engines.variants import describe, networks
from unspool._engines import make_engine
from unspool._engines.cpu import CpuEngine
from unspool._engines.protocol import Floats
from unspool._errors import ConfigError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._kernels.precision import round_to_bf16, used_inference
from unspool._network.cells import native_cells
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._network.quantization import quantize
from unspool._text.streams.lanes import Window

SMALLER = ["bf16", "int8"]
FARTHEST = {"bf16": 0.02, "int8": 0.06}  # of the largest logit


def native_networks() -> list[NetworkConfig]:
    return [config for config in networks() if config.cell in native_cells()]


def logits_of(config: NetworkConfig, inference: str, *, threads: int = 1, lanes: int = 5) -> Floats:
    ids = window_of(config, steps=7, lanes=5).ids[:, :lanes]
    engine = CpuEngine(config, threads=threads, inference=inference)
    return engine.logits(initialize(config, 0), ids, engine.initial_state(lanes))[0][..., 1:]


@pytest.mark.parametrize("inference", SMALLER)
@pytest.mark.parametrize("config", [*native_networks(), *odd_networks()], ids=describe)
def test_logits_are_near_those_in_float32(config: NetworkConfig, inference: str) -> None:
    exact, found = logits_of(config, "float32"), logits_of(config, inference)
    far = np.abs(found - exact).max() / np.abs(exact).max()
    assert 0 < far < FARTHEST[inference]


@pytest.mark.parametrize("inference", SMALLER)
@pytest.mark.parametrize("config", [*native_networks(), *odd_networks()], ids=describe)
def test_neither_threads_nor_other_lanes_change_a_bit(config: NetworkConfig, inference: str) -> None:
    alone = logits_of(config, inference)
    for threads in (2, 3):
        assert np.array_equal(logits_of(config, inference, threads=threads), alone)
    for lanes in (1, 2, 3):
        assert np.array_equal(logits_of(config, inference, lanes=lanes), alone[:, :lanes])


def rounded_product(inference: str, a: Floats, b: Floats) -> Floats:
    """Multiply in float64 what a precision makes of both sides; the twin of the kernels."""
    if inference == "bf16":
        left, right = round_to_bf16(np.float32(a)), round_to_bf16(np.float32(b))
        return left.astype(np.float64) @ right
    scales = np.abs(a).max(axis=1, keepdims=True) / 127
    scales[scales == 0] = 1
    return np.rint(a / scales) * scales @ quantize(b).array().astype(np.float64)


@pytest.mark.parametrize("inference", SMALLER)
def test_an_lstm_by_hand(inference: str) -> None:
    config = NetworkConfig(hidden_size=24, vocab_size=13, num_layers=2, residual=True, embedding_size=6)
    parameters, ids = initialize(config, 4), np.array([[3, 1], [5, 12], [2, 7]], np.int32)
    states = [[np.zeros((2, 24)), np.zeros((2, 24))] for _ in range(2)]
    rows = []
    for step in ids:
        below = parameters["embedding"][step].astype(np.float64)
        for number, state in enumerate(states):
            kernel, recurrent, bias = (
                parameters[f"layers.{number}.{name}"] for name in ("input_kernel", "recurrent_kernel", "bias")
            )
            gates = bias + rounded_product(inference, state[0], recurrent)
            gates = gates + rounded_product(inference, below, kernel)
            i, f, u, o = np.split(gates, 4, axis=1)
            sigmoid = [1 / (1 + np.exp(-gate)) for gate in (i, f, o)]
            state[1] = sigmoid[1] * state[1] + sigmoid[0] * np.tanh(u)
            state[0] = sigmoid[2] * np.tanh(state[1])
            below = state[0] + below if number else state[0]
        logits = rounded_product(inference, below, parameters["output.kernel"])
        rows.append(logits + parameters["output.bias"])
    engine = CpuEngine(config, threads=1, inference=inference)
    found, _ = engine.logits(parameters, ids, engine.initial_state(2))
    # the last bit of a float32 may change how a number is rounded
    np.testing.assert_allclose(found[..., 1:], np.stack(rows)[..., 1:], rtol=0, atol=2e-3)
    plain = CpuEngine(config, threads=1).logits(parameters, ids, engine.initial_state(2))[0]
    ours, theirs = (np.abs(other - np.stack(rows))[..., 1:].mean() for other in (found, plain))
    assert ours < theirs / 3


@pytest.mark.parametrize("inference", SMALLER)
def test_losses_are_those_of_the_logits(inference: str) -> None:
    config = NetworkConfig(hidden_size=33, num_layers=2, vocab_size=27)
    parameters, window = initialize(config, 0), window_of(config, steps=9, lanes=4)
    engine = CpuEngine(config, threads=2, inference=inference)
    losses, after = engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)
    logits, end = engine.logits(parameters, window.ids, engine.initial_state(4))
    logits = logits.astype(np.float64)[..., 1:]
    every = np.log(np.exp(logits).sum(axis=-1, keepdims=True)) - logits
    picked = np.take_along_axis(every, np.maximum(window.targets - 1, 0)[..., None], axis=-1)[..., 0]
    np.testing.assert_allclose(losses, np.where(window.targets == 0, 0, picked), rtol=0, atol=1e-5)
    assert np.array_equal(after, end)


@pytest.mark.parametrize("inference", SMALLER)
def test_a_step_of_training_is_what_it_is_without(inference: str) -> None:
    config = NetworkConfig(hidden_size=33, num_layers=2, vocab_size=27)
    parameters, window = initialize(config, 0), window_of(config, steps=9, lanes=4)
    plain, engine = CpuEngine(config, threads=2), CpuEngine(config, threads=2, inference=inference)
    for _ in range(2):
        results = []
        for one in (plain, engine):
            state = one.initial_state(4)
            loss, gradients, _ = one.loss_and_gradients(parameters, window, state, reset_id=None)
            results.append((loss, {name: value.tobytes() for name, value in gradients.items()}))
        assert results[0] == results[1]
        engine.token_losses(parameters, window, engine.initial_state(4), reset_id=None)


def with_preferences(config: NetworkConfig) -> dict[str, Floats]:
    return {name: 3 * value for name, value in initialize(config, 0).items()}


def written(
    config: NetworkConfig, inference: str, seeds: list[int], *, threads: int
) -> list[tuple[list[int], list[float]]]:
    """Write the texts of some seeds side by side: their tokens, with the log-probability of each."""
    writer = CpuEngine(config, threads=threads, inference=inference).writer(with_preferences(config))
    options = GenerationOptions(max_new_tokens=40, seed=5)
    every = EngineRequest([np.zeros(0, np.int32)] * 9, options)
    ids = [writer.add(every.part(seed, seed + 1), whole=True)[0] for seed in seeds]
    found = {}
    while len(writer):
        news = writer.advance(64, whole=True)
        for i, sequence in enumerate(news.ids.tolist()):
            part = slice(*news.drawn.offsets[i : i + 2])
            found[sequence] = (news.drawn.tokens[part].tolist(), news.drawn.logprobs[part].tolist())
    return [found[i] for i in ids]


@pytest.mark.parametrize("inference", SMALLER)
@pytest.mark.parametrize("cell", native_cells())
@pytest.mark.parametrize("hidden_size", [20, 384])
def test_a_text_depends_on_its_seed_alone(cell: str, hidden_size: int, inference: str) -> None:
    config = NetworkConfig(cell=cell, hidden_size=hidden_size, num_layers=2, vocab_size=30)
    together = written(config, inference, list(range(9)), threads=2)
    for seed in (0, 4, 8):
        for threads in (1, 2, 3):
            assert written(config, inference, [seed], threads=threads) == [together[seed]]


@pytest.mark.parametrize("inference", SMALLER)
@pytest.mark.parametrize("cell", native_cells())
def test_what_is_written_is_as_probable_as_it_is_scored(cell: str, inference: str) -> None:
    config = NetworkConfig(cell=cell, hidden_size=100, num_layers=2, vocab_size=30)
    engines = {name: CpuEngine(config, threads=1, inference=name) for name in ("float32", inference)}
    far = dict.fromkeys(engines, 0.0)
    for tokens, logprobs in written(config, inference, list(range(9)), threads=2):
        ids = np.array([config.symbols - 1, *tokens], np.int32)[:, None]
        window = Window(np.ascontiguousarray(ids[:-1]), np.ascontiguousarray(ids[1:]))
        for name, engine in engines.items():
            state = engine.initial_state(1)
            losses, _ = engine.token_losses(with_preferences(config), window, state, reset_id=None)
            far[name] += float(np.abs(losses[:, 0] + logprobs).mean())
    assert far[inference] < 0.1 * far["float32"]


@pytest.mark.parametrize("inference", SMALLER)
def test_a_network_that_overflows_says_so(inference: str) -> None:
    config = NetworkConfig(cell="rnn", hidden_size=8, vocab_size=9)
    parameters = initialize(config, 0)
    parameters["output.kernel"] = np.full_like(parameters["output.kernel"], np.inf)
    engine = CpuEngine(config, threads=1, inference=inference)
    request = EngineRequest([np.zeros(0, np.int32)], GenerationOptions(max_new_tokens=4))
    with pytest.raises(Exception, match=r"finite|overflow|too large"):
        list(generate(engine.writer(parameters), request))


def test_what_is_used_where_something_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    config = NetworkConfig(hidden_size=4, vocab_size=6)
    assert CpuEngine(config).inference == "float32"
    for there, auto in ((True, "bf16"), (False, "float32")):
        monkeypatch.setattr("unspool._kernels.precision.has_bf16", lambda there=there: there)
        assert [used_inference(asked) for asked in ("float32", "bf16", "int8", "auto")] == [
            "float32", "bf16", "int8", auto,
        ]  # fmt: skip
    with pytest.raises(ConfigError, match="inference must be one of float32, bf16, int8, auto"):
        CpuEngine(config, inference="half")


def test_torch_refuses_them() -> None:
    pytest.importorskip("torch")
    config = NetworkConfig(hidden_size=4, vocab_size=6)
    for inference in SMALLER:
        with pytest.raises(ConfigError, match="engine torch computes in float32"):
            make_engine("torch", config, inference=inference)
    assert make_engine("torch", config, inference="auto").inference == "float32"
