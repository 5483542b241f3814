"""What the units of a network hold after each symbol of a text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import Engine, Parameters


def hidden_states(
    engine: Engine, parameters: Parameters, ids: NDArray[np.integer[Any]]
) -> NDArray[np.float32]:
    """Read a text symbol by symbol, and keep what every layer puts out.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        ids: The symbols of the text, without the `<eos>` that starts it.  # (N,)

    Returns:
        Row k holds the hidden states after symbol k, the first layer first; an LSTM's cell is not among
        them. For a tanh or an LSTM each value is in (-1, 1).  # (N, L, H)
    """
    L, _, H = engine.config.state_shape
    out = np.empty((len(ids), L, H), np.float32)
    forward = engine.forward(parameters, lanes=1)
    eos = np.full((1, 1), engine.config.symbols - 1, np.int32)
    _, state = forward(eos, engine.initial_state(1, parameters))  # (L, S, 1, H)
    for k, symbol in enumerate(np.asarray(ids, np.int32).reshape(-1, 1, 1)):
        _, state = forward(symbol, state)
        out[k] = state[:, 0, 0]
    return out
