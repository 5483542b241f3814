"""The peer in numba: one stream, the loops written out and compiled for this processor."""

import numba
import numpy as np
from numpy.typing import NDArray

from writing_peers import Parameters, Write, arrays

Floats = NDArray[np.float32]


ONE, TWO = np.float32(1), np.float32(2)
LOG2_E, LN2_HIGH, LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
# of e^r for |r| ≤ ln 2 / 2, the highest power first: Cephes, expf
C5, C4, C3, C2, C1, C0 = map(np.float32, (1.98756915e-4, 1.39819995e-3, 8.33345191e-3, 4.16657959e-2,
                                          1.66666655e-1, 5.00000012e-1))  # fmt: skip


@numba.njit(fastmath=True)
def _exp(x: float) -> float:
    """Return e^x by arithmetic alone, so that loops of it become vectors."""
    x = max(min(x, np.float32(88)), np.float32(-87))
    n = np.floor(x * LOG2_E + np.float32(0.5))
    r = x - n * LN2_HIGH - n * LN2_LOW
    power = (((((C5 * r + C4) * r + C3) * r + C2) * r + C1) * r + C0) * r * r + r + ONE
    return power * np.int32((np.int32(n) + 127) << 23).view(np.float32)


@numba.njit(fastmath=True)
def _add_product(x: Floats, kernel: Floats, y: Floats) -> None:
    """Add x (K,) times kernel (K, N) to y (N,), eight rows at a time: K is a multiple of 8."""
    for k in range(0, len(x), 8):
        a, b, c, d, e, f, g, h = x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7]
        p, q, r, s = kernel[k], kernel[k + 1], kernel[k + 2], kernel[k + 3]
        t, u, v, w = kernel[k + 4], kernel[k + 5], kernel[k + 6], kernel[k + 7]
        for j in range(len(y)):
            y[j] += (a * p[j] + b * q[j] + c * r[j] + d * s[j]) + (e * t[j] + f * u[j] + g * v[j] + h * w[j])


@numba.njit(fastmath=True)
def _run(weights: tuple[Floats, Floats, Floats, Floats], uniforms: Floats, start: int) -> NDArray[np.int64]:
    table, kernel, output, output_bias = weights
    H, V = kernel.shape[0], table.shape[0]
    drawn = np.empty(uniforms.shape[0], np.int64)
    hidden, cell = np.zeros(H, np.float32), np.zeros(H, np.float32)
    gates, sums = np.empty(4 * H, np.float32), np.empty(V, np.float32)
    i, f, c, o = gates[:H], gates[H : 2 * H], gates[2 * H : 3 * H], gates[3 * H :]
    last = start
    for t in range(uniforms.shape[0]):
        gates[:] = table[last]
        _add_product(hidden, kernel, gates)
        for k in range(H):
            c[k] *= TWO  # tanh x = 2 sigmoid 2x - 1
        for k in range(4 * H):
            gates[k] = ONE / (ONE + _exp(-gates[k]))
        for k in range(H):
            cell[k] = f[k] * cell[k] + i[k] * (TWO * c[k] - ONE)
        for k in range(H):
            hidden[k] = o[k] * (TWO / (ONE + _exp(-TWO * cell[k])) - ONE)
        sums[:] = output_bias
        _add_product(hidden, output, sums)
        highest = sums.max()
        for j in range(V):
            sums[j] = _exp(sums[j] - highest)
        for j in range(1, V):
            sums[j] += sums[j - 1]
        last = np.searchsorted(sums, uniforms[t] * sums[V - 1])
        drawn[t] = last
    return drawn


def writer(parameters: Parameters, *, batch_size: int, count: int, start: int, temperature: float) -> Write:
    """Compile a loop for one sequence; see `writing_peers`."""
    weights = arrays(parameters, temperature)
    if batch_size != 1 or len(weights[1]) % 8:
        raise SystemExit("the peer in numba writes one sequence, with a number of units that 8 divides")

    def run(seed: int) -> NDArray[np.int64]:
        uniforms = np.random.default_rng(seed).random(count, dtype=np.float32)
        return _run(weights, uniforms, start)[:, None]

    return run
