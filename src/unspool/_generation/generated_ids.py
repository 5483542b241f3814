"""The result of an engine for one prompt, in ids."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Alternatives:
    """The k most probable tokens at each place of a text, under the model itself.

    Args:
        ids: The tokens, the most probable first, and on a tie the one with the smaller id, int32.  # (N, k)
        logprobs: Log-probability of each token at temperature 1, float32.  # (N, k)
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]

    def after(self, count: int) -> "Alternatives":
        """Return the alternatives without those of the first `count` places."""
        return Alternatives(self.ids[count:], self.logprobs[count:])


@dataclass(frozen=True, eq=False)
class GeneratedIds:
    """The tokens that were drawn after one prompt.

    Args:
        ids: The new tokens, without `<eos>`, int32.  # (N,)
        logprobs: Log-probability of each token under the model itself, at temperature 1 and without
            samplers, float32; one more than ids if `<eos>` was drawn.  # (N,) or (N + 1,)
        finish_reason: "stop" if `<eos>` was drawn or a stop string is complete, "length" if max_new_tokens
            was reached, "blocked" if no token was allowed, None for a piece of a stream that continues.
        constrained_logprobs: Log-probability of each token among the tokens that the guide allows, float32;
            None without a guide.  # as logprobs
        alternatives: The most probable tokens at each place; None without the option `logprobs`.
        prompt_logprobs: Log-probability of each token of the prompt, float32, 0 for a token that is not in
            the output layer; None without the option `echo`.  # (P,)
        prompt_alternatives: The most probable tokens at each place of the prompt; None unless both options
            are set.
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    finish_reason: str | None
    constrained_logprobs: NDArray[np.float32] | None = None
    alternatives: Alternatives | None = None
    prompt_logprobs: NDArray[np.float32] | None = None
    prompt_alternatives: Alternatives | None = None

    @property
    def ended(self) -> bool:
        """Whether `<eos>` was drawn."""
        return len(self.logprobs) > len(self.ids)
