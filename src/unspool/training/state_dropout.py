"""Fresh starts in the middle of a document.

A state that is carried on for a whole epoch drifts to where no text begins: the network learns to rely on
it, and writes badly from the empty state that every prompt starts with. So now and then a lane forgets.
"""

import numpy as np

from unspool.training.optimizers import FloatArray


def forget_some(state: FloatArray, chance: float, *, seed: int, step: int) -> FloatArray:
    """Zero the state of some lanes.

    Args:
        state: Left alone.  # (L, S, B, H)
        chance: Chance of each lane, in [0, 1]; at 1 every window stands on its own.
        seed: Seed of the run, in [0, 2**63).
        step: Number of the step, from 1.

    Returns:
        The state to start the window with.  # (L, S, B, H)
    """
    key = np.array([seed, step], dtype=np.uint64)
    counter = np.array([1, 0, 0, 0], dtype=np.uint64)  # the dropout masks draw from the same key at 0
    counter <<= np.uint64(63)
    forgets = np.random.Generator(np.random.Philox(key=key, counter=counter)).random(state.shape[2]) < chance
    fresh = state.copy()
    fresh[:, :, forgets] = 0
    return fresh
