"""A minimal gated unit as a further cell: its row, and its step in PyTorch.

Zhou, Wu, Zhang and Zhou, "Minimal gated unit for recurrent neural networks" (2016). Its forget gate is called
``f`` in the paper, but where it is open the old state is overwritten: its bias need not start at 1.
"""

from typing import Any

import numpy as np

from unspool._network.cells import CELLS, Array, Cell, LayerParameters, sigmoid


def mgu_step(parameters: LayerParameters, inputs: Array, state: Array) -> Array:
    """Do one step of the minimal gated unit: h = (1 - f) h_prev + f tanh(x + (f h_prev) U)."""
    (h_prev,) = state
    x_f, x_h = np.split(inputs, 2, axis=-1)  # (B, H) each
    U_f, U_h = np.split(parameters.recurrent_kernel, 2, axis=-1)  # (H, H) each
    f = sigmoid(x_f + h_prev @ U_f)  # (B, H)
    h: Array = (1 - f) * h_prev + f * np.tanh(x_h + (f * h_prev) @ U_h)  # (B, H)
    return h[None]  # (1, B, H)


def mgu_torch_step(kernel: Any, _bias: Any, inputs: Any, state: Any) -> Any:
    """Do the same step in PyTorch."""
    (x_f, x_h), (U_f, U_h) = inputs.chunk(2, dim=1), kernel.chunk(2, dim=1)
    f = (x_f + state[0] @ U_f).sigmoid()  # (B, H)
    candidate = (x_h + (f * state[0]) @ U_h).tanh()  # (B, H)
    return ((1 - f) * state[0] + f * candidate).unsqueeze(0)  # (1, B, H)


MGU = Cell("mgu", gates=("f", "h"), states=1, step=mgu_step)


def register() -> None:
    """Put the cell into the tables of this process."""
    from unspool._engines.torch import TORCH_CELLS, TorchCell

    CELLS["mgu"] = MGU
    TORCH_CELLS["mgu"] = TorchCell(mgu_torch_step, "PyTorch has no minimal gated unit")
