"""Filters: which symbols may be drawn.

Each row of `FILTERS` is a plain NumPy function from weights to weights. Weights are probabilities up to a
factor, 0 for what may not be drawn, 1 for the most probable symbol before any filter. They apply in the
order of the table, after the temperature; the native loop in ``native/sample.h`` is their twin.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.options import GenerationOptions

Weights = NDArray[np.floating[Any]]


def most_probable_first(weights: Weights) -> NDArray[np.int64]:
    """Order the symbols by falling weight; equal weights keep the order of their ids."""
    return np.argsort(-weights, kind="stable")


def top_k(weights: Weights, k: int) -> Weights:
    """Keep the k heaviest symbols; of equal ones, those with the smaller ids."""
    kept = weights.copy()
    kept[most_probable_first(weights)[k:]] = 0
    return kept


def top_p(weights: Weights, p: float) -> Weights:
    """Keep the fewest heaviest symbols that together have at least the share p of all."""
    order = most_probable_first(weights)
    share = np.cumsum(weights[order], dtype=np.float64)
    few = int(np.searchsorted(share, p * share[-1])) + 1
    kept = weights.copy()
    kept[order[few:]] = 0
    return kept


def min_p(weights: Weights, p: float) -> Weights:
    """Keep the symbols with at least p times the weight of the most probable one, which is 1."""
    return np.where(weights < p, 0, weights)


FILTERS: dict[str, Callable[[Weights, Any], Weights]] = {"top_k": top_k, "top_p": top_p, "min_p": min_p}


def apply_filters(weights: Weights, options: GenerationOptions) -> Weights:
    """Run the filters that the options turn on, in the order of the table."""
    for name, function in FILTERS.items():
        value = getattr(options, name)
        if value is not None:
            weights = function(weights, value)
    return weights
