"""The probabilities with which a token is drawn."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.draw import next_weights


def probabilities(logits: NDArray[np.floating[Any]], options: GenerationOptions) -> NDArray[np.float64]:
    """Return the probability with which each token is drawn as the first of a text.

    Args:
        logits: The logits; minus infinity for a token that may never be drawn, but at least one is
            finite.  # (V,)
        options: The options of generation, with biases by id.

    Returns:
        Probabilities with the sum 1; at temperature 0 the most probable token has probability 1.  # (V,)
    """
    chance = options.xtc_probability or 0.0
    if 0 < chance < 1:
        with_it, without = (replace(options, xtc_probability=number) for number in (1.0, None))
        return chance * probabilities(logits, with_it) + (1 - chance) * probabilities(logits, without)
    weights = next_weights(logits.astype(np.float64), options)
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares
