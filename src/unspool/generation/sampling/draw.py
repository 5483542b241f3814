"""Drawing the next symbol from logits: the plain twin of the native loop."""

import numpy as np
from numpy.typing import NDArray

from unspool.generation.generated_ids import Alternatives
from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.sampling.filters import (
    NO_KEY,
    SamplerPlace,
    Weights,
    apply_filters,
    remember,
    weights_of,
)
from unspool.generation.sampling.penalties import Ids, Logits, adjusted

NONE = np.empty(0, dtype=np.int32)


def log_softmax(logits: Logits) -> Logits:
    """Turn logits into log-probabilities along the last axis; minus infinity stays."""
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
    """Work out what the next symbol is drawn from, after all that the options say.

    Args:
        logits: Minus infinity for what may never be drawn, `<pad>` above all.  # (V,)
        options: How to draw; biases by id.
        prompt: Symbols of the prompt: repeated ones are penalized, repeated n-grams left out.  # (P,)
        written: Symbols of the text so far, without the prompt.  # (N,)
        allowed: What a guide allows; None for all.  # (V,)
        key: The text's random stream, for samplers that draw themselves.
        memory: What samplers remember of the text; None for the beginning of a text.

    Returns:
        Probabilities up to a factor, 1 for the most probable symbol; all 0 where none may be drawn.  # (V,)
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
    """Draw a symbol by inversion: the first one at which the running weight passes `random` of the total.

    Args:
        logits: As `next_weights` takes them, and so are
        options: and the arguments after the next one.
        random: Uniform in [0, 1).
        prompt: Symbols of the prompt.
        written: Symbols of the text so far.
        allowed: What a guide allows.
        key: The text's random stream.
        memory: What samplers remember of the text; changed.

    Returns:
        The symbol's id; never that of a logit of minus infinity. None where nothing may be drawn.
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
    """Find the most probable symbols at each place.

    Args:
        logits: Minus infinity for `<pad>`.  # (N, V)
        count: How many at each place, from 1 to V - 1.
    """
    order = np.argsort(-logits, axis=-1, kind="stable")[:, :count]  # (N, count)
    logprobs = np.take_along_axis(log_softmax(logits), order, axis=-1)
    return Alternatives(ids=order.astype(np.int32), logprobs=logprobs.astype(np.float32))
