"""The penalties, which come before the samplers: they forbid tokens and change logits.

They are plain NumPy functions of the logits of one place, minus infinity for a token that may not be drawn.
The native loop in ``native/writing/penalties.h`` is their twin.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._generation.options.generation_options import GenerationOptions

Logits = NDArray[np.floating[Any]]
Ids = NDArray[np.integer[Any]]
Counts = NDArray[np.int64]

DRY_EXPONENT = 70.0  # e^70 times any multiplier is finite in float32


@dataclass(frozen=True, eq=False)
class Place:
    """A place of a text where a token is drawn.

    Args:
        prompt: The tokens of the prompt.  # (P,)
        written: The tokens of the text before the place, without the prompt.  # (N,)
        last: Number of last tokens that `counts` uses; None for all.
        vocab_size: Number of ids, V.
    """

    prompt: Ids
    written: Ids
    last: int | None
    vocab_size: int

    @property
    def before(self) -> Ids:
        """All tokens before the place.  # (P + N,)."""
        return np.concatenate([self.prompt, self.written]).astype(np.int64)

    def counts(self, tokens: Ids) -> Counts:
        """Return the count of each token among the last of `tokens`.  # (V,)."""
        start = 0 if self.last is None else max(0, len(tokens) - self.last)
        return np.bincount(tokens[start:].astype(np.int64), minlength=self.vocab_size)


def repeated_ngrams(tokens: Ids, size: int, vocab_size: int) -> NDArray[np.bool_]:
    """Return whether each token would make the last `size` tokens of a text a repetition.

    Args:
        tokens: The text so far.  # (N,)
        size: Length of a repetition in tokens, ≥ 1.
        vocab_size: Number of ids, V.

    Returns:
        Whether each token would repeat.  # (V,)
    """
    repeats = np.zeros(vocab_size, dtype=bool)
    suffix = tokens[len(tokens) - size + 1 :].tolist()
    for start in range(len(tokens) - size + 1):
        if tokens[start : start + size - 1].tolist() == suffix:
            repeats[tokens[start + size - 1]] = True
    return repeats


def ignore_eos(logits: Logits, place: Place, ignores: bool) -> Logits:
    """Forbid `<eos>`, the last token."""
    return np.where(np.arange(len(logits)) == len(logits) - 1, -np.inf, logits) if ignores else logits


def min_tokens(logits: Logits, place: Place, least: int) -> Logits:
    """Forbid `<eos>` before there are `least` tokens."""
    return ignore_eos(logits, place, len(place.written) < least)


def no_repeat_ngram_size(logits: Logits, place: Place, size: int) -> Logits:
    """Forbid the tokens that would make the last `size` tokens a repetition."""
    return np.where(repeated_ngrams(place.before, size, len(logits)), -np.inf, logits)


def logit_bias(logits: Logits, place: Place, biases: Mapping[int, float]) -> Logits:
    """Add a bias to the logit of each token that has one."""
    for symbol, bias in biases.items():
        logits = np.where(np.arange(len(logits)) == symbol, logits + np.float32(bias), logits)
    return logits


def repetition_penalty(logits: Logits, place: Place, penalty: float) -> Logits:
    """Divide the positive logits of the tokens of the prompt and the text, and multiply the negative ones."""
    factor = np.float32(penalty)
    return np.where(
        place.counts(place.before) > 0, np.where(logits > 0, logits / factor, logits * factor), logits
    )


def presence_penalty(logits: Logits, place: Place, penalty: float) -> Logits:
    """Subtract the penalty from the logit of each token of the text."""
    return np.where(place.counts(place.written) > 0, logits - np.float32(penalty), logits)


def frequency_penalty(logits: Logits, place: Place, penalty: float) -> Logits:
    """Subtract the penalty from the logit of each token, once for each time that the text has it."""
    return logits - np.float32(penalty) * place.counts(place.written).astype(np.float32)


def dry_multiplier(logits: Logits, place: Place, multiplier: float, *settings: Any) -> Logits:
    """Lower the logit of each token that would continue a repetition of the end of the text.

    A repetition is at most as long as the text after the last breaker.

    Args:
        logits: The logits of the place.  # (V,)
        place: The place.
        multiplier: Penalty for a repetition of the allowed length.
        *settings: The factor for each further token; the allowed length; the number of last tokens that
            count, None for all; the breakers, each some ids, or None. A breaker of one id is not penalized.
    """
    base, allowed_length, last, breakers = settings
    text, breakers = place.before.tolist()[-last if last else None :], breakers or ()
    most = int(DRY_EXPONENT / math.log(base)) if base > 1 else 0  # further tokens that count
    limit = min(_after_last(text, breakers), allowed_length + most)
    longest: dict[int, int] = {}
    for end in range(len(text) - 1):
        same = 0
        while same <= min(end, limit - 1) and text[end - same] == text[-1 - same]:
            same += 1
        longest[text[end + 1]] = max(same, longest.get(text[end + 1], 0))
    penalties = np.zeros_like(logits)
    for token, length in longest.items():
        if length >= allowed_length and (token,) not in breakers:
            penalties[token] = multiplier * float(base) ** (length - allowed_length)
    return logits - penalties


def _after_last(text: list[int], breakers: tuple[tuple[int, ...], ...]) -> int:
    """Return the number of tokens after the last breaker; all if there is none."""
    for after in range(len(text)):
        end = len(text) - after
        if any(tuple(text[max(0, end - len(ids)) : end]) == tuple(ids) for ids in breakers):
            return after
    return len(text)


# A row for each option with a `PenaltyRow`, in the order in which they apply: a function of logits, a place,
# and the option's value with its settings. The native twin has the same name in penalties.h.
PENALTIES: dict[str, Callable[..., Logits]] = {
    "ignore_eos": ignore_eos,
    "min_tokens": min_tokens,
    "no_repeat_ngram_size": no_repeat_ngram_size,
    "logit_bias": logit_bias,
    "repetition_penalty": repetition_penalty,
    "presence_penalty": presence_penalty,
    "frequency_penalty": frequency_penalty,
    "dry_multiplier": dry_multiplier,
}


def adjusted(
    logits: Logits,
    options: GenerationOptions,
    *,
    prompt: Ids,
    written: Ids,
    allowed: NDArray[np.bool_] | None = None,
) -> Logits:
    """Forbid the tokens that a guide does not allow, then apply the penalties.

    Args:
        logits: The logits of one place; minus infinity for `<pad>`.  # (V,)
        options: The options of generation, with biases by id.
        prompt: The tokens of the prompt.  # (P,)
        written: The tokens of the text after the prompt.  # (N,)
        allowed: Whether a guide allows each token; None for no guide.  # (V,)
    """
    if allowed is not None:
        logits = np.where(allowed, logits, -np.inf)
    place = Place(prompt, written, options.penalty_last_n, len(logits))
    for name in filter(options.turns_on, PENALTIES):
        logits = PENALTIES[name](logits, place, *options.stage_values(name))
    return logits
