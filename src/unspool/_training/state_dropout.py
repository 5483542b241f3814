"""Resets of the state in the middle of a document.

A state that is carried on for a whole epoch drifts far from the state at the start of a text. The network
learns to rely on it, and then writes badly from the empty state that every prompt starts with. So the state
of a lane is sometimes reset.
"""

import numpy as np

from unspool._training.optimizers import FloatArray


def forget_some(
    state: FloatArray,
    chance: float,
    *,
    seed: int,
    step: int,
    own: slice = slice(None),
    lanes: int | None = None,
) -> FloatArray:
    """Return the state with some lanes reset to zero.

    Args:
        state: The state after the window before; it is not changed.  # (L, S, B, H)
        chance: Chance that a lane is reset, in [0, 1]; with 1 every window is independent.
        seed: Seed of the run, in [0, 2**63).
        step: Number of the step, from 1.
        own: The lanes of the run whose state it is, where other processes have the others.
        lanes: Number of lanes of the run; None for those of the state.

    Returns:
        The state at the start of the window.  # (L, S, B, H)
    """
    key = np.array([seed, step], dtype=np.uint64)
    counter = np.array([1, 0, 0, 0], dtype=np.uint64)  # the dropout masks draw from the same key at 0
    counter <<= np.uint64(63)
    draws = np.random.Generator(np.random.Philox(key=key, counter=counter)).random(lanes or state.shape[2])
    forgets = draws[own] < chance
    fresh = state.copy()
    fresh[:, :, forgets] = 0
    return fresh
