"""What comes before the samplers: symbols that may not be drawn, and logits that are moved.

Plain NumPy functions on the logits of one place, minus infinity for what may not be drawn; the native loop in
``native/writing/penalties.h`` is their twin.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.options.generation_options import GenerationOptions

Logits = NDArray[np.floating[Any]]
Ids = NDArray[np.integer[Any]]
Counts = NDArray[np.int64]

DRY_EXPONENT = 70.0  # e^70 is finite in float32, whatever it is multiplied by


@dataclass(frozen=True, eq=False)
class Place:
    """A place of a text where a symbol is drawn.

    Args:
        prompt: Symbols of the prompt.  # (P,)
        written: Symbols of the text before the place, without the prompt.  # (N,)
        last: How many of the last symbols `seen` and `text` count; None for all.
        vocab_size: V.
    """

    prompt: Ids
    written: Ids
    last: int | None
    vocab_size: int

    @property
    def before(self) -> Ids:
        """Return all symbols before the place, (P + N,)."""
        return np.concatenate([self.prompt, self.written]).astype(np.int64)

    def counts(self, symbols: Ids) -> Counts:
        """Return how often each symbol is among the last of `symbols`, (V,)."""
        start = 0 if self.last is None else max(0, len(symbols) - self.last)
        return np.bincount(symbols[start:].astype(np.int64), minlength=self.vocab_size)


def repeated_ngrams(symbols: Ids, size: int, vocab_size: int) -> NDArray[np.bool_]:
    """Tell which symbols would make the last `size` symbols of a text a repetition.

    Args:
        symbols: The text so far.  # (N,)
        size: Symbols in a row, ≥ 1.
        vocab_size: V.

    Returns:
        True for what would repeat.  # (V,)
    """
    repeats = np.zeros(vocab_size, dtype=bool)
    suffix = symbols[len(symbols) - size + 1 :].tolist()
    for start in range(len(symbols) - size + 1):
        if symbols[start : start + size - 1].tolist() == suffix:
            repeats[symbols[start + size - 1]] = True
    return repeats


def ignore_eos(logits: Logits, place: Place, ignores: bool) -> Logits:
    """Forbid `<eos>`, the last symbol."""
    return np.where(np.arange(len(logits)) == len(logits) - 1, -np.inf, logits) if ignores else logits


def min_tokens(logits: Logits, place: Place, least: int) -> Logits:
    """Forbid `<eos>` before there are `least` symbols."""
    return ignore_eos(logits, place, len(place.written) < least)


def no_repeat_ngram_size(logits: Logits, place: Place, size: int) -> Logits:
    """Forbid what would make the last `size` symbols a repetition."""
    return np.where(repeated_ngrams(place.before, size, len(logits)), -np.inf, logits)


def logit_bias(logits: Logits, place: Place, biases: Mapping[int, float]) -> Logits:
    """Add a bias to the logit of each symbol that has one."""
    for symbol, bias in biases.items():
        logits = np.where(np.arange(len(logits)) == symbol, logits + np.float32(bias), logits)
    return logits


def repetition_penalty(logits: Logits, place: Place, penalty: float) -> Logits:
    """Divide positive logits of symbols that the prompt or the text has, and multiply negative ones."""
    factor = np.float32(penalty)
    return np.where(
        place.counts(place.before) > 0, np.where(logits > 0, logits / factor, logits * factor), logits
    )


def presence_penalty(logits: Logits, place: Place, penalty: float) -> Logits:
    """Take the penalty from the logit of each symbol that the text has."""
    return np.where(place.counts(place.written) > 0, logits - np.float32(penalty), logits)


def frequency_penalty(logits: Logits, place: Place, penalty: float) -> Logits:
    """Take the penalty from the logit of each symbol as often as the text has it."""
    return logits - np.float32(penalty) * place.counts(place.written).astype(np.float32)


def dry_multiplier(logits: Logits, place: Place, multiplier: float, *settings: Any) -> Logits:
    """Take from the logit of each symbol with which a repetition of the text's end would go on.

    A repetition has at most as many symbols as stand behind the last breaker.

    Args:
        logits: Of the place.  # (V,)
        place: The place.
        multiplier: Taken where as many symbols repeat as may.
        *settings: The factor for each symbol more; how many may repeat; how many of the last symbols count,
            None for all; breakers: ids in a row, of which a single one is not penalized itself, or None.
    """
    base, allowed_length, last, breakers = settings
    text, breakers = place.before.tolist()[-last if last else None :], breakers or ()
    most = int(DRY_EXPONENT / math.log(base)) if base > 1 else 0  # symbols more that count
    limit = min(_after_last(text, breakers), allowed_length + most)
    longest: dict[int, int] = {}
    for end in range(len(text) - 1):
        same = 0
        while same <= min(end, limit - 1) and text[end - same] == text[-1 - same]:
            same += 1
        longest[text[end + 1]] = max(same, longest.get(text[end + 1], 0))
    penalties = np.zeros_like(logits)
    for symbol, length in longest.items():
        if length >= allowed_length and (symbol,) not in breakers:
            penalties[symbol] = multiplier * float(base) ** (length - allowed_length)
    return logits - penalties


def _after_last(text: list[int], breakers: tuple[tuple[int, ...], ...]) -> int:
    """Count the symbols after the last of the breakers; all where there is none."""
    for after in range(len(text)):
        end = len(text) - after
        if any(tuple(text[max(0, end - len(ids)) : end]) == tuple(ids) for ids in breakers):
            return after
    return len(text)


# A row for each option with a `PenaltyRow`, in the order in which they apply: a function of logits, a place
# and the option's value with its settings. The native twin of a row is that of its name in penalties.h.
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
    """Take out what may not be drawn, then move the logits.

    Args:
        logits: Of one place; minus infinity for `<pad>`.  # (V,)
        options: With biases by id.
        prompt: Symbols of the prompt.  # (P,)
        written: Symbols of the text after it.  # (N,)
        allowed: What a guide allows; None for all.  # (V,)
    """
    if allowed is not None:
        logits = np.where(allowed, logits, -np.inf)
    place = Place(prompt, written, options.penalty_last_n, len(logits))
    for name in filter(options.turns_on, PENALTIES):
        logits = PENALTIES[name](logits, place, *options.stage_values(name))
    return logits
