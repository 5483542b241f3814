"""Parity with Keras itself, where it is installed: the weights go over unchanged, gate by gate."""

import numpy as np
import pytest

from tests.engines.variants import VOCAB_SIZE, make_case, parameters_of
from tests.network.reference import reference_logits
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig

KERAS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}  # "" for a cell that Keras has not


def test_every_cell_has_its_layer_or_is_known_to_have_none() -> None:
    assert KERAS.keys() == CELLS.keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "reset_after"),
    [(c, after) for c in KERAS if KERAS[c] for after in {True, not CELLS[c].reset_gate}],
)
def test_the_networks_are_those_of_keras(cell: str, reset_after: bool) -> None:
    keras = pytest.importorskip("keras")
    config = NetworkConfig(cell=cell, reset_after=reset_after, hidden_size=7, vocab_size=VOCAB_SIZE)
    parameters, case = parameters_of(config), make_case(config, 9, 3)
    options = {"reset_after": reset_after} if config.kind.reset_gate else {}
    layer = getattr(keras.layers, KERAS[cell])(7, return_sequences=True, **options)
    one_hot = np.eye(VOCAB_SIZE, dtype=np.float32)[case.window.ids.T]  # (B, T, V)
    layer.build(one_hot.shape)
    bias = parameters["layers.0.bias"]
    if "layers.0.recurrent_bias" in parameters:
        recurrent_bias = np.zeros_like(bias)
        recurrent_bias[-7:] = parameters["layers.0.recurrent_bias"]
        bias = np.stack([bias, recurrent_bias])
    layer.set_weights([parameters["layers.0.input_kernel"], parameters["layers.0.recurrent_kernel"], bias])
    states = [keras.ops.convert_to_tensor(part) for part in case.state[0]]
    hidden = np.asarray(keras.ops.convert_to_numpy(layer(one_hot, initial_state=states)))  # (B, T, H)
    logits, _ = reference_logits(config, parameters, case.window.ids, case.state)
    wanted = hidden.transpose(1, 0, 2) @ parameters["output.kernel"] + parameters["output.bias"]
    np.testing.assert_allclose(logits[..., 1:], wanted[..., 1:], rtol=1e-4, atol=1e-5)
