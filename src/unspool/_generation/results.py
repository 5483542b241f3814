"""The results of generation: texts with their log-probabilities."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unspool._generation.generated_ids import Alternatives
from unspool._generation.selecting.report import CollectionReport


@dataclass(frozen=True, eq=False)
class Generation:
    """A generated text.

    Args:
        text: The prompt and its continuation.
        prompt: The prompt as the model read it: normalized, without symbols that were dropped.
        continuation: What the model wrote.
        ids: The tokens of the continuation, int32.  # (N,)
        token_logprobs: Natural log-probability of each token under the model at temperature 1, float32; one
            more than `ids` if the model ended the text.  # (N,) or (N + 1,)
        finish_reason: "stop" if the model or a stop string ended the text, "length" if `max_new_tokens` did,
            "blocked" if no token was allowed.
        stop_reason: The stop string that ended the text, or None. Its tokens stay in `ids`, though it is cut
            from the text.
        constrained_logprobs: Log-probability of each token among the allowed tokens, float32; None without a
            constraint and `bad_words`.  # as token_logprobs
        alternatives: The most probable tokens at each place; None without the option `logprobs`.
        prompt_logprobs: Log-probability of each token of the prompt, float32; None without the option
            `echo`.  # (P,)
        prompt_alternatives: The most probable tokens at each place of the prompt; None unless both options
            are set.

    Example:
        >>> import numpy as np
        >>> from unspool import Generation
        >>> ids, logprobs = np.array([1, 2], np.int32), np.array([-1.5, -0.5], np.float32)
        >>> text = Generation("see it", "see ", "it", ids, logprobs, "length")
        >>> print(text, text.total_logprob)
        see it -2.0
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

    def __str__(self) -> str:
        return self.text

    @property
    def total_logprob(self) -> float:
        """The sum of the log-probabilities, in nats.

        Example:
            >>> (text,) = model.generate("a", seed=0)
            >>> text.total_logprob < 0
            True
        """
        return math.fsum(self.token_logprobs.tolist())

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of a token, in nats; minus infinity without tokens.

        Example:
            >>> (text,) = model.generate("a", seed=0)
            >>> text.total_logprob <= text.mean_logprob < 0
            True
        """
        return self.total_logprob / len(self.token_logprobs) if len(self.token_logprobs) else -math.inf


class Generations(list[Generation]):
    """A list of generated texts, with a report on the refused ones.

    Args:
        texts: The texts.
        report: The numbers of drawn and refused texts; None if there was no selection.

    Example:
        >>> from unspool import Generations
        >>> from unspool._generation.selecting.report import CollectionReport
        >>> Generations(report=CollectionReport(asked=2, accepted=2, attempts=3)).report.complete
        True
    """

    def __init__(self, texts: Iterable[Generation] = (), *, report: CollectionReport | None = None) -> None:
        super().__init__(texts)
        self.report = report
