"""What generation gives back: texts, and what the model thinks of them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from unspool.generation.collecting import CollectionReport


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
        finish_reason: "stop" where the model ended the text, "length" where `max_new_tokens` did.
    """

    text: str
    prompt: str
    continuation: str
    ids: NDArray[np.int32] = field(repr=False)
    token_logprobs: NDArray[np.float32] = field(repr=False)
    finish_reason: str

    @property
    def total_logprob(self) -> float:
        """Sum the log-probabilities, in nats."""
        return math.fsum(self.token_logprobs.tolist())


class Generations(list[Generation]):
    """Hold generated texts, and what became of those that were not good enough.

    Args:
        texts: The texts.
        report: What was drawn and refused; None where nothing was asked of the texts.
    """

    def __init__(self, texts: Iterable[Generation] = (), *, report: "CollectionReport | None" = None) -> None:
        super().__init__(texts)
        self.report = report
