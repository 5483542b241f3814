"""What a native network needs to know of a network."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """What a native network needs to know of a network.

    Args:
        cell: The number of its native kernels, as in the row of the cell.
        states: S, arrays that the cell carries from step to step.
        vocab_size: V, `<pad>` included.
        hidden_size: H.
        num_layers: L.
        embedding_size: E, or None for a table of one row per symbol.
        reset_after: Whether a GRU's reset gate acts after the recurrent product.
        residual: Whether each layer but the first hands on its output plus its input.
        parameter_shapes: The shape of each parameter in the stored order, by name.
        precision: "float32" or "bf16": of the products of a step that makes gradients; all else is float32.
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
