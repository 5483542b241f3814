"""A network as it is found elsewhere: recurrent layers between an input and an output, in its own ids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ArtifactError, ConfigError
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig

Floats = NDArray[np.float32]
ONE_SIZE = "a network here has layers of one size, each of which reads the one before"


@dataclass(frozen=True, eq=False)
class StackLayer:
    """One recurrent layer, its gates in the order of Keras.

    Args:
        name: What it is called where it comes from, for messages.
        input_kernel: The kernel of its input.  # (I, G·H)
        recurrent_kernel: The kernel of its state.  # (H, G·H)
        bias: The bias of its gates.  # (G·H,)
        recurrent_bias: The bias that the reset gate multiplies; None but for a GRU with reset_after.  # (H,)
    """

    name: str
    input_kernel: Floats
    recurrent_kernel: Floats
    bias: Floats
    recurrent_bias: Floats | None = None


@dataclass(frozen=True, eq=False)
class Stack:
    """A network of another library.

    Args:
        cell: A name in `CELLS`.
        layers: Its recurrent layers.
        output_kernel: The kernel of the output layer.  # (H, V)
        output_bias: The bias of the output layer.  # (V,)
        embedding: The vector of each id; None for one-hot input.  # (V, E)
        tied: Whether the output kernel is the embedding, transposed.
        skips_padding: Whether its layers pass over id 0.
        output_name: What the output layer is called where it comes from.
    """

    cell: str
    layers: Sequence[StackLayer]
    output_kernel: Floats
    output_bias: Floats
    embedding: Floats | None = None
    tied: bool = False
    skips_padding: bool = False
    output_name: str = "the output layer"

    @property
    def vocab_size(self) -> int:
        """Return V, the number of its ids."""
        return len(self.output_bias)

    @property
    def hidden_size(self) -> int:
        """Return H, the number of units of its first layer."""
        return len(self.layers[0].recurrent_kernel)

    def network(self, vocab_size: int, *, tied: bool) -> NetworkConfig:
        """Return the configuration of the network with another vocabulary.

        Raises:
            ArtifactError: If there is no such network here.
        """
        first = self.layers[0]
        try:
            return NetworkConfig(
                cell=self.cell,
                hidden_size=self.hidden_size,
                num_layers=len(self.layers),
                embedding_size=None if self.embedding is None else self.embedding.shape[1],
                tied_output=tied,
                reset_after=not CELLS[self.cell].reset_gate or first.recurrent_bias is not None,
                vocab_size=vocab_size,
            )
        except ConfigError as error:
            raise ArtifactError(f"{first.name}: {error}", hint=error.hint) from None


def expect_shape(
    where: str, array: NDArray[np.float32], shape: tuple[int, ...], hint: str = ONE_SIZE
) -> None:
    """Refuse an array of another shape, by the name of its layer.

    Raises:
        ArtifactError: If it has another shape.
    """
    if array.shape != shape:
        raise ArtifactError(where, expected=f"shape {shape}", got=f"shape {array.shape}", hint=hint)


def check_stack(stack: Stack) -> Stack:
    """Return a stack whose arrays fit together.

    Raises:
        ArtifactError: If one does not; the message has its layer, the shape found and the shape wanted.
    """
    H, V = stack.hidden_size, stack.vocab_size
    G = len(CELLS[stack.cell].gates) * H
    inputs = V if stack.embedding is None else stack.embedding.shape[1]
    for layer in stack.layers:
        expect_shape(f"{layer.name}: recurrent kernel", layer.recurrent_kernel, (H, G))
        expect_shape(f"{layer.name}: input kernel", layer.input_kernel, (inputs, G))
        expect_shape(f"{layer.name}: bias", layer.bias, (G,))
        inputs = H
    expect_shape(f"{stack.output_name}: kernel", stack.output_kernel, (H, V))
    if stack.embedding is not None:
        hint = "a symbol that is read is a symbol that is written"
        expect_shape("the embedding", stack.embedding, (V, stack.embedding.shape[1]), hint)
    return stack
