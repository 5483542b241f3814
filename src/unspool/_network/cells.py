"""The recurrent cells: their gates, their state and one plain NumPy step to read and test against.

A cell is one row of `CELLS`. Its PyTorch layer is an entry of `TORCH_CELLS` in `unspool._engines.torch`. Its
native kernels, if it has any, are in ``native/network/cells.h``. The step takes the projected input ``x @
input_kernel + bias``, so that a whole window is projected in one product (or read from a table when the input
is one-hot).

The gates are side by side in the columns of one matrix, in the order of Keras. The state of a layer is (S, B,
H): row 0 is the hidden state, which is the layer's output; row 1 of an LSTM is its cell state.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LayerParameters:
    """The arrays of one layer.

    Args:
        input_kernel: Kernel of the layer's input of size I (V for a one-hot first layer).  # (I, G·H)
        recurrent_kernel: Kernel of the hidden state.  # (H, G·H)
        bias: Bias of the gates; the projected inputs of a step already contain it.  # (G·H,)
        recurrent_bias: Bias that the reset gate multiplies too; only a GRU with reset_after has one.  # (H,)
    """

    input_kernel: Array
    recurrent_kernel: Array
    bias: Array
    recurrent_bias: Array | None = None


Step = Callable[[LayerParameters, Array, Array], Array]


@dataclass(frozen=True)
class Cell:
    """One kind of recurrent cell, as the rest of the package uses it.

    Args:
        name: The name in configurations and flags.
        gates: A name for each gate, in the order of the columns.
        states: S, the number of (B, H) arrays that are carried from step to step.
        step: A function (parameters, projected inputs (B, G·H), state (S, B, H)) -> state (S, B, H).
        forget_gate: The gate whose bias starts at 1, so that the state is remembered; None if there is none.
        reset_gate: Whether the cell has the reset_after variant.
        native: Its number in ``enum class Cell`` of ``native/dispatch/kernels.h``; None for a cell without
            native kernels, which the engine "cpu" refuses.
    """

    name: str
    gates: tuple[str, ...]
    states: int
    step: Step
    forget_gate: str | None = None
    reset_gate: bool = False
    native: int | None = None


def sigmoid(x: Array) -> Array:
    """Return the logistic function, in (0, 1); this form cannot overflow."""
    y: Array = 0.5 * np.tanh(0.5 * x) + 0.5
    return y


def rnn_step(parameters: LayerParameters, inputs: Array, state: Array) -> Array:
    """Compute one step of the simple recurrent network: h = tanh(x + h_prev U) (Elman, 1990).

    Args:
        parameters: The arrays of the layer.
        inputs: The projected inputs.  # (B, H)
        state: The state before the step.  # (1, B, H)

    Returns:
        The state after the step.  # (1, B, H)
    """
    (h_prev,) = state
    h: Array = np.tanh(inputs + h_prev @ parameters.recurrent_kernel)  # (B, H)
    return h[None]  # (1, B, H)


def lstm_step(parameters: LayerParameters, inputs: Array, state: Array) -> Array:
    """Compute one step of the LSTM with a forget gate (Gers, Schmidhuber and Cummins, 2000).

    Args:
        parameters: The arrays of the layer.
        inputs: The projected inputs.  # (B, 4H)
        state: The hidden state and the cell state before the step.  # (2, B, H)

    Returns:
        The state after the step.  # (2, B, H)
    """
    h_prev, c_prev = state
    pre = inputs + h_prev @ parameters.recurrent_kernel  # (B, 4H)
    i, f, g, o = np.split(pre, 4, axis=-1)  # (B, H) each
    c = sigmoid(f) * c_prev + sigmoid(i) * np.tanh(g)  # (B, H)
    h = sigmoid(o) * np.tanh(c)  # (B, H)
    return np.stack([h, c])  # (2, B, H)


def gru_step(parameters: LayerParameters, inputs: Array, state: Array) -> Array:
    """Compute one step of the GRU (Cho et al., 2014), with the reset gate before or after the product.

    With a recurrent bias the reset gate multiplies h_prev U + bias (reset_after, the form of cuDNN and
    PyTorch). Without one it multiplies h_prev before the product, as in the paper.

    Args:
        parameters: The arrays of the layer.
        inputs: The projected inputs.  # (B, 3H)
        state: The state before the step.  # (1, B, H)

    Returns:
        The state after the step.  # (1, B, H)
    """
    (h_prev,) = state
    H = h_prev.shape[-1]
    U = parameters.recurrent_kernel  # (H, 3H), gates z, r, h
    gates = sigmoid(inputs[:, : 2 * H] + h_prev @ U[:, : 2 * H])  # (B, 2H)
    z, r = gates[:, :H], gates[:, H:]  # (B, H) each
    if parameters.recurrent_bias is None:
        recurrent = (r * h_prev) @ U[:, 2 * H :]  # (B, H)
    else:
        recurrent = r * (h_prev @ U[:, 2 * H :] + parameters.recurrent_bias)  # (B, H)
    n = np.tanh(inputs[:, 2 * H :] + recurrent)  # (B, H)
    h: Array = z * h_prev + (1 - z) * n  # (B, H)
    return h[None]  # (1, B, H)


CELLS: dict[str, Cell] = {
    "rnn": Cell("rnn", gates=("h",), states=1, step=rnn_step, native=0),
    "lstm": Cell("lstm", gates=("i", "f", "c", "o"), states=2, step=lstm_step, forget_gate="f", native=1),
    "gru": Cell("gru", gates=("z", "r", "h"), states=1, step=gru_step, reset_gate=True, native=2),
}


def native_cells() -> list[str]:
    """Return the names of the cells that have native kernels."""
    return [name for name, cell in CELLS.items() if cell.native is not None]
