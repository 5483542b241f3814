"""From logits to the probabilities that a symbol is drawn with: what `next_token` draws from, to be shown."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.sampling.draw import next_weights


def probabilities(logits: NDArray[np.floating[Any]], options: GenerationOptions) -> NDArray[np.float64]:
    """Return the probability with which each symbol is drawn first, with all that the options say.

    Args:
        logits: Minus infinity for what may never be drawn; one at least is finite.  # (V,)
        options: How to draw, in symbols.

    Returns:
        Probabilities that add up to 1; at temperature 0 the most probable symbol has all.  # (V,)
    """
    chance = options.xtc_probability or 0.0
    if 0 < chance < 1:
        with_it, without = (replace(options, xtc_probability=number) for number in (1.0, None))
        return chance * probabilities(logits, with_it) + (1 - chance) * probabilities(logits, without)
    weights = next_weights(logits.astype(np.float64), options)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
