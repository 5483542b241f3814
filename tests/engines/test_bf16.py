"""A training step in bf16, by instruction or emulated: near the one in float32, the same for all threads."""

from typing import Any

import numpy as np
import pytest

from tests.engines.variants import describe, networks
from unspool._engines import make_engine
from unspool._engines.cpu import CpuEngine
from unspool._engines.protocol import Engine, Floats
from unspool._errors import ConfigError
from unspool._kernels.machine import kernel_names
from unspool._kernels.precision import round_to_bf16
from unspool._network.cells import native_cells
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window
from unspool._training.config import TrainingConfig
from unspool._training.optimizers import Optimizer

SIZES = [(1, 1), (33, 2), (100, 1)]


@pytest.fixture(autouse=True)
def _emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")


def window_of(config: NetworkConfig, *, steps: int, lanes: int) -> Window:
    random = np.random.default_rng(1)
    ids = random.integers(1, config.symbols, (steps, lanes)).astype(np.int32)
    return Window(ids=ids, targets=random.integers(0, config.symbols, (steps, lanes)).astype(np.int32))


def step(
    engine: Engine, parameters: dict[str, Any], window: Window, **more: Any
) -> tuple[float, dict[str, Floats], Floats]:
    lanes = window.ids.shape[1]
    loss, gradients, state = engine.loss_and_gradients(
        parameters, window, engine.initial_state(lanes), reset_id=engine.config.symbols - 1, **more
    )
    return loss.total, {name: value.copy() for name, value in gradients.items()}, state


def odd_networks() -> list[NetworkConfig]:
    able = native_cells()
    kinds = {(config.cell, config.reset_after) for config in networks() if config.cell in able}
    return [
        NetworkConfig(
            cell=cell, reset_after=after, hidden_size=size, num_layers=layers, vocab_size=27, **inputs
        )
        for cell, after in sorted(kinds)
        for size, layers in SIZES
        for inputs in ({}, {"embedding_size": 5})
    ]


@pytest.mark.parametrize("config", odd_networks(), ids=describe)
def test_a_step_is_near_that_in_float32(config: NetworkConfig) -> None:
    parameters, window = initialize(config, 0), window_of(config, steps=7, lanes=5)
    exact, expected, state = step(CpuEngine(config, threads=1), parameters, window)
    total, gradients, after = step(CpuEngine(config, threads=1, precision="bf16"), parameters, window)
    assert total == pytest.approx(exact, rel=2e-3)
    np.testing.assert_allclose(after, state, rtol=0, atol=2e-2)
    differ = 0
    for name, ours in gradients.items():
        theirs, size = expected[name], float(np.linalg.norm(expected[name]))
        assert np.linalg.norm(ours - theirs) <= 0.03 * size + 1e-4, name  # one weight's terms may cancel out
        assert size < 1e-2 or np.vdot(ours, theirs) >= 0.999 * np.linalg.norm(ours) * size, name
        differ += not np.array_equal(ours, theirs)
    assert differ > len(gradients) / 2


@pytest.mark.parametrize("config", odd_networks(), ids=describe)
def test_the_number_of_threads_changes_no_bit(config: NetworkConfig) -> None:
    parameters, window = initialize(config, 3), window_of(config, steps=7, lanes=5)
    masks = (np.random.default_rng(0).random((config.num_layers, 5, config.hidden_size)) < 0.5) * np.float32(
        2
    )
    results = []
    for threads in (1, 2, 3):
        engine = CpuEngine(config, threads=threads, precision="bf16")
        total, gradients, state = step(engine, parameters, window, masks=masks)
        results.append((total, state.tobytes(), [value.tobytes() for value in gradients.values()]))
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("cell", native_cells())
@pytest.mark.parametrize("hidden_size", [381, 384])
def test_threads_that_share_units_change_no_bit(cell: str, hidden_size: int) -> None:
    config = NetworkConfig(cell=cell, hidden_size=hidden_size, num_layers=2, embedding_size=9, vocab_size=30)
    parameters, window = initialize(config, 3), window_of(config, steps=5, lanes=1)
    results = []
    for threads in (1, 2, 5):
        engine = CpuEngine(config, threads=threads, precision="bf16")
        total, gradients, state = step(engine, parameters, window)
        results.append((total, state.tobytes(), [value.tobytes() for value in gradients.values()]))
    assert all(result == results[0] for result in results)


def test_logits_and_losses_stay_float32_beside_steps_in_bf16() -> None:
    config = NetworkConfig(hidden_size=33, num_layers=2, vocab_size=27)
    parameters, window = initialize(config, 0), window_of(config, steps=9, lanes=4)
    plain, engine = CpuEngine(config, threads=2), CpuEngine(config, threads=2, precision="bf16")
    state = engine.initial_state(4)
    for _ in range(2):  # before a step and after
        found, _ = engine.token_losses(parameters, window, state, reset_id=None)
        expected, _ = plain.token_losses(parameters, window, state, reset_id=None)
        assert np.array_equal(found, expected)
        logits, _ = engine.logits(parameters, window.ids, state)
        assert np.array_equal(logits, plain.logits(parameters, window.ids, state)[0])
        step(engine, parameters, window)


def test_the_output_layer_by_hand() -> None:
    config = NetworkConfig(cell="rnn", hidden_size=3, vocab_size=4)
    parameters = initialize(config, 5)
    window = Window(ids=np.array([[2]], np.int32), targets=np.array([[3]], np.int32))
    total, gradients, state = step(CpuEngine(config, threads=1, precision="bf16"), parameters, window)
    hidden = round_to_bf16(np.ascontiguousarray(state[0, 0]))  # (1, H)
    logits = (
        hidden.astype(np.float64) @ round_to_bf16(parameters["output.kernel"]) + parameters["output.bias"]
    )
    probabilities = np.exp(logits[0, 1:]) / np.exp(logits[0, 1:]).sum()
    assert total == pytest.approx(-np.log(probabilities[2]), rel=1e-6)
    wrong = np.array([0, *probabilities], np.float32) - np.array([0, 0, 0, 1], np.float32)
    np.testing.assert_allclose(gradients["output.bias"], wrong, rtol=1e-5, atol=1e-7)  # a sum in float32
    expected = hidden.T @ round_to_bf16(wrong)[None]
    np.testing.assert_allclose(gradients["output.kernel"], expected, rtol=1e-5 + 2**-7, atol=1e-7)


def test_a_small_text_is_learnt_alike() -> None:
    config = NetworkConfig(hidden_size=33, vocab_size=27)
    text = np.tile(np.random.default_rng(0).integers(1, 27, 40, dtype=np.int32), 20)
    window = Window(ids=text[:-1].reshape(17, -1).copy(), targets=text[1:].reshape(17, -1).copy())
    ends = {}
    for precision in ("float32", "bf16"):
        parameters, engine = initialize(config, 0), CpuEngine(config, threads=1, precision=precision)
        optimizer = Optimizer("adamw", parameters, TrainingConfig())
        losses = []
        for _ in range(60):
            total, gradients, _ = step(engine, parameters, window)
            optimizer.update(parameters, gradients, 1e-2)
            losses.append(total / window.ids.size)
        ends[precision] = losses
    assert ends["float32"][-1] < 0.5 * ends["float32"][0]
    np.testing.assert_allclose(ends["bf16"], ends["float32"], rtol=0.05, atol=0.02)
    assert ends["bf16"] != ends["float32"]


def test_engines_say_what_they_use(monkeypatch: pytest.MonkeyPatch) -> None:
    config = NetworkConfig(hidden_size=4, vocab_size=6)
    assert make_engine("cpu", config, precision="bf16").precision.startswith("bf16")
    assert make_engine("cpu", config).precision == "float32"
    monkeypatch.delenv("UNSPOOL_EMULATE_BF16")
    monkeypatch.setenv("UNSPOOL_KERNELS", kernel_names()[-1])
    for asked in ("bf16", "auto"):
        engine = make_engine("cpu", config, precision=asked)
        assert engine.precision == "float32"
    with pytest.raises(ConfigError, match="precision"):
        make_engine("cpu", config, precision="half")


def test_torch_refuses_bf16() -> None:
    pytest.importorskip("torch")
    config = NetworkConfig(hidden_size=4, vocab_size=6)
    with pytest.raises(ConfigError, match="engine torch computes in float32"):
        make_engine("torch", config, precision="bf16")
    assert make_engine("torch", config, precision="auto").precision == "float32"
