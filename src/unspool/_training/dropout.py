"""Dropout of outputs, input tokens and weights that depends only on the seed and the step.

All masks are the same for a whole window. Weights are dropped before an engine sees them, so every engine
drops the same ones, and an engine without dropout pays nothing.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import Engine, Floats, Gradients, Loss, Parameters, StateArray
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel, parameter_shapes
from unspool._text.streams.lanes import Window

Mask = NDArray[np.float32]
OUTPUTS, RECURRENT, INPUTS = range(3)  # kinds of masks: each has its own part of the random stream


def dropout_masks(network: NetworkConfig, batch_size: int, *, seed: int, step: int) -> Mask | None:
    """Draw the masks of the layers' outputs for one window, the same for all its steps.

    One mask along time is the variational dropout of Gal and Ghahramani, "A Theoretically Grounded
    Application of Dropout in Recurrent Neural Networks" (2016), on the layers' outputs only.

    Args:
        network: The network; its `dropout` is the chance p that a unit is dropped.
        batch_size: Number of lanes, B.
        seed: Seed of the run, in [0, 2**63).
        step: Number of the step, from 1.

    Returns:
        Masks of 0 or 1/(1-p), or None where p is 0.  # (L, B, H)
    """
    if not network.dropout:
        return None
    shape = (network.num_layers, batch_size, network.hidden_size)
    return _mask(_random(OUTPUTS, seed, step), shape, network.dropout)


def weight_masks(network: NetworkConfig, *, seed: int, step: int) -> dict[str, Mask]:
    """Draw the masks of the weights for one window; all lanes share them.

    Single weights of the recurrent kernels are dropped, as in the weight-dropped LSTM of Merity et al.,
    "Regularizing and Optimizing LSTM Language Models" (2018). Of the input table whole rows are dropped, one
    row for each token, as there and in Gal and Ghahramani (2016): a dropped token is read as zeros wherever
    it stands. An output that is tied to the table keeps all rows.

    Args:
        network: The network; its `recurrent_dropout` and `input_dropout` are the chances p.
        seed: Seed of the run, in [0, 2**63).
        step: Number of the step, from 1.

    Returns:
        Masks of 0 or 1/(1-p) by the parameter's name: (H, G·H) for a recurrent kernel and (V, 1) for the
        table.
    """
    if not (network.recurrent_dropout or network.input_dropout):
        return {}
    masks, shapes = {}, parameter_shapes(network)
    if network.recurrent_dropout:
        random = _random(RECURRENT, seed, step)
        for layer in range(network.num_layers):
            name = f"layers.{layer}.recurrent_kernel"
            masks[name] = _mask(random, shapes[name], network.recurrent_dropout)
    if network.input_dropout:
        random = _random(INPUTS, seed, step)
        masks[next(iter(shapes))] = _mask(random, (network.symbols, 1), network.input_dropout)
    return masks


def loss_and_gradients(
    engine: Engine,
    parameters: Parameters,
    window: Window,
    state: StateArray,
    *,
    reset_id: int | None,
    seed: int,
    step: int,
    lanes: int | None = None,
    own: slice = slice(None),
) -> tuple[Loss, Gradients, StateArray]:
    """Run a window forward and backward with the network's dropout.

    Args:
        engine: The engine.
        parameters: All parameters of the network, before dropout.
        window: The window; its ids and targets are (T, B) each.
        state: The state before the window.  # (L, S, B, H)
        reset_id: The token that resets the state, as in `unspool._engines.protocol.Engine`.
        seed: Seed of the run, in [0, 2**63).
        step: Number of the step, from 1.
        lanes: Number of lanes of the run; None for those of the window.
        own: The lanes of the run that the window has, where other processes have the others.

    Returns:
        The loss, the gradients of the parameters before dropout, and the state after the window.
    """
    network = engine.config
    outputs = dropout_masks(network, lanes or window.ids.shape[1], seed=seed, step=step)
    outputs = None if outputs is None else np.ascontiguousarray(outputs[:, own])
    weights = weight_masks(network, seed=seed, step=step)
    thinned = drop_weights(network, parameters, weights)
    loss, gradients, after = engine.loss_and_gradients(
        thinned, window, state, reset_id=reset_id, masks=outputs
    )
    for name, mask in weights.items():
        gradients[name] *= mask
    if "output.kernel" in thinned and network.tied_output:
        gradients["embedding"] += gradients.pop("output.kernel").T
    return loss, gradients, after


def drop_weights(network: NetworkConfig, parameters: Parameters, masks: Mapping[str, Mask]) -> Parameters:
    """Apply the masks to the parameters; a tied output gets its own kernel, with the whole table.

    Args:
        network: The network.
        parameters: All parameters of the network; they are not changed.
        masks: The masks by the parameter's name, from `weight_masks`.
    """
    if not masks:
        return parameters
    thinned: dict[str, Floats] = {**parameters, **{name: parameters[name] * masks[name] for name in masks}}
    if network.tied_output and "embedding" in masks:
        thinned["output.kernel"] = np.ascontiguousarray(output_kernel(parameters))
    return thinned


def _random(kind: int, seed: int, step: int) -> "np.random.Generator":
    counter = np.array([0, kind, 0, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=np.array([seed, step], dtype=np.uint64), counter=counter))


def _mask(random: "np.random.Generator", shape: tuple[int, ...], chance: float) -> Mask:
    remains = random.random(shape, dtype=np.float32) >= chance
    return remains.astype(np.float32) / np.float32(1 - chance)
