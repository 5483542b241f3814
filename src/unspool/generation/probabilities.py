"""From logits to the probabilities that a symbol is drawn with: what `next_token` draws from, to be shown."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.filters import apply_filters
from unspool.generation.options import GenerationOptions


def probabilities(logits: NDArray[np.floating[Any]], options: GenerationOptions) -> NDArray[np.float64]:
    """Give the probability with which each symbol is drawn, temperature and filters applied.

    Args:
        logits: Minus infinity for what may never be drawn; one at least is finite.  # (V,)
        options: Temperature and filters.

    Returns:
        Probabilities that add up to 1; at temperature 0 the most probable symbol has all.  # (V,)
    """
    best = int(logits.argmax())
    if options.temperature == 0:
        certain = np.zeros(len(logits))
        certain[best] = 1
        return certain
    distance = logits.astype(np.float64) - float(logits[best])
    with np.errstate(over="ignore"):  # the smallest temperatures
        weights = np.exp(distance / options.temperature)
    kept = np.asarray(apply_filters(weights, options), dtype=np.float64)
    shares: NDArray[np.float64] = kept / kept.sum()
    return shares
