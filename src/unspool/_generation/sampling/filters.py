"""The samplers, which change the scores from which a token is drawn.

Scores are log-probabilities up to a constant, minus infinity for a token that may not be drawn. Each row of
`FILTERS` is a plain NumPy function of scores and a place that returns scores. They apply in the order of the
table, or in the order of the option `samplers`. The native loop in ``native/writing/filters.h`` is their
twin.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.random import raw, uniform

Scores = NDArray[np.floating[Any]]
Weights = NDArray[np.floating[Any]]

XTC_STREAM = np.array([0x585443 << 40], np.uint64)  # index in the random stream of a text, above all places
NO_KEY = np.uint64(0)
LOWEST = -1e29  # the lowest score of a token that may be drawn


@dataclass(frozen=True)
class SamplerPlace:
    """The facts about a place of a text that a sampler may use.

    Args:
        index: Number of tokens of the text before the place.
        key: The random stream of the text; its number `index` makes the draw.
        memory: The numbers that samplers remember of the text, by name; changed by `remember`.
    """

    index: int = 0
    key: np.uint64 = NO_KEY
    memory: dict[str, float] = field(default_factory=dict)


def weights_of(scores: Scores) -> Weights:
    """Return probabilities up to a factor: 1 for the most probable token.

    The exponent is at least -87, as in the native twin, so that no token that may be drawn underflows to
    zero.
    """
    top = scores.max()
    if np.isneginf(top):
        return np.zeros_like(scores)
    return np.where(np.isneginf(scores), 0, np.exp(np.maximum(scores - top, -87)))


def most_probable_first(scores: Scores) -> NDArray[np.int64]:
    """Return the tokens by falling score; on a tie by rising id."""
    return np.argsort(-scores, kind="stable")


def temperature(scores: Scores, place: SamplerPlace, t: float) -> Scores:
    """Divide the scores by t > 0, down to the lowest score; the most probable token gets 0.

    A product with the inverse would be infinite for the smallest temperatures.
    """
    with np.errstate(over="ignore"):
        scaled = (scores - scores.max()) / np.float32(t)
    return np.where(np.isneginf(scores), -np.inf, np.maximum(scaled, LOWEST))


def top_n_sigma(scores: Scores, place: SamplerPlace, n: float) -> Scores:
    """Keep the tokens at most n standard deviations of all scores below the most probable one.

    Tang et al., "Top-nσ: Not All Logits Are You Need", 2024. The deviation is that of the population of the
    tokens that may still be drawn. A temperature divides both the scores and the deviation, so it has no
    effect.
    """
    deviation = scores[scores > -np.inf].std(dtype=np.float64)
    least = scores.dtype.type(scores.max() - n * deviation)
    return np.where(scores < least, -np.inf, scores)


def top_k(scores: Scores, place: SamplerPlace, k: int) -> Scores:
    """Keep the k most probable tokens; on a tie those with the smaller ids."""
    result = scores.copy()
    result[most_probable_first(scores)[k:]] = -np.inf
    return result


def top_p(scores: Scores, place: SamplerPlace, p: float) -> Scores:
    """Keep the fewest most probable tokens that together have at least the share p of all."""
    return _fewest(scores, p, order=most_probable_first(scores))


def min_p(scores: Scores, place: SamplerPlace, p: float) -> Scores:
    """Keep the tokens with at least p times the probability of the most probable one."""
    return np.where(weights_of(scores) < p, -np.inf, scores)


def typical_p(scores: Scores, place: SamplerPlace, p: float) -> Scores:
    """Keep the fewest tokens with the share p of all; nearest to the mean surprise first."""
    weights = weights_of(scores)
    mean = _mean_surprise(scores, weights)
    away = np.where(weights > 0, np.abs(scores.max() - scores - mean), np.inf)
    return _fewest(scores, p, order=np.argsort(away, kind="stable"))


def epsilon_cutoff(scores: Scores, place: SamplerPlace, epsilon: float) -> Scores:
    """Keep the tokens with at least the probability epsilon, and in any case the most probable ones.

    Hewitt et al., "Truncation Sampling as Language Model Desmoothing", 2022.
    """
    return min_p(scores, place, min(1.0, epsilon * float(weights_of(scores).sum(dtype=np.float64))))


def eta_cutoff(scores: Scores, place: SamplerPlace, epsilon: float) -> Scores:
    """Keep the tokens with at least the probability min(epsilon, √epsilon · exp(-entropy)); see above."""
    weights = weights_of(scores)
    # exp(-entropy) times the total is exp(-mean surprise), so ln of the total is not needed
    falling = math.sqrt(epsilon) * math.exp(-_mean_surprise(scores, weights))
    return min_p(scores, place, min(epsilon * float(weights.sum(dtype=np.float64)), falling))


def xtc_probability(scores: Scores, place: SamplerPlace, probability: float, threshold: float) -> Scores:
    """Remove the tokens with at least the probability `threshold`, but not the least probable of them.

    This happens with the given probability. The decision has a random stream of its own, so that the draw of
    the token uses the same number as without it.
    """
    stream = raw(np.array([place.key]), XTC_STREAM)[0]
    if uniform(stream, place.index) >= probability:
        return scores
    weights = weights_of(scores)
    above = weights >= weights.dtype.type(threshold * weights.sum(dtype=np.float64))
    count = int((above & (scores > -np.inf)).sum())
    result = scores.copy()
    result[most_probable_first(scores)[: max(0, count - 1)]] = -np.inf
    return result


def mirostat_tau(scores: Scores, place: SamplerPlace, tau: float, eta: float) -> Scores:
    """Keep the tokens with at most so many bits of surprise as are remembered, and the most probable one.

    Version 2.0 of Mirostat (Basu et al., "Mirostat: A Neural Text Decoding Algorithm that Directly Controls
    Perplexity", 2021).
    """
    most = place.memory.setdefault("mirostat_tau", 2 * tau)
    weights = weights_of(scores)
    least = np.exp2(-most) * weights.sum(dtype=np.float64)
    return np.where(weights < weights.dtype.type(min(1.0, least)), -np.inf, scores)


def _mean_surprise(scores: Scores, weights: Weights) -> float:
    """Compute the entropy in nats, without ln of the total weight."""
    surprise = np.where(weights > 0, scores.max() - scores, 0)
    return float((weights * surprise).sum(dtype=np.float64) / weights.sum(dtype=np.float64))


def _fewest(scores: Scores, p: float, *, order: NDArray[np.int64]) -> Scores:
    """Keep the fewest first tokens of an order that have at least the share p of all."""
    result = scores.copy()
    if p < 1:
        share = np.cumsum(weights_of(scores)[order], dtype=np.float64)
        few = int(np.searchsorted(share, p * share[-1])) + 1
        result[order[few:]] = -np.inf
    return result


# A row for each option with a `SamplerRow`: a function of scores, a place, and the option's value with its
# settings. The native twin has the same name in filters.h.
FILTERS: dict[str, Callable[..., Scores]] = {
    "temperature": temperature,
    "top_n_sigma": top_n_sigma,
    "top_k": top_k,
    "top_p": top_p,
    "min_p": min_p,
    "typical_p": typical_p,
    "epsilon_cutoff": epsilon_cutoff,
    "eta_cutoff": eta_cutoff,
    "xtc_probability": xtc_probability,
    "mirostat_tau": mirostat_tau,
}


def apply_filters(scores: Scores, options: GenerationOptions, place: SamplerPlace) -> Scores:
    """Run the samplers that the options turn on, in their order.

    Args:
        scores: The scores; at least one is above minus infinity.  # (V,)
        options: The options of generation: the samplers and their order.
        place: The place; its temperature is not 0.
    """
    for name in filter(options.turns_on, options.sampler_names):
        values = options.stage_values(name)
        if name == "temperature":
            values = (options.temperature_at(place.index),)
        scores = FILTERS[name](scores, place, *values)
    return scores


# What a sampler remembers after a token was drawn: a function of what it remembered, the probability of the
# token, and the option's value with its settings.
REMEMBERED: dict[str, Callable[..., float]] = {
    "mirostat_tau": lambda most, probability, tau, eta: most - eta * (-math.log2(probability) - tau),
}


def remember(options: GenerationOptions, memory: dict[str, float], probability: float) -> None:
    """Change what samplers remember of a text, after a token was drawn with a probability."""
    for name in REMEMBERED.keys() & memory.keys():
        memory[name] = REMEMBERED[name](memory[name], probability, *options.stage_values(name))
