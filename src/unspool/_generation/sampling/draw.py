"""The draw of the next token from logits: the plain twin of the native loop."""

import numpy as np
from numpy.typing import NDArray

from unspool._generation.generated_ids import Alternatives
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.filters import (
    NO_KEY,
    SamplerPlace,
    Weights,
    apply_filters,
    remember,
    weights_of,
)
from unspool._generation.sampling.penalties import Ids, Logits, adjusted

NONE = np.empty(0, dtype=np.int32)


def log_softmax(logits: Logits) -> Logits:
    """Return the log-probabilities of logits along the last axis; minus infinity stays."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Logits = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def next_weights(
    logits: Logits,
    options: GenerationOptions,
    *,
    prompt: Ids = NONE,
    written: Ids = NONE,
    allowed: NDArray[np.bool_] | None = None,
    key: np.uint64 = NO_KEY,
    memory: dict[str, float] | None = None,
) -> Weights:
    """Compute the weights from which the next token is drawn.

    Args:
        logits: The logits; minus infinity for a token that may never be drawn, such as `<pad>`.  # (V,)
        options: The options of generation, with biases by id.
        prompt: The tokens of the prompt, for the penalties.  # (P,)
        written: The tokens of the text so far, without the prompt.  # (N,)
        allowed: Whether a guide allows each token; None for no guide.  # (V,)
        key: The random stream of the text, for samplers that draw.
        memory: The numbers that samplers remember of the text, by name; None at the beginning of a text.

    Returns:
        Probabilities up to a factor, 1 for the most probable token; all 0 if no token may be drawn.  # (V,)
    """
    scores = adjusted(logits, options, prompt=prompt, written=written, allowed=allowed)
    if np.isneginf(scores.max()):
        return np.zeros_like(scores)
    place = SamplerPlace(len(written), key, {} if memory is None else memory)
    if np.float32(options.temperature_at(place.index)) == 0:
        return np.where(np.arange(len(scores)) == scores.argmax(), scores.dtype.type(1), 0)
    return weights_of(apply_filters(scores, options, place))


def next_token(
    logits: Logits,
    options: GenerationOptions,
    random: float,
    *,
    prompt: Ids = NONE,
    written: Ids = NONE,
    allowed: NDArray[np.bool_] | None = None,
    key: np.uint64 = NO_KEY,
    memory: dict[str, float] | None = None,
) -> int | None:
    """Draw a token by inversion: the first one at which the sum of weights passes `random` times the total.

    Args:
        logits: The logits; minus infinity for a token that may never be drawn, such as `<pad>`.  # (V,)
        options: The options of generation, with biases by id.
        random: A random number, uniform in [0, 1).
        prompt: The tokens of the prompt.  # (P,)
        written: The tokens of the text so far, without the prompt.  # (N,)
        allowed: Whether a guide allows each token; None for no guide.  # (V,)
        key: The random stream of the text, for samplers that draw.
        memory: The numbers that samplers remember of the text, by name; changed. None at the beginning.

    Returns:
        The id of the token, whose logit is finite; None if no token may be drawn.
    """
    memory = {} if memory is None else memory
    weights = next_weights(
        logits, options, prompt=prompt, written=written, allowed=allowed, key=key, memory=memory
    )
    may_come = np.flatnonzero(weights)
    if not len(may_come):
        return None
    running = np.cumsum(weights[may_come], dtype=np.float64)
    chosen = int(np.searchsorted(running, random * running[-1], side="right"))
    token = int(may_come[min(chosen, len(may_come) - 1)])
    if np.float32(options.temperature_at(len(written))) > 0:
        remember(options, memory, float(weights[token]) / float(running[-1]))
    return token


def most_probable(logits: Logits, count: int) -> Alternatives:
    """Return the most probable tokens at each place.

    Args:
        logits: The logits, minus infinity for `<pad>`.  # (N, V)
        count: Number of tokens at each place, from 1 to V - 1.
    """
    order = np.argsort(-logits, axis=-1, kind="stable")[:, :count]  # (N, count)
    logprobs = np.take_along_axis(log_softmax(logits), order, axis=-1)
    return Alternatives(ids=order.astype(np.int32), logprobs=logprobs.astype(np.float32))
