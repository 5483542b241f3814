"""Drawing the next symbol from logits: the plain twin of the native loop."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.filters import apply_filters
from unspool.generation.options import GenerationOptions

Logits = NDArray[np.floating[Any]]


def log_softmax(logits: Logits) -> Logits:
    """Turn logits into log-probabilities along the last axis; minus infinity stays."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Logits = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def next_token(logits: Logits, options: GenerationOptions, random: float) -> int:
    """Draw a symbol by inversion: the first one at which the running weight passes `random` of the total.

    Args:
        logits: Minus infinity for what may never be drawn, `<pad>` above all.  # (V,)
        options: Temperature and filters.
        random: Uniform in [0, 1).

    Returns:
        The symbol's id; never that of a logit of minus infinity.
    """
    best = int(logits.argmax())
    if options.temperature == 0:
        return best
    # Divided, not multiplied by the inverse, which is infinite for the smallest temperatures; the exponent
    # ends at -87, as in the native twin, so that nothing that may be drawn underflows to zero.
    with np.errstate(over="ignore"):
        scaled = (logits - logits[best]) / np.float32(options.temperature)
    weights = np.where(np.isneginf(logits), 0, np.exp(np.maximum(scaled, -87)))
    running = np.cumsum(apply_filters(weights, options), dtype=np.float64)
    chosen = int(np.searchsorted(running, random * running[-1], side="right"))
    return chosen if chosen < len(logits) else best
