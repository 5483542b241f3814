"""The protocol of an engine: every engine computes the same network.

Parameters are a flat dictionary with the names of `unspool._network.parameters`. The state is an argument and
a result, and never kept inside: (L, S, B, H) float32, zeros at a fresh start. Windows are time-major. <pad>
(id 0) is outside the softmax: its logit is -inf, and a target of 0 is not counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError, NetworkError
from unspool._generation.writer import WritingEngine
from unspool._network.config import NetworkConfig

if TYPE_CHECKING:
    from unspool._text.streams.lanes import Window

Floats = NDArray[np.floating[Any]]
Parameters = Mapping[str, Floats]
Gradients = dict[str, Floats]
StateArray = Floats
DropoutMasks = Floats
LARGEST_LOGIT = 1e30  # in absolute value; a penalty could make a larger one infinite
STATES = "conditions.states"  # name of the gradient by the states of the conditions


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one window.

    Args:
        total: Negative log-likelihood in nats, summed over the counted targets.
        count: Number of counted targets (those that are not 0).
    """

    total: float
    count: int

    @property
    def mean(self) -> float:
        """Nats per counted target; 0 if no target is counted."""
        return self.total / self.count if self.count else 0.0


def finite_logits(logits: Floats) -> Floats:
    """Check that all logits (…, V) but the `<pad>` column are finite, and return them.

    Raises:
        NetworkError: If a logit is not finite, or is so large that a penalty could make it infinite.
    """
    symbols = logits[..., 1:]
    if symbols.size and not (symbols.min() >= -LARGEST_LOGIT and symbols.max() <= LARGEST_LOGIT):
        raise NetworkError
    return logits


class Engine(WritingEngine, Protocol):
    """An engine, which computes a network.

    Attributes:
        config: The network, its vocab_size set.
        threads: Number of threads in use.
        precision: Number format of the products in training: "float32", "bf16", "bf16 (emulated)", or
            "float64" for a reference.
        inference: Number format of the products of everything else: "float32", "bf16", "int8" or "float64".
    """

    config: NetworkConfig
    threads: int
    precision: str
    inference: str

    def loss_and_gradients(
        self,
        parameters: Parameters,
        window: "Window",
        state: StateArray,
        *,
        reset_id: int | None,
        masks: DropoutMasks | None = None,
        final_grad: Floats | None = None,
    ) -> tuple[Loss, Gradients, StateArray]:
        """Run a window forward and backward (truncated backpropagation through time).

        Args:
            parameters: The parameters of the network. With a tied output there may also be an
                `output.kernel`, which is then used in place of the embedding.
            window: Ids (T, B) and targets (T, B); a target of 0 is not counted. Without conditions, the
                context and the start vector of a network that has them are zeros.
            state: The state before the window (L, S, B, H); no gradient flows into it.
            reset_id: The id that starts a record. Before a step with this id the state of the lane becomes
                the first state of a record, and no gradient flows across; None for never. The first state is
                zeros unless the conditions have another.
            masks: Dropout masks (L, B, H) of 0 or 1/(1-p), the same at every step; None for no dropout. They
                multiply the output of each layer, before a residual sum, but not the state that the layer
                carries to the next step.
            final_grad: The gradient of another loss by the state after the window (L, S, B, H), which is
                added to the mean loss of the window; None for none. An encoder is trained by it: its window
                has no counted target, and then the output layer is not computed.

        Returns:
            The loss; the gradients of total/count; the state after the window. There is a gradient by each
            parameter (zeros if no target is counted), and by "conditions.states" (R, L, S, H) if the
            conditions have states. The next call overwrites these arrays.
        """
        ...

    def token_losses(
        self, parameters: Parameters, window: "Window", state: StateArray, *, reset_id: int | None
    ) -> tuple[Floats, StateArray]:
        """Run a window forward only.

        Returns:
            Nats of each target (T, B), 0 where the target is 0; the state after the window.
        """
        ...


def refused_cell(cell: str, able: Iterable[str], *, engine: str, instead: str) -> ConfigError:
    """Return the error for a cell that an engine cannot compute.

    Args:
        cell: The cell.
        able: The cells that the engine can compute.
        engine: The engine.
        instead: The engine to choose for that cell.
    """
    expected = f"a cell that it can compute ({', '.join(able)})"
    return ConfigError(f"engine {engine}", expected=expected, got=cell, hint=f'choose engine="{instead}"')
