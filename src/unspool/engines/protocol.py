"""What every engine offers: the same network, computed in its own way.

Parameters are a flat dictionary with the names of `unspool.network.parameters`. State is passed in and
returned, never kept inside: (L, S, B, H) float32, zeros at a fresh start. Windows are time-major.
<pad> (id 0) is outside the softmax: its logit is -inf, and a target of 0 is not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool.network.config import NetworkConfig

if TYPE_CHECKING:
    from unspool.generation.options import GeneratedIds, GenerationOptions
    from unspool.generation.search.forward import Forward
    from unspool.text.lanes import Window

Floats = NDArray[np.floating[Any]]
Parameters = Mapping[str, Floats]
Gradients = dict[str, Floats]
State = Floats
DropoutMasks = Floats


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one window.

    Args:
        total: Negative log-likelihood in nats, summed over the counted targets.
        count: How many targets are counted (those that are not 0).
    """

    total: float
    count: int

    @property
    def mean(self) -> float:
        """Give nats per counted target; 0 where nothing is counted."""
        return self.total / self.count if self.count else 0.0


class Engine(Protocol):
    """One way to compute a network.

    Attributes:
        config: The network, its vocab_size set.
        threads: Threads that it runs on.
    """

    config: NetworkConfig
    threads: int

    def initial_state(self, batch_size: int) -> State:
        """Make the state of a fresh start: zeros (L, S, B, H)."""
        ...

    def loss_and_gradients(
        self,
        parameters: Parameters,
        window: "Window",
        state: State,
        *,
        reset_id: int | None,
        masks: DropoutMasks | None = None,
    ) -> tuple[Loss, Gradients, State]:
        """Run a window forward and backward (truncated backpropagation through time).

        Args:
            parameters: The network's parameters.
            window: ids (T, B) and targets (T, B); a target of 0 is not counted.
            state: (L, S, B, H) before the window; no gradient flows into it.
            reset_id: Where an input has this id, the lane's state is zeroed before that step and no
                gradient flows across; None for never.
            masks: (L, B, H) of 0 or 1/(1-p), multiplied onto each layer's output (what the next layer
                or the output layer sees, not what the layer itself carries on), the same at every step
                of the window; None for no dropout.

        Returns:
            The loss; the gradients of total/count by each parameter (zeros if nothing is counted), in
            arrays that belong to the engine and are overwritten by its next call; the state after the
            window.
        """
        ...

    def token_losses(
        self, parameters: Parameters, window: "Window", state: State, *, reset_id: int | None
    ) -> tuple[Floats, State]:
        """Run a window forward only.

        Returns:
            Nats of each target (T, B), 0 where the target is 0; the state after the window.
        """
        ...

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: State,
        *,
        reset_id: int | None = None,
    ) -> tuple[Floats, State]:
        """Run ids (T, B) forward.

        Returns:
            Logits (T, B, V), the <pad> column -inf; the state after the last step.
        """
        ...

    def forward(self, parameters: Parameters, *, lanes: int) -> "Forward":
        """Prepare `logits` for many short calls with the same parameters.

        Args:
            parameters: The network's parameters; they must not change while the result is in use.
            lanes: How many sequences a call will have, or about.

        Returns:
            A function that does as `logits` does; other calls of the engine may come between two of it.
        """
        ...

    def generate(
        self,
        parameters: Parameters,
        prompts: Sequence[NDArray[np.integer[Any]]],
        options: "GenerationOptions",
        *,
        first: int = 0,
    ) -> "list[GeneratedIds]":
        """Continue every prompt; sequence i draws from the random stream (seed, first + i) alone.

        Args:
            parameters: The network's parameters.
            prompts: One array of ids for each sequence to generate, already repeated n times, without the
                <eos> that starts a record: the engine reads it first. An empty one is welcome.
            options: How to sample and when to stop.
            first: Random stream of the first sequence.

        Returns:
            The new ids of each sequence, in the order of the prompts.
        """
        ...

    def stream(
        self, parameters: Parameters, prompt: NDArray[np.integer[Any]], options: "GenerationOptions"
    ) -> "Iterator[GeneratedIds]":
        """Continue one prompt piece by piece; together the pieces are what `generate` gives for it alone."""
        ...
