"""The description of a network for the native module."""

from collections.abc import Mapping
from dataclasses import dataclass

FORMATS = {"float32": 0, "bf16": 1, "int8": 2}  # number formats of products: the numbers of the native side


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """The description of a network for the native module.

    Args:
        cell: The number of the cell's native kernels, as in the row of the cell.
        states: S, the number of arrays that the cell carries from step to step.
        vocab_size: V, the number of token ids, with `<pad>`.
        hidden_size: H, the number of units in each layer.
        num_layers: L, the number of layers.
        embedding_size: E, the size of the embedding; None for a table with one row for each token.
        reset_after: Whether a GRU's reset gate acts after the recurrent product.
        residual: Whether each layer but the first adds its input to its output.
        parameter_shapes: The shape of each parameter in the stored order, by name.
        precision: Number format of the products in a training step, "float32" or "bf16"; the rest is float32.
        inference: Number format of the products where there are no gradients, a name in `FORMATS`.
    """

    cell: int
    states: int
    vocab_size: int
    hidden_size: int
    num_layers: int
    embedding_size: int | None
    reset_after: bool
    residual: bool
    parameter_shapes: Mapping[str, tuple[int, ...]]
    precision: str = "float32"
    inference: str = "float32"
