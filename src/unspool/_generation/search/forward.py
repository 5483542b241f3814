"""The network of a search: a function that runs it, and the states after the prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

STEPS_AT_ONCE = 256  # steps of a prompt in one call, which bounds the memory


class Forward(Protocol):
    """A function that runs tokens through a network with fixed parameters."""

    def __call__(
        self, ids: NDArray[np.int32], state: Floats, *, reset_id: int | None = None
    ) -> tuple[Floats, Floats]:
        """Run a window.

        Args:
            ids: The ids, int32.  # (T, B)
            state: The state before the window; it is not changed.  # (L, S, B, H)
            reset_id: Input id before which the state of a lane is set to zeros, or None.

        Returns:
            Logits (T, B, V), minus infinity for `<pad>`, and the state after the last step.
        """
        ...


@dataclass(frozen=True, eq=False)
class Searched:
    """The network of a search.

    Args:
        forward: Function that runs the network.
        fresh_state: Function that returns the state (L, S, B, H) of B fresh starts.
        eos_id: The id of `<eos>`, the last one.
        forbidden: The id of a token that no text may have, or None.
    """

    forward: Forward
    fresh_state: Callable[[int], Floats]
    eos_id: int
    forbidden: int | None = None

    def read(self, prompts: Sequence[NDArray[np.int32]]) -> tuple[Floats, Floats]:
        """Read all prompts together, each after the `<eos>` that starts a text.

        A shorter prompt has several `<eos>` before it, each of which resets the state.

        Args:
            prompts: The ids of at least one prompt, without `<eos>`; a prompt may be empty.

        Returns:
            Logits of the first token after each prompt (P, V), and the state after it (L, S, P, H).
        """
        longest = 1 + max(map(len, prompts))
        ids = np.full((longest, len(prompts)), self.eos_id, np.int32)  # (T, P)
        for column, prompt in enumerate(prompts):
            ids[longest - len(prompt) :, column] = prompt
        state = self.fresh_state(len(prompts))
        for first in range(0, longest, STEPS_AT_ONCE):
            logits, state = self.forward(ids[first : first + STEPS_AT_ONCE], state, reset_id=self.eos_id)
        return logits[-1], state

    def log_probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Return the log-probabilities of the next tokens (N, V): the network's own, or none if forbidden."""
        steps = log_probabilities(logits)
        if self.forbidden is not None:
            steps[:, self.forbidden] = -np.inf
        return steps


def log_probabilities(logits: Floats) -> NDArray[np.float64]:
    """Return the log-probabilities of logits along the last axis, in float64 and at most 0."""
    shifted: NDArray[np.float64] = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    np.minimum(shifted, 0.0, out=shifted)
    return shifted


def log_sums(logprobs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log of the sum of the probabilities in each row (N, V); at least one must not be 0."""
    highest = logprobs.max(axis=1)
    sums: NDArray[np.float64] = highest + np.log(np.exp(logprobs - highest[:, None]).sum(axis=1))
    return sums
