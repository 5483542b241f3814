"""Dropout masks that depend on nothing but the seed and the step."""

import numpy as np
from numpy.typing import NDArray

from unspool.network.config import NetworkConfig


def dropout_masks(
    network: NetworkConfig, batch_size: int, *, seed: int, step: int
) -> NDArray[np.float32] | None:
    """Draw the masks of one window, the same for all its steps.

    One mask along time is the variational dropout of Gal and Ghahramani, "A Theoretically Grounded
    Application of Dropout in Recurrent Neural Networks" (2016), on the layers' outputs only.

    Args:
        network: Its dropout is the chance p that a unit is dropped.
        batch_size: B.
        seed: Seed of the run, in [0, 2**63).
        step: Number of the step, from 1.

    Returns:
        (L, B, H) of 0 or 1/(1-p), or None where p is 0.
    """
    if not network.dropout:
        return None
    random = np.random.Generator(np.random.Philox(key=np.array([seed, step], dtype=np.uint64)))
    shape = (network.num_layers, batch_size, network.hidden_size)
    kept = random.random(shape, dtype=np.float32) >= network.dropout  # (L, B, H)
    return kept.astype(np.float32) / np.float32(1 - network.dropout)
