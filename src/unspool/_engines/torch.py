"""The same network in PyTorch: every step written out, the gradients by autograd.

It is made to be trusted, not to be fast: it shares no code with the native kernels, runs in float32 or
float64, and computes every variant (resets, masks, cells) with the same few lines. The tests compare the
other engines with it. The engine that goes by the name "torch" is `unspool._engines.fused_torch`, which falls
back on these steps where PyTorch has no fused layer for a network.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unspool._configuration import check, is_whole
from unspool._engines.protocol import (
    STATES,
    DropoutMasks,
    Floats,
    Gradients,
    Loss,
    Parameters,
    StateArray,
    finite_logits,
    refused_cell,
)
from unspool._engines.reference_writer import ReferenceWriter
from unspool._generation.search.forward import Forward
from unspool._network.conditions import check_conditions, context_gates, fresh_state, start_states
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel
from unspool._text.streams.lanes import Conditions, Window

Weights = dict[str, Tensor]
# (recurrent_kernel, recurrent_bias, projected inputs (B, G), state (S, B, H)) -> state (S, B, H)
TorchStep = Callable[[Tensor, Tensor | None, Tensor, Tensor], Tensor]


def _rnn_step(kernel: Tensor, _bias: Tensor | None, inputs: Tensor, state: Tensor) -> Tensor:
    return torch.tanh(inputs + state[0] @ kernel).unsqueeze(0)  # (1, B, H)


def _lstm_step(kernel: Tensor, _bias: Tensor | None, inputs: Tensor, state: Tensor) -> Tensor:
    i, f, g, o = torch.addmm(inputs, state[0], kernel).chunk(4, dim=1)  # (B, H) each
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.stack([torch.sigmoid(o) * torch.tanh(c), c])  # (2, B, H)


def _gru_step(kernel: Tensor, bias: Tensor | None, inputs: Tensor, state: Tensor) -> Tensor:
    h_prev = state[0]
    kernel_z, kernel_r, kernel_n = kernel.chunk(3, dim=1)  # (H, H) each
    x_z, x_r, x_n = inputs.chunk(3, dim=1)  # (B, H) each
    z = torch.sigmoid(x_z + h_prev @ kernel_z)
    r = torch.sigmoid(x_r + h_prev @ kernel_r)
    recurrent = (r * h_prev) @ kernel_n if bias is None else r * (h_prev @ kernel_n + bias)
    n = torch.tanh(x_n + recurrent)
    return (n + z * (h_prev - n)).unsqueeze(0)  # (1, B, H)


@dataclass(frozen=True)
class TorchCell:
    """A cell in PyTorch.

    Args:
        step: Function that computes one step of the cell.
        layer: PyTorch's own layer, called as ``layer(input_size, hidden_size, num_layers)``: a reference for
            tests, and the peer of ``unspool bench``. If PyTorch has none, a message that says so.
        gates: The gates by the names in the cell's row, in the order of that layer.
    """

    step: TorchStep
    layer: Callable[..., Any] | str
    gates: tuple[str, ...] = ()


TORCH_CELLS: dict[str, TorchCell] = {
    "rnn": TorchCell(_rnn_step, nn.RNN, ("h",)),
    "lstm": TorchCell(_lstm_step, nn.LSTM, ("i", "f", "c", "o")),
    "gru": TorchCell(_gru_step, nn.GRU, ("r", "z", "h")),
}


class TorchEngine:
    """An engine with PyTorch, a step at a time.

    Args:
        config: The network, its vocab_size set.
        threads: CPU threads for PyTorch, ≥ 1, set for the whole process; None does not change them.
        dtype: "float32", or "float64" for a reference; states and results have the same type.
        precision, inference: "float32" or "auto": this engine computes nothing in bf16 or int8.
        device: The device that computes, by its name in PyTorch.

    Raises:
        ConfigError: If a value is out of its range, or the cell has no step in PyTorch.
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        threads: int | None = None,
        dtype: str = "float32",
        precision: str = "float32",
        inference: str = "float32",
        device: str = "cpu",
    ) -> None:
        known = threads is None or is_whole(threads, least=1)
        check("threads", threads, "a whole number ≥ 1, or None", known)
        check("dtype", dtype, "one of float32, float64", dtype in ("float32", "float64"))
        allowed = "float32 or auto: engine torch computes in float32; engine cpu has others"
        check("precision", precision, allowed, precision in ("float32", "auto"))
        check("precision", inference, allowed, inference in ("float32", "auto"))
        if threads is not None:
            torch.set_num_threads(threads)
        if config.cell not in TORCH_CELLS:
            raise refused_cell(config.cell, TORCH_CELLS, engine="torch", instead="cpu")
        self.config, self.threads = config, torch.get_num_threads()
        self.precision = self.inference = dtype
        self.device = torch.device(device)
        self._vocab_size = config.symbols
        self._step = TORCH_CELLS[config.cell].step
        self._numpy_dtype = np.dtype(dtype)

    def initial_state(self, batch_size: int, parameters: Parameters | None = None) -> StateArray:
        """Make the state of a fresh start (L, S, B, H); see `unspool._engines.protocol.Engine`."""
        return fresh_state(self.config, parameters, batch_size).astype(self._numpy_dtype)

    def loss_and_gradients(
        self,
        parameters: Parameters,
        window: Window,
        state: StateArray,
        *,
        reset_id: int | None,
        masks: DropoutMasks | None = None,
        final_grad: Floats | None = None,
    ) -> tuple[Loss, Gradients, StateArray]:
        """Run a window forward and backward; see `unspool._engines.protocol.Engine`."""
        weights = {name: self._tensor(values).requires_grad_() for name, values in parameters.items()}
        conditions = self._conditions(window)
        if conditions is not None and conditions.states is not None:
            states: Any = conditions.states
            weights[STATES] = states.requires_grad_()
        logits, state_after = self._forward(
            weights, window.ids, state, reset_id, masks=masks, conditions=conditions
        )
        total = self._losses(logits, window.targets).sum()
        count = int(np.count_nonzero(window.targets))
        whole = total / max(count, 1)
        if final_grad is not None:
            whole = whole + (state_after * self._tensor(final_grad)).sum()
        drawn = torch.autograd.grad(whole, list(weights.values()), materialize_grads=True)
        gradients = {
            name: gradient.contiguous().cpu().numpy() for name, gradient in zip(weights, drawn, strict=True)
        }
        return Loss(total=float(total.detach()), count=count), gradients, state_after.detach().cpu().numpy()

    def token_losses(
        self, parameters: Parameters, window: Window, state: StateArray, *, reset_id: int | None
    ) -> tuple[Floats, StateArray]:
        """Return nats of each target (T, B), 0 where the target is 0, and the state after the window."""
        with torch.no_grad():
            weights, conditions = self._weights(parameters), self._conditions(window)
            logits, state_after = self._forward(weights, window.ids, state, reset_id, conditions=conditions)
            return self._losses(logits, window.targets).cpu().numpy(), state_after.cpu().numpy()

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: StateArray,
        *,
        reset_id: int | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Floats, StateArray]:
        """Return the logits (T, B, V), the <pad> column -inf, and the state after the last step."""
        tokens = np.asarray(ids, np.int32)
        inside = self._conditions(Window(tokens, tokens, conditions))
        with torch.no_grad():
            weights = self._weights(parameters)
            logits, state_after = self._forward(weights, tokens, state, reset_id, conditions=inside)
        return finite_logits(logits.numpy()), state_after.numpy()

    def forward(self, parameters: Parameters, *, lanes: int) -> Forward:
        """Convert the parameters once, for many calls; see `unspool._engines.protocol.Engine`."""
        weights = self._weights(parameters)

        def run(
            ids: NDArray[np.int32], state: StateArray, *, reset_id: int | None = None
        ) -> tuple[Floats, StateArray]:
            with torch.no_grad():
                logits, state_after = self._forward(weights, ids, state, reset_id)
                return finite_logits(logits.cpu().numpy()), state_after.cpu().numpy()

        return run

    def writer(self, parameters: Parameters) -> ReferenceWriter:
        """Make a writer; see `unspool._generation.writer.WritingEngine`."""
        return ReferenceWriter(self, parameters)

    def _tensor(self, values: Floats) -> Tensor:
        return self._on_device(np.array(values, dtype=self._numpy_dtype))  # a copy: no memory is shared

    def _index(self, values: NDArray[np.integer[Any]]) -> Tensor:
        return self._on_device(np.array(values, dtype=np.int64))

    def _on_device(self, values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    def _weights(self, parameters: Parameters) -> Weights:
        return {name: self._tensor(values) for name, values in parameters.items()}

    def _forward(
        self,
        weights: Weights,
        ids: NDArray[np.integer[Any]],
        state: StateArray,
        reset_id: int | None,
        *,
        masks: DropoutMasks | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Run each layer over the whole window; return the logits (T, B, V) and the state (L, S, B, H)."""
        index = self._index(ids)  # (T, B)
        keep = torch.ones_like(index, dtype=torch.bool) if reset_id is None else index != reset_id  # (T, B)
        x = weights["embedding"][index] if "embedding" in weights else None  # (T, B, E)
        records = torch.zeros_like(index) if conditions is None else conditions.records  # (T, B)
        shift = context_gates(weights, conditions, product=torch.matmul)  # (R, G)
        first = start_states(self.config, weights, conditions, product=torch.matmul)  # (R, L, S, H)
        starts = None if first is None else first[records]  # (T, B, L, S, H)
        states = []
        for layer in range(self.config.num_layers):
            kernel, bias = weights[f"layers.{layer}.input_kernel"], weights[f"layers.{layer}.bias"]
            projected = (kernel[index] if x is None else x @ kernel) + bias  # (T, B, G)
            projected = projected + shift[records] if shift is not None and layer == 0 else projected
            fresh = None if starts is None else starts[..., layer, :, :]  # (T, B, S, H)
            h, last = self._unroll(weights, layer, projected, self._tensor(state[layer]), (keep, fresh))
            h = h if masks is None else h * self._tensor(masks[layer])  # (T, B, H)
            x = h if x is None or layer == 0 or not self.config.residual else x + h  # (T, B, H)
            states.append(last)
        logits = x @ output_kernel(weights) + weights["output.bias"]  # (T, B, V)
        pad = torch.arange(self._vocab_size, device=self.device) == 0
        return logits.masked_fill(pad, -torch.inf), torch.stack(states)

    def _conditions(self, window: Window) -> Conditions | None:
        """Check the conditions of a window and return them in tensors."""
        conditions = window.conditions
        check_conditions(self.config, conditions, window.ids.shape)
        if conditions is None:
            return None
        tensors = {name: getattr(conditions, name) for name in ("context", "starts", "states")}
        tensors = {name: None if array is None else self._tensor(array) for name, array in tensors.items()}
        records: Any = self._index(conditions.records)
        return replace(conditions, records=records, **tensors)

    def _unroll(
        self,
        weights: Weights,
        layer: int,
        projected: Tensor,
        state: Tensor,
        resets: tuple[Tensor, Tensor | None],
    ) -> tuple[Tensor, Tensor]:
        """Run one layer over time; return its outputs (T, B, H) and its last state (S, B, H)."""
        kernel = weights[f"layers.{layer}.recurrent_kernel"]
        bias = weights.get(f"layers.{layer}.recurrent_bias")
        keep, fresh = resets  # (T, B): whether the state is kept; (T, B, S, H): first states
        outputs = []
        for t, (inputs, carries) in enumerate(zip(projected, keep, strict=True)):
            start = torch.zeros_like(state) if fresh is None else fresh[t].transpose(0, 1)  # (S, B, H)
            carried = torch.where(carries[None, :, None], state, start)
            state = self._step(kernel, bias, inputs, carried)  # (S, B, H)
            outputs.append(state[0])
        return torch.stack(outputs), state

    def _losses(self, logits: Tensor, targets: NDArray[np.integer[Any]]) -> Tensor:
        """Return nats of each target (T, B); the <pad> column is left out, so its gradient is 0."""
        wanted = self._index(targets - 1)  # (T, B), -1 is not counted
        rows = logits[..., 1:].flatten(0, 1)  # (T·B, V-1)
        losses = functional.cross_entropy(rows, wanted.flatten(), ignore_index=-1, reduction="none")
        return losses.view(wanted.shape)
