"""What comes before the samplers: symbols that may not be drawn, and logits that are moved.

Plain NumPy functions on the logits of one place, minus infinity for what may not be drawn; the native loop in
``native/writing/penalties.h`` is their twin.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.options.generation_options import GenerationOptions

Logits = NDArray[np.floating[Any]]
Ids = NDArray[np.integer[Any]]
Counts = NDArray[np.int64]


def repetition_penalty(logits: Logits, seen: Counts, penalty: float) -> Logits:
    """Divide positive logits of symbols that the prompt or the text has, and multiply negative ones."""
    factor = np.float32(penalty)
    return np.where(seen > 0, np.where(logits > 0, logits / factor, logits * factor), logits)


def presence_penalty(logits: Logits, written: Counts, penalty: float) -> Logits:
    """Take the penalty from the logit of each symbol that the text has."""
    return np.where(written > 0, logits - np.float32(penalty), logits)


def frequency_penalty(logits: Logits, written: Counts, penalty: float) -> Logits:
    """Take the penalty from the logit of each symbol as often as the text has it."""
    return logits - np.float32(penalty) * written.astype(np.float32)


# Each penalty, and whether the prompt's symbols count with the text's.
PENALTIES: dict[str, tuple[Callable[[Logits, Counts, float], Logits], bool]] = {
    "repetition_penalty": (repetition_penalty, True),
    "presence_penalty": (presence_penalty, False),
    "frequency_penalty": (frequency_penalty, False),
}


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
    V = len(logits)
    before = np.concatenate([prompt, written]).astype(np.int64)
    if allowed is not None:
        logits = np.where(allowed, logits, -np.inf)
    if len(written) < options.min_tokens:
        logits = np.where(np.arange(V) == V - 1, -np.inf, logits)  # <eos>
    if options.no_repeat_ngram_size is not None:
        repeats = repeated_ngrams(before, options.no_repeat_ngram_size, V)
        logits = np.where(repeats, -np.inf, logits)
    for symbol, bias in (options.logit_bias or {}).items():
        logits = np.where(np.arange(V) == symbol, logits + np.float32(bias), logits)
    last = len(before) if options.penalty_last_n is None else options.penalty_last_n
    for name, (penalize, with_prompt) in PENALTIES.items():
        penalty = getattr(options, name)
        if penalty is not None:
            counted = before if with_prompt else written
            counts = np.bincount(counted[max(0, len(counted) - last) :], minlength=V)
            logits = penalize(logits, counts, penalty)
    return logits
