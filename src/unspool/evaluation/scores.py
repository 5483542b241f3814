"""How probable separate texts are, symbol by symbol."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import Engine, Parameters
from unspool.evaluation.forward import parts, token_losses
from unspool.evaluation.streams import BATCH_SYMBOLS, bits_per_character
from unspool.text.batches import padded_batches
from unspool.text.tokenizers import Tokenizer
from unspool.text.unknown_symbols import Unknown

TEXTS_AT_ONCE = 1 << 14


@dataclass(frozen=True, eq=False, slots=True)
class TextScore:
    """Tell how probable one text is.

    Args:
        total_logprob: Log-probability of the text and of ending after it, in nats.
        token_logprobs: The same symbol by symbol; the last is that of `<eos>`.  # (N + 1,)
        bits_per_character: -total_logprob / ln 2 over the text's characters; None for an empty text.
    """

    total_logprob: float
    token_logprobs: NDArray[np.float32]
    bits_per_character: float | None


def score_texts(
    engine: Engine,
    parameters: Parameters,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    unknown: Unknown = "error",
) -> list[TextScore]:
    """Score texts, each on its own from an empty state; their order and company change nothing.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        tokenizer: The network's tokenizer; it normalizes the texts.
        texts: Any texts.
        unknown: What becomes of a symbol that is not known, as in `Tokenizer.encode`.

    Returns:
        A score for each text, in the order of the texts.

    Raises:
        UnknownSymbolError: If a symbol is not known and `unknown` is "error".
    """
    scores: list[TextScore] = []
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        some = [tokenizer.normalize(text) for text in texts[first : first + TEXTS_AT_ONCE]]

        def place(index: int, first: int = first) -> tuple[str, int]:
            return f"text {first + index + 1}", 0

        encoded = tokenizer.encode_texts(some, unknown=unknown, place=place)
        sequences = np.split(encoded.ids, np.cumsum(encoded.lengths)[:-1])
        logprobs = sequence_logprobs(engine, parameters, sequences, eos_id=tokenizer.eos_id)
        scores += [_score(row, int(n)) for row, n in zip(logprobs, encoded.characters, strict=True)]
    return scores


def sequence_logprobs(
    engine: Engine, parameters: Parameters, sequences: Sequence[NDArray[Any]], *, eos_id: int
) -> list[NDArray[np.float32]]:
    """Give the log-probability of every symbol of separate sequences, and of `<eos>` after them.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        sequences: Token ids without `<eos>`.
        eos_id: The id of `<eos>`.

    Returns:
        One array for each sequence, one longer than it.
    """
    logprobs: dict[int, NDArray[np.float32]] = {}
    for batch in padded_batches(sequences, max_symbols=BATCH_SYMBOLS, eos_id=eos_id):
        losses = np.concatenate(list(token_losses(engine, parameters, parts(batch.window))))  # (T, B)
        for column, index in enumerate(batch.indices.tolist()):
            logprobs[index] = -losses[: len(sequences[index]) + 1, column].astype(np.float32)
    return [logprobs[index] for index in range(len(sequences))]


def _score(logprobs: NDArray[np.float32], characters: int) -> TextScore:
    total = float(logprobs.sum(dtype=np.float64))
    bits = bits_per_character(-total, characters) if characters else None
    return TextScore(total_logprob=total, token_logprobs=logprobs, bits_per_character=bits)
