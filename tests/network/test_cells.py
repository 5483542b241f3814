"""The cells, gate by gate: every equation worked by hand on numbers, and what each gate is for."""

import numpy as np
import pytest

from tests.engines.variants import describe, every_network, make_case, networks, parameters_of
from tests.network.reference import reference_logits, reference_loss
from unspool._network.cells import CELLS, Array, LayerParameters, sigmoid
from unspool._network.config import NetworkConfig
from unspool._network.parameters import layer_parameters, output_kernel

WIDE_OPEN, SHUT = 40.0, -40.0


def step(
    cell: str, inputs: list[float], state: list[float], kernel: list[float], bias: float | None
) -> Array:
    """Do one step of a cell with one unit and one lane; give its new state as a flat array."""
    layer = LayerParameters(
        input_kernel=np.zeros((1, len(kernel))),
        recurrent_kernel=np.array([kernel]),
        bias=np.zeros(len(kernel)),
        recurrent_bias=None if bias is None else np.array([bias]),
    )
    return CELLS[cell].step(layer, np.array([inputs]), np.array(state)[:, None, None]).ravel()


def test_an_rnn_by_hand() -> None:
    assert step("rnn", [0.3], [0.5], [0.2], None) == pytest.approx([np.tanh(0.4)])


def test_an_lstm_by_hand() -> None:
    i, f, g, o = sigmoid(np.array(0.15)), sigmoid(np.array(0.3)), np.tanh(0.45), sigmoid(np.array(0.6))
    c = f * 2 + i * g
    got = step("lstm", [0.1, 0.2, 0.3, 0.4], [0.5, 2.0], [0.1, 0.2, 0.3, 0.4], None)
    assert got == pytest.approx([o * np.tanh(c), c])


@pytest.mark.parametrize("bias", [None, 0.7])
def test_a_gru_by_hand(bias: float | None) -> None:
    z, r = sigmoid(np.array(0.1 + 0.5 * 0.4)), sigmoid(np.array(0.2 + 0.5 * 0.5))
    recurrent = r * 0.5 * 0.6 if bias is None else r * (0.5 * 0.6 + bias)
    h = z * 0.5 + (1 - z) * np.tanh(0.3 + recurrent)
    assert step("gru", [0.1, 0.2, 0.3], [0.5], [0.4, 0.5, 0.6], bias) == pytest.approx([h])


def test_gates_open_and_shut_as_their_letters_say() -> None:
    kept = step("lstm", [SHUT, WIDE_OPEN, 1.0, WIDE_OPEN], [0.0, 0.8], [0, 0, 0, 0], None)
    assert kept == pytest.approx([np.tanh(0.8), 0.8])  # forget gate open, input gate shut: c stays
    written = step("lstm", [WIDE_OPEN, SHUT, 1.0, SHUT], [0.0, 0.8], [0, 0, 0, 0], None)
    assert written == pytest.approx([0, np.tanh(1.0)])  # c is new, and nothing of it is shown
    assert step("gru", [WIDE_OPEN, 0.0, 1.0], [0.6], [0, 0, 0], 0.0) == pytest.approx(
        [0.6]
    )  # z open: h stays
    assert step("gru", [SHUT, SHUT, 1.0], [0.6], [0, 0, 9], 0.0) == pytest.approx([np.tanh(1.0)])  # r shut


def test_reset_before_and_after_differ_where_units_mix() -> None:
    random = np.random.default_rng(0)
    kernel, inputs, state = (
        random.normal(size=(2, 6)),
        random.normal(size=(1, 6)),
        random.normal(size=(1, 1, 2)),
    )
    after = LayerParameters(np.zeros((1, 6)), kernel, np.zeros(6), recurrent_bias=np.zeros(2))
    before = LayerParameters(np.zeros((1, 6)), kernel, np.zeros(6))
    results = [CELLS["gru"].step(layer, inputs, state) for layer in (after, before)]
    assert np.abs(results[0] - results[1]).max() > 1e-3


def test_sigmoid_never_overflows() -> None:
    x = np.array([-1e30, -50, 0, 50, 1e30], dtype=np.float32)
    np.testing.assert_allclose(sigmoid(x), [0, 0, 0.5, 1, 1], atol=1e-7)
    assert sigmoid(x).dtype == np.float32


@every_network
def test_a_step_keeps_shape_and_type(config: NetworkConfig) -> None:
    cell, random = config.kind, np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        parameters = {name: values.astype(dtype) for name, values in parameters_of(config).items()}
        inputs = random.normal(size=(3, len(cell.gates) * config.hidden_size)).astype(dtype)
        state = np.zeros((cell.states, 3, config.hidden_size), dtype=dtype)
        after = cell.step(layer_parameters(parameters, 0), inputs, state)
        assert (after.shape, after.dtype) == (state.shape, state.dtype)
        assert not state.any()  # the state given is left as it was


@pytest.mark.parametrize("config", [c for c in networks() if c.num_layers == 1], ids=describe)
def test_the_reference_is_the_cells_step_by_step(config: NetworkConfig) -> None:
    """Work the first layer's projection with one-hot rows, as the lesson states it."""
    case, parameters = make_case(config, 5, 2), parameters_of(config)
    one_hot = np.eye(config.symbols, dtype=np.float32)[case.window.ids]  # (T, B, V)
    vectors = one_hot @ parameters["embedding"] if config.embedding_size else one_hot
    layer, state = layer_parameters(parameters, 0), case.state[0]
    logits, after = reference_logits(config, parameters, case.window.ids, case.state)
    for t in range(5):
        state = config.kind.step(layer, vectors[t] @ layer.input_kernel + layer.bias, state)
        wanted = state[0] @ output_kernel(parameters) + parameters["output.bias"]
        np.testing.assert_allclose(logits[t, :, 1:], wanted[:, 1:], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after[0], state, rtol=1e-4, atol=1e-5)


def test_the_loss_by_hand() -> None:
    logits = np.log(np.array([[[0, 1, 2, 5]], [[0, 3, 4, 1]], [[0, 1, 1, 1]]]) + 1e-300)
    logits[..., 0] = -np.inf
    losses = reference_loss(logits, np.array([[3], [1], [0]]))
    np.testing.assert_allclose(losses, [[np.log(8 / 5)], [np.log(8 / 3)], [0]])
