"""The hidden states of a network after each token of a text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import Engine, Parameters


def hidden_states(
    engine: Engine, parameters: Parameters, ids: NDArray[np.integer[Any]]
) -> NDArray[np.float32]:
    """Return the output of every layer after each token of a text.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        ids: The tokens of the text, without the `<eos>` that starts it.  # (N,)

    Returns:
        Row k holds the hidden states after token k, the first layer first; an LSTM's cell state is not
        included. For a tanh cell or an LSTM each value is in (-1, 1).  # (N, L, H)
    """
    L, _, H = engine.config.state_shape
    out = np.empty((len(ids), L, H), np.float32)
    forward = engine.forward(parameters, lanes=1)
    eos = np.full((1, 1), engine.config.symbols - 1, np.int32)
    _, state = forward(eos, engine.initial_state(1, parameters))  # (L, S, 1, H)
    for k, token in enumerate(np.asarray(ids, np.int32).reshape(-1, 1, 1)):
        _, state = forward(token, state)
        out[k] = state[:, 0, 0]
    return out
