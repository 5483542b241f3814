"""What an engine drew after a prompt, in ids."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Hold the k most probable symbols at each place of a text, under the model itself.

    Args:
        ids: The most probable one first, of equals the one with the smaller id, int32.  # (N, k)
        logprobs: Log-probability of each at temperature 1, float32.  # (N, k)
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]

    def after(self, count: int) -> "Alternatives":
        """Leave the first places out."""
        return Alternatives(self.ids[count:], self.logprobs[count:])


@dataclass(frozen=True, eq=False)
class GeneratedIds:
    """Hold what was drawn after one prompt.

    Args:
        ids: The new symbols, without `<eos>`, int32.  # (N,)
        logprobs: Log-probability of each symbol under the model itself, at temperature 1 and without
            filters, float32; one more than ids where `<eos>` was drawn.  # (N,) or (N + 1,)
        finish_reason: "stop" where `<eos>` was drawn or a stop string is complete, "length" where
            max_new_tokens was reached, "blocked" where nothing was left that may be drawn, None for a piece
            of a stream that goes on.
        constrained_logprobs: Under a guide, the same where what it allows has the probability 1
            together, float32; None without one.  # as logprobs
        alternatives: The most probable symbols at each place, where they were asked for.
        prompt_logprobs: Log-probability of each symbol of the prompt, float32, where it was asked for; 0 for
            one that is not in the output layer.  # (P,)
        prompt_alternatives: The most probable symbols at each place of the prompt, likewise.
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
        """Tell whether `<eos>` was drawn."""
        return len(self.logprobs) > len(self.ids)
