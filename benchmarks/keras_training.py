"""The training peer in Keras 3 on TensorFlow: its own layers, one traced step with clipping and Adam.

Import this module only if tensorflow is installed.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from unspool._network.config import NetworkConfig
from unspool._text.streams.lanes import Window

NO_CHANCE = -1e4  # a bias that keeps a token out of the softmax
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def layer_weights(start: Mapping[str, np.ndarray], layer: int) -> list[np.ndarray]:
    """Return one layer's arrays in Keras's order; a GRU has both biases in one array."""
    prefix = f"layers.{layer}."
    bias = start[prefix + "bias"]
    if prefix + "recurrent_bias" in start:
        recurrent = np.zeros_like(bias)
        recurrent[-len(start[prefix + "recurrent_bias"]) :] = start[prefix + "recurrent_bias"]
        bias = np.stack([bias, recurrent])
    return [start[prefix + "input_kernel"], start[prefix + "recurrent_kernel"], bias]


def training_step(
    config: NetworkConfig,
    start: Mapping[str, np.ndarray],
    windows: Sequence[Window],
    *,
    learning_rate: float,
) -> Callable[[], float]:
    """Prepare Keras's training of a network; see `unspool._benchmarking.torch_peer.training_step`."""
    batch_size, V, H = windows[0].ids.shape[1], config.symbols, config.hidden_size
    layers = [
        LAYERS[config.cell](H, return_sequences=True, return_state=True) for _ in range(config.num_layers)
    ]
    output = keras.layers.Dense(V)
    for number, layer in enumerate(layers):
        layer.build((batch_size, None, H if number else V))
        layer.set_weights(layer_weights(start, number))
    output.build((batch_size, None, H))
    bias = start["output.bias"].copy()
    bias[0] = NO_CHANCE
    output.set_weights([start["output.kernel"], bias])
    variables = [variable for part in (*layers, output) for variable in part.trainable_variables]
    optimizer = keras.optimizers.Adam(learning_rate, global_clipnorm=1.0)
    optimizer.build(variables)

    @tf.function
    def update(ids: tf.Tensor, targets: tf.Tensor, states: list) -> tuple:
        with tf.GradientTape() as tape:
            hidden, after = tf.one_hot(ids, V), []  # (B, T, V)
            for layer, state in zip(layers, states, strict=True):
                hidden, *last = layer(hidden, initial_state=state)
                after.append(last)
            losses = keras.losses.sparse_categorical_crossentropy(targets, output(hidden), from_logits=True)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss, after

    zeros = [tf.zeros((batch_size, H)) for _ in range(config.kind.states)]
    states = [list(zeros) for _ in layers]
    turns = cycle([(tf.constant(window.ids.T), tf.constant(window.targets.T)) for window in windows])

    def step() -> float:
        nonlocal states
        loss, states = update(*next(turns), states)
        return float(loss)

    return step
