"""What generation gives back: texts, and what the model thinks of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unspool.generation.generated_ids import Alternatives
from unspool.generation.selecting.report import CollectionReport


@dataclass(frozen=True, eq=False)
class Generation:
    """Hold one generated text.

    Args:
        text: The prompt and its continuation.
        prompt: The prompt as the model read it: normalized, without symbols that were dropped.
        continuation: What the model wrote.
        ids: The symbols of the continuation, int32.  # (N,)
        token_logprobs: Natural log-probability of each under the model at temperature 1, float32; one more
            than `ids` where the model ended the text.  # (N,) or (N + 1,)
        finish_reason: "stop" where the model or a stop string ended the text, "length" where
            `max_new_tokens` did, "blocked" where nothing was left that may be written.
        stop_reason: The stop string that ended the text, else None. `ids` hold the symbols that it is
            written with, though they are cut from the text.
        constrained_logprobs: Under a constraint or `bad_words`, log-probability of each symbol where all that
            is allowed there has the probability 1 together, float32; else None.  # as token_logprobs
        alternatives: The most probable symbols at each place, where `logprobs` asks for them.
        prompt_logprobs: Log-probability of each symbol of the prompt, float32, where `echo` asks for
            it.  # (P,)
        prompt_alternatives: The most probable symbols at each place of the prompt, where both do.
    """

    text: str
    prompt: str
    continuation: str
    ids: NDArray[np.int32] = field(repr=False)
    token_logprobs: NDArray[np.float32] = field(repr=False)
    finish_reason: str
    stop_reason: str | None = None
    constrained_logprobs: NDArray[np.float32] | None = field(repr=False, default=None)
    alternatives: Alternatives | None = field(repr=False, default=None)
    prompt_logprobs: NDArray[np.float32] | None = field(repr=False, default=None)
    prompt_alternatives: Alternatives | None = field(repr=False, default=None)

    @property
    def total_logprob(self) -> float:
        """Sum the log-probabilities, in nats."""
        return math.fsum(self.token_logprobs.tolist())

    @property
    def mean_logprob(self) -> float:
        """Give the mean log-probability of the symbols, in nats; minus infinity where there is none."""
        return self.total_logprob / len(self.token_logprobs) if len(self.token_logprobs) else -math.inf


class Generations(list[Generation]):
    """Hold generated texts, and what became of those that were not good enough.

    Args:
        texts: The texts.
        report: What was drawn and refused; None where nothing was asked of the texts.
    """

    def __init__(self, texts: Iterable[Generation] = (), *, report: CollectionReport | None = None) -> None:
        super().__init__(texts)
        self.report = report
