"""What a search needs of a network: a function that runs it a step further, and where its prompts end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

STEPS_AT_ONCE = 256  # of a prompt: what bounds the memory that a long one needs


class Forward(Protocol):
    """Run symbols through a network whose parameters are fixed."""

    def __call__(
        self, ids: NDArray[np.int32], state: Floats, *, reset_id: int | None = None
    ) -> tuple[Floats, Floats]:
        """Run a window.

        Args:
            ids: int32.  # (T, B)
            state: Before the window; left as it is.  # (L, S, B, H)
            reset_id: Input id before which a lane's state is zeroed, or None.

        Returns:
            Logits (T, B, V), minus infinity for `<pad>`, and the state after the last step.
        """
        ...


@dataclass(frozen=True, eq=False)
class Searched:
    """Hold the network that is searched.

    Args:
        forward: Runs it.
        fresh_state: Makes the state (L, S, B, H) of B fresh starts.
        eos_id: The id of `<eos>`, the last one.
    """

    forward: Forward
    fresh_state: Callable[[int], Floats]
    eos_id: int

    def read(self, prompts: Sequence[NDArray[np.int32]]) -> tuple[Floats, Floats]:
        """Read all prompts side by side, each after the `<eos>` that starts a text.

        Shorter prompts have more of it in front, each of which starts anew.

        Args:
            prompts: At least one; ids without `<eos>`; an empty prompt is welcome.

        Returns:
            Logits for the first symbol after each prompt (P, V), and the state there (L, S, P, H).
        """
        longest = 1 + max(map(len, prompts))
        ids = np.full((longest, len(prompts)), self.eos_id, np.int32)  # (T, P)
        for column, prompt in enumerate(prompts):
            ids[longest - len(prompt) :, column] = prompt
        state = self.fresh_state(len(prompts))
        for first in range(0, longest, STEPS_AT_ONCE):
            logits, state = self.forward(ids[first : first + STEPS_AT_ONCE], state, reset_id=self.eos_id)
        return logits[-1], state


def log_probabilities(logits: Floats) -> NDArray[np.float64]:
    """Turn logits into log-probabilities in float64, none above 0, along the last axis."""
    shifted: NDArray[np.float64] = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    np.minimum(shifted, 0.0, out=shifted)
    return shifted


def log_sums(logprobs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of the summed probabilities of each row (N, V), some of which are 0 but not all."""
    highest = logprobs.max(axis=1)
    sums: NDArray[np.float64] = highest + np.log(np.exp(logprobs - highest[:, None]).sum(axis=1))
    return sums
