"""The face of the native optimizers refuses what does not fit together."""

import itertools
import math

import numpy as np
import pytest

from unspool._kernels.optimizers import SLOTS, Coefficients, optimizer_step


@pytest.mark.parametrize(("decays", "slots"), [(1, 2), (3, 2), (2, 3)])
def test_every_parameter_has_a_decay_and_there_are_two_slots(decays: int, slots: int) -> None:
    def arrays() -> list[np.ndarray]:
        return [np.ones(3, np.float32), np.ones(5, np.float32)]

    rates = Coefficients(step=1, learning_rate=0.1, beta1=0.9, beta2=0.9, epsilon=1e-8)
    with pytest.raises(ValueError, match="expected 2 decays and 2 slots"):
        optimizer_step(
            0, arrays(), arrays(), [arrays() for _ in range(slots)], [0.0] * decays,
            coefficients=rates, clip_norm=None,
        )  # fmt: skip


SIZES = (1, 7, 8191, 8192, 8193, 3, 20_005, 16, 60_001)  # sums go over 8192 numbers, four at a time
DECAYS = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
RATES = Coefficients(step=3, learning_rate=0.1, beta1=0.8, beta2=0.9, epsilon=1e-3)


def drawn(seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.normal(size=size).astype(np.float32) for size in SIZES]


def worked(
    code: int, p: np.ndarray, g: np.ndarray, slots: list[np.ndarray], decay: float
) -> list[np.ndarray]:
    """Work an update by its formula, and return the parameters and the slots after it."""
    p = p * (1 - 0.1 * decay)
    if code == 0:
        m, v = 0.8 * slots[0] + 0.2 * g, 0.9 * slots[1] + 0.1 * g**2
        return [p - 0.1 * (m / (1 - 0.8**3)) / (np.sqrt(v / (1 - 0.9**3)) + 1e-3), m, v]
    if code == 1:
        v = 0.9 * slots[0] + 0.1 * g**2
        return [p - 0.1 * g / np.sqrt(v + 1e-3), v]
    m = 0.8 * slots[0] + g
    return [p - 0.1 * m, m]


@pytest.mark.parametrize("code", range(3))
@pytest.mark.parametrize("share", [None, 0.5, 2.0])  # of the norm
def test_long_arrays_are_updated_by_the_formula(code: int, share: float | None) -> None:
    gradients = drawn(1)
    norm = math.sqrt(sum(float(np.square(array, dtype=np.float64).sum()) for array in gradients))
    results = []
    for threads in (1, 2, 5):
        parameters, slots = drawn(0), [[array**2 for array in drawn(2 + i)] for i in range(SLOTS[code])]
        found = optimizer_step(
            code, parameters, gradients, slots, DECAYS,
            coefficients=RATES, clip_norm=None if share is None else share * norm, threads=threads,
        )  # fmt: skip
        assert found == pytest.approx(norm, rel=1e-6)
        results.append([array.tobytes() for array in itertools.chain(parameters, *slots)])
    assert results[1:] == results[:1] * 2
    before = [array.astype(float) for array in drawn(0)]
    for i, decay in enumerate(DECAYS):
        old = [drawn(2 + slot)[i].astype(float) ** 2 for slot in range(SLOTS[code])]
        wanted = worked(
            code, before[i], gradients[i].astype(float) * (share if share == 0.5 else 1), old, decay
        )
        for array, values in zip([parameters[i], *(slot[i] for slot in slots)], wanted, strict=True):
            np.testing.assert_allclose(array, values, rtol=2e-4, atol=2e-5)
