"""The samplers for many sequences at once, in PyTorch: the rows of `FILTERS`, on whole tables of scores.

Each function has the name of its plain twin in `unspool._generation.sampling.filters`, and does to each row
of the scores what that does to one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.filters import LOWEST


@dataclass(frozen=True)
class Draw:
    """What a draw of one token for each of N sequences uses beside their logits.

    Args:
        random: The random number of each sequence, uniform in [0, 1).  # (N,)
        xtc: Its random number for XTC.  # (N,)
        temperature: Its temperature.  # (N, 1)
        surprise: The bits of surprise that mirostat remembers of it; changed in place.  # (N, 1)
        counts: Whether it draws here, and does not read its prompt.  # (N,)
    """

    random: Tensor
    xtc: Tensor
    temperature: Tensor
    surprise: Tensor
    counts: Tensor


def drawn(logits: Tensor, options: GenerationOptions, draw: Draw, bias: Tensor | None) -> Tensor:
    """Draw a token for each row of logits, by inversion, as `next_token` does.

    Args:
        logits: The logits, minus infinity for `<pad>`.  # (N, V)
        options: The options of all rows.
        draw: The random numbers and the temperatures.
        bias: What is added to the logits; None for nothing.  # (V,)

    Returns:
        The tokens; -1 where none may be drawn.  # (N,)
    """
    scores = logits if bias is None else logits + bias
    top = scores.max(dim=1, keepdim=True).values
    greedy = (scores == top).to(torch.uint8).argmax(dim=1)
    filtered = scores
    for name in filter(options.turns_on, options.sampler_names):
        filtered = TORCH_FILTERS[name](filtered, draw, *options.stage_values(name))
    weights = weights_of(filtered)
    running = weights.to(precise(weights)).cumsum(dim=1)  # (N, V)
    total = running[:, -1:]
    below = (running <= draw.random[:, None].to(running.dtype) * total).sum(dim=1)  # (N,)
    places = torch.arange(weights.shape[1], device=weights.device)
    last = (places * (weights > 0)).max(dim=1).values
    tokens = torch.where(draw.temperature[:, 0] == 0, greedy, torch.minimum(below, last))
    if options.turns_on("mirostat_tau") and "mirostat_tau" in options.sampler_names:
        tau, eta = options.stage_values("mirostat_tau")
        chance = weights.gather(1, tokens[:, None]) / total
        change = torch.where(draw.counts[:, None], eta * (-chance.log2() - tau), 0)
        draw.surprise.sub_(change.to(draw.surprise.dtype))
    return torch.where(torch.isneginf(top[:, 0]), -1, tokens)


def precise(scores: Tensor) -> torch.dtype:
    """Return the type in which sums are made: float64, but on a device without it."""
    return torch.float32 if scores.device.type == "mps" else torch.float64


def weights_of(scores: Tensor) -> Tensor:
    """Return probabilities up to a factor: 1 for the most probable token of each row."""
    top = scores.max(dim=1, keepdim=True).values
    weights = (scores - torch.where(torch.isneginf(top), 0, top)).clamp(min=-87).exp()
    return torch.where(torch.isneginf(scores), 0, weights)


def temperature(scores: Tensor, draw: Draw, *_: Any) -> Tensor:
    """Divide the scores; see the plain twin."""
    by = torch.where(draw.temperature == 0, 1.0, draw.temperature)
    scaled = ((scores - scores.max(dim=1, keepdim=True).values) / by).clamp(min=LOWEST)
    return torch.where(torch.isneginf(scores), scores, scaled)


def top_n_sigma(scores: Tensor, _: Draw, n: float) -> Tensor:
    """Keep the tokens within n standard deviations of the best."""
    there = ~torch.isneginf(scores)
    values = torch.where(there, scores, 0).to(precise(scores))
    count = there.sum(dim=1, keepdim=True)
    mean = values.sum(dim=1, keepdim=True) / count
    squares = torch.where(there, (values - mean) ** 2, 0).sum(dim=1, keepdim=True)
    best = scores.max(dim=1, keepdim=True).values
    least = (best.to(values.dtype) - n * (squares / count).sqrt()).to(scores.dtype)
    return scores.masked_fill(scores < least, -torch.inf)


def top_k(scores: Tensor, _: Draw, k: int) -> Tensor:
    """Keep the k most probable tokens."""
    return _removed(scores, most_probable_first(scores), k)


def top_p(scores: Tensor, _: Draw, p: float) -> Tensor:
    """Keep the fewest most probable tokens with the share p."""
    return _fewest(scores, p, most_probable_first(scores))


def min_p(scores: Tensor, _: Draw, p: float) -> Tensor:
    """Keep the tokens with at least p times the best probability."""
    return scores.masked_fill(weights_of(scores) < p, -torch.inf)


def typical_p(scores: Tensor, _: Draw, p: float) -> Tensor:
    """Keep the fewest tokens with the share p, nearest to the mean surprise first."""
    weights = weights_of(scores)
    top = scores.max(dim=1, keepdim=True).values
    mean = _mean_surprise(scores, weights).to(scores.dtype)
    away = torch.where(weights > 0, (top - scores - mean).abs(), torch.inf)
    return _fewest(scores, p, away.argsort(dim=1, stable=True))


def epsilon_cutoff(scores: Tensor, _: Draw, epsilon: float) -> Tensor:
    """Keep the tokens with at least the probability epsilon."""
    weights = weights_of(scores)
    least = (epsilon * _total(weights)).clamp(max=1.0)
    return scores.masked_fill(weights < least.to(weights.dtype), -torch.inf)


def eta_cutoff(scores: Tensor, _: Draw, epsilon: float) -> Tensor:
    """Keep the tokens with at least the probability min(epsilon, √epsilon · exp(-entropy))."""
    weights = weights_of(scores)
    falling = math.sqrt(epsilon) * (-_mean_surprise(scores, weights)).exp()
    least = torch.minimum(epsilon * _total(weights), falling)
    return scores.masked_fill(weights < least.to(weights.dtype), -torch.inf)


def xtc_probability(scores: Tensor, draw: Draw, probability: float, threshold: float) -> Tensor:
    """Remove the tokens above the threshold but the least probable of them, with the given probability."""
    weights = weights_of(scores)
    above = weights >= (threshold * _total(weights)).to(weights.dtype)
    count = (above & ~torch.isneginf(scores)).sum(dim=1, keepdim=True)
    order = most_probable_first(scores)
    rank = order.argsort(dim=1)
    removed = (rank < count - 1) & (draw.xtc[:, None] < probability)
    return scores.masked_fill(removed, -torch.inf)


def mirostat_tau(scores: Tensor, draw: Draw, *_: Any) -> Tensor:
    """Keep the tokens with at most the remembered bits of surprise, and the most probable one."""
    weights = weights_of(scores)
    least = (torch.exp2(-draw.surprise) * _total(weights)).clamp(max=1.0)
    return scores.masked_fill(weights < least.to(weights.dtype), -torch.inf)


def most_probable_first(scores: Tensor) -> Tensor:
    """Return the tokens of each row by falling score; on a tie by rising id."""
    return scores.argsort(dim=1, descending=True, stable=True)


def _total(weights: Tensor) -> Tensor:
    return weights.sum(dim=1, keepdim=True, dtype=precise(weights))


def _mean_surprise(scores: Tensor, weights: Tensor) -> Tensor:
    """Compute the entropy of each row in nats, without ln of the total weight."""
    surprise = torch.where(weights > 0, scores.max(dim=1, keepdim=True).values - scores, 0)
    return (weights * surprise).sum(dim=1, keepdim=True, dtype=precise(weights)) / _total(weights)


def _removed(scores: Tensor, order: Tensor, kept: int | Tensor) -> Tensor:
    """Remove all tokens of an order but the first `kept` of each row."""
    return scores.masked_fill(order.argsort(dim=1) >= kept, -torch.inf)


def _fewest(scores: Tensor, p: float, order: Tensor) -> Tensor:
    """Keep the fewest first tokens of an order that have at least the share p of all."""
    if p >= 1:
        return scores
    weights = weights_of(scores).gather(1, order)
    share = weights.to(precise(weights)).cumsum(dim=1)
    return _removed(scores, order, (share < p * share[:, -1:]).sum(dim=1, keepdim=True) + 1)


TORCH_FILTERS: dict[str, Callable[..., Tensor]] = {
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
