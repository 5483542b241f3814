"""The peer in JAX: one compiled loop over all tokens, unrolled."""

import jax
import jax.numpy as jnp
import numpy as np

from writing_peers import Parameters, Write, arrays

UNROLL = 8  # steps of the loop in one body: the best of 1, 2, 4, 8 and 16


def writer(parameters: Parameters, *, batch_size: int, count: int, start: int, temperature: float) -> Write:
    """Compile a loop that draws tokens with the state carried; see `writing_peers`."""
    table, kernel, output, output_bias = map(jnp.asarray, arrays(parameters, temperature))

    def step(carry: tuple, uniform: jax.Array) -> tuple[tuple, jax.Array]:
        hidden, cell, ids = carry
        i, f, c, o = jnp.split(table[ids] + hidden @ kernel, 4, axis=-1)  # (B, H) each
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(c)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        logits = hidden @ output + output_bias
        sums = jnp.cumsum(jnp.exp(logits - logits.max(axis=-1, keepdims=True)), axis=-1)  # (B, V)
        drawn = (sums < uniform[:, None] * sums[:, -1:]).sum(axis=-1)
        return (hidden, cell, drawn), drawn

    @jax.jit
    def run(seed: int) -> jax.Array:
        zeros = jnp.zeros((batch_size, kernel.shape[0]), jnp.float32)
        first = (zeros, zeros, jnp.full((batch_size,), start))
        uniforms = jax.random.uniform(jax.random.key(seed), (count, batch_size))
        return jax.lax.scan(step, first, uniforms, unroll=UNROLL)[1]

    return lambda seed: np.asarray(run(seed))
