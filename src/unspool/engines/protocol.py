"""What every engine offers: the same network, computed in its own way.

Parameters are a flat dictionary with the names of `unspool.network.parameters`. State is passed in and
returned, never kept inside: (L, S, B, H) float32, zeros at a fresh start. Windows are time-major.
<pad> (id 0) is outside the softmax: its logit is -inf, and a target of 0 is not counted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool.errors import ConfigError, NetworkError
from unspool.generation.writer import WritingEngine
from unspool.network.config import NetworkConfig

if TYPE_CHECKING:
    from unspool.text.streams.lanes import Window

Floats = NDArray[np.floating[Any]]
Parameters = Mapping[str, Floats]
Gradients = dict[str, Floats]
StateArray = Floats
DropoutMasks = Floats
LARGEST_LOGIT = 1e30  # in size; what is larger could become infinite by a penalty
STATES = "conditions.states"  # the gradient by states that were given, among those of the parameters


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


def finite_logits(logits: Floats) -> Floats:
    """Return the logits (…, V) as they are, once they are known to be finite but for the `<pad>` column.

    Raises:
        NetworkError: If one is not, or is so large that penalties could make it infinite.
    """
    symbols = logits[..., 1:]
    if symbols.size and not (symbols.min() >= -LARGEST_LOGIT and symbols.max() <= LARGEST_LOGIT):
        raise NetworkError
    return logits


class Engine(WritingEngine, Protocol):
    """One way to compute a network.

    Attributes:
        config: The network, its vocab_size set.
        threads: Threads that it runs on.
        precision: In what it multiplies where it makes gradients: "float32", "bf16", "bf16 (emulated)", or
            "float64" for an oracle.
    """

    config: NetworkConfig
    threads: int
    precision: str

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
            parameters: The network's parameters. A network with a tied output may be given an
                `output.kernel` beside them, which counts in place of the embedding.
            window: ids (T, B) and targets (T, B); a target of 0 is not counted. Without conditions, a network
                that has a place for them is told nothing: a context and a start vector of zeros.
            state: (L, S, B, H) before the window; no gradient flows into it.
            reset_id: Where an input has this id, the lane's state is that of a record's start before that
                step, zeros unless a start is given, and no gradient flows across; None for never.
            masks: (L, B, H) of 0 or 1/(1-p), multiplied onto each layer's output (what the next layer
                or the output layer sees, not what the layer itself carries on) before a residual sum, the
                same at every step of the window; None for no dropout.
            final_grad: The gradient of a further loss by the state after the window (L, S, B, H), added to
                the mean of the window's own; None for none. An encoder is trained by it: its window has no
                counted target, and the output layer is then left out.

        Returns:
            The loss; the gradients of total/count by each parameter (zeros if nothing is counted), and by
            "conditions.states" (R, L, S, H) where these are given, in arrays that belong to the engine and
            are overwritten by its next call; the state after the window.
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
    """Make the error for a cell that an engine cannot compute.

    Args:
        cell: The cell.
        able: The cells that the engine can compute.
        engine: The engine.
        instead: The engine to choose for that cell.
    """
    expected = f"a cell that it can compute ({', '.join(able)})"
    return ConfigError(f"engine {engine}", expected=expected, got=cell, hint=f'choose engine="{instead}"')
