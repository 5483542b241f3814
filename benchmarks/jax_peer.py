"""The peer in JAX: an LSTM that writes in one compiled loop, the fastest way that JAX offers on a CPU.

Import this module only if jax is installed.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

NO_CHANCE = -1e4  # a bias that keeps a token out of the softmax


def writer(
    parameters: Mapping[str, np.ndarray], *, batch_size: int, count: int, start: int, temperature: float
) -> Callable[[int], np.ndarray]:
    """Compile a loop that draws `count` tokens for each of `batch_size` sequences, with the state carried.

    Args:
        parameters: The parameters of a one-layer LSTM of unspool with one-hot input.
        batch_size: B, the number of sequences.
        count: Number of tokens of each sequence.
        start: The first input.
        temperature: The number by which the logits are divided.

    Returns:
        A function of a seed that returns the ids.  # (count, B)
    """
    table, kernel, bias = (
        jnp.asarray(parameters[f"layers.0.{name}"]) for name in ("input_kernel", "recurrent_kernel", "bias")
    )
    output, output_bias = jnp.asarray(parameters["output.kernel"]), jnp.asarray(parameters["output.bias"])
    output_bias = output_bias.at[0].set(NO_CHANCE)
    hidden_size = kernel.shape[0]

    def step(carry: tuple, key: jax.Array) -> tuple[tuple, jax.Array]:
        hidden, cell, ids = carry
        gates = table[ids] + hidden @ kernel + bias  # (B, 4H)
        i, f, c, o = jnp.split(gates, 4, axis=-1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(c)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        drawn = jax.random.categorical(key, (hidden @ output + output_bias) / temperature)
        return (hidden, cell, drawn), drawn

    @jax.jit
    def run(seed: int) -> jax.Array:
        zeros = jnp.zeros((batch_size, hidden_size), jnp.float32)
        first = (zeros, zeros, jnp.full((batch_size,), start))
        return jax.lax.scan(step, first, jax.random.split(jax.random.key(seed), count))[1]

    return lambda seed: np.asarray(run(seed))
