"""The training peer in JAX: `lax.scan` over time, one compiled step with clipping and Adam.

Import this module only if jax is installed.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle

import jax
import jax.numpy as jnp
import numpy as np

from unspool._network.config import NetworkConfig
from unspool._text.streams.lanes import Window

NO_CHANCE = -1e4  # a bias that keeps a token out of the softmax
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

Weights = dict[str, jax.Array]


def rnn(state: jax.Array, inputs: jax.Array, kernel: jax.Array, bias: None) -> tuple[jax.Array, jax.Array]:
    """Compute one step of a simple recurrent network on inputs (B, H)."""
    hidden = jnp.tanh(inputs + state[0] @ kernel)
    return hidden[None], hidden


def lstm(state: jax.Array, inputs: jax.Array, kernel: jax.Array, bias: None) -> tuple[jax.Array, jax.Array]:
    """Compute one step of an LSTM on inputs (B, 4H)."""
    i, f, g, o = jnp.split(inputs + state[0] @ kernel, 4, axis=-1)
    cell = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
    return jnp.stack([hidden, cell]), hidden


def gru(
    state: jax.Array, inputs: jax.Array, kernel: jax.Array, bias: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Compute one step of a GRU, with its reset gate after the product, on inputs (B, 3H)."""
    x_z, x_r, x_n = jnp.split(inputs, 3, axis=-1)
    u_z, u_r, u_n = jnp.split(state[0] @ kernel, 3, axis=-1)
    z = jax.nn.sigmoid(x_z + u_z)
    n = jnp.tanh(x_n + jax.nn.sigmoid(x_r + u_r) * (u_n + bias))
    hidden = n + z * (state[0] - n)
    return hidden[None], hidden


STEPS = {"rnn": rnn, "lstm": lstm, "gru": gru}


def mean_loss(
    weights: Weights, ids: jax.Array, targets: jax.Array, state: jax.Array, *, cell: str, layers: int
) -> tuple[jax.Array, jax.Array]:
    """Return the nats per target of a window (T, B), and the state (L, S, B, H) after it."""
    inputs, after = None, []
    for layer in range(layers):
        kernel, recurrent, bias = (
            weights[f"layers.{layer}.{name}"] for name in ("input_kernel", "recurrent_kernel", "bias")
        )
        projected = (kernel[ids] if inputs is None else inputs @ kernel) + bias  # (T, B, G)
        take = partial(STEPS[cell], kernel=recurrent, bias=weights.get(f"layers.{layer}.recurrent_bias"))
        last, inputs = jax.lax.scan(take, state[layer], projected)
        after.append(last)
    logits = inputs @ weights["output.kernel"] + weights["output.bias"]  # (T, B, V)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], axis=-1)
    return -chosen.mean(), jnp.stack(after)


def training_step(
    config: NetworkConfig,
    start: Mapping[str, np.ndarray],
    windows: Sequence[Window],
    *,
    learning_rate: float,
) -> Callable[[], float]:
    """Prepare JAX's training of a network; see `unspool._benchmarking.torch_peer.training_step`."""
    weights = {name: jnp.asarray(array) for name, array in start.items()}
    weights["output.bias"] = weights["output.bias"].at[0].set(NO_CHANCE)
    loss_of = jax.value_and_grad(partial(mean_loss, cell=config.cell, layers=config.num_layers), has_aux=True)

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def update(
        weights: Weights, moments: tuple, state: jax.Array, ids: jax.Array, targets: jax.Array
    ) -> tuple:
        (loss, state), gradients = loss_of(weights, ids, targets, state)
        norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(gradients)))
        gradients = jax.tree.map(lambda g: g * jnp.minimum(1.0, 1.0 / norm), gradients)
        count, mean, square = moments
        count = count + 1
        mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, gradients)
        square = jax.tree.map(lambda s, g: BETA2 * s + (1 - BETA2) * g * g, square, gradients)
        rate = learning_rate / (1 - BETA1**count)
        root = lambda s: jnp.sqrt(s / (1 - BETA2**count)) + EPSILON  # noqa: E731
        weights = jax.tree.map(lambda w, m, s: w - rate * m / root(s), weights, mean, square)
        return loss, weights, (count, mean, square), state

    zeros = lambda: jax.tree.map(jnp.zeros_like, weights)  # noqa: E731
    L, S, H = config.state_shape
    values = [weights, (jnp.float32(0), zeros(), zeros()), jnp.zeros((L, S, windows[0].ids.shape[1], H))]
    turns = cycle([(jnp.asarray(window.ids), jnp.asarray(window.targets)) for window in windows])

    def step() -> float:
        loss, *values[:] = update(*values, *next(turns))
        return float(loss)

    return step
