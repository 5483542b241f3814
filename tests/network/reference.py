"""The whole network in plain NumPy, forward only: slow, short, and what every engine is tested against."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._network.cells import Array
from unspool._network.conditions import context_gates, records_of, start_states
from unspool._network.config import NetworkConfig
from unspool._network.parameters import layer_parameters, output_kernel
from unspool._text.streams.lanes import Conditions


def reference_logits(
    config: NetworkConfig,
    parameters: Mapping[str, Array],
    ids: NDArray[np.integer[Any]],
    state: Array,
    *,
    reset_id: int | None = None,
    masks: Array | None = None,
    conditions: Conditions | None = None,
) -> tuple[Array, Array]:
    """Run ids through the network, in whatever precision the parameters have.

    Args:
        config: The network.
        parameters: Its parameters, all of one floating type.
        ids: (T, B).
        state: (L, S, B, H) before the first step; it is not changed.
        reset_id: Where an input has this id, the lane's state is that of a record's start before that step:
            zeros, unless a start is given.
        masks: (L, B, H), multiplied onto each layer's output, before a residual sum; None for no dropout.
        conditions: What steers the records, or None.

    Returns:
        Logits (T, B, V) with the <pad> column -inf, and the state after the last step.
    """
    state = state.copy()
    logits = np.empty((*ids.shape, config.symbols), dtype=state.dtype)
    said = context_gates(parameters, conditions)  # (R, G)
    starts = start_states(config, parameters, conditions)  # (R, L, S, H)
    records = records_of(conditions, ids.shape)  # (T, B)
    for t, now in enumerate(ids):
        if reset_id is not None:
            first = now == reset_id
            state[:, :, first] = 0 if starts is None else starts[records[t, first]].transpose(1, 2, 0, 3)
        table = parameters.get("embedding")
        x: Any = now if table is None else table[now]  # ids (B,), or vectors (B, E)
        for layer in range(config.num_layers):
            own = layer_parameters(parameters, layer)
            projected = (own.input_kernel[x] if x.ndim == 1 else x @ own.input_kernel) + own.bias  # (B, G)
            projected = projected + said[records[t]] if said is not None and layer == 0 else projected
            state[layer] = config.kind.step(own, projected, state[layer])
            h = state[layer, 0] if masks is None else state[layer, 0] * masks[layer]  # (B, H)
            x = h + x if config.residual and layer > 0 else h  # (B, H)
        logits[t] = x @ output_kernel(parameters) + parameters["output.bias"]  # (B, V)
    logits[..., 0] = -np.inf
    return logits, state


def reference_loss(logits: Array, targets: NDArray[np.integer[Any]]) -> Array:
    """Work the cross-entropy from logits.

    Args:
        logits: (T, B, V), the <pad> column -inf.
        targets: (T, B); 0 is not counted.

    Returns:
        Nats of each target (T, B), 0 where the target is 0.
    """
    highest = logits.max(axis=-1, keepdims=True)
    normaliser = np.log(np.exp(logits - highest).sum(axis=-1)) + highest[..., 0]  # (T, B)
    chosen = np.take_along_axis(logits, targets[..., None].astype(np.int64), axis=-1)[..., 0]
    losses: Array = np.where(targets == 0, 0, normaliser - np.where(targets == 0, 0, chosen))
    return losses.astype(logits.dtype)
