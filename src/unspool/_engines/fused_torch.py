"""The network in PyTorch's fused layers: those of cuDNN on a GPU, for whoever has one.

PyTorch runs a whole window of a plain layer in one call, if the state is never reset inside. So every lane is
cut where its records start, and the pieces run side by side as packed sequences, each from its own first
state. A one-hot input is a row of the input kernel: while the vocabulary is small it is multiplied as zeros
and a one, which costs less than a layer of its own; else the rows are gathered, and the layer gets them
through an identity matrix.

A network that PyTorch has no layer for runs step by step, as its plain twin `unspool._engines.torch` does.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unspool._configuration import check
from unspool._engines.protocol import DropoutMasks, Floats, Parameters, StateArray
from unspool._engines.torch import TORCH_CELLS, TorchEngine, Weights
from unspool._engines.torch_pieces import Pieces, pieces_of
from unspool._engines.torch_writer import TorchWriter
from unspool._errors import ConfigError
from unspool._network.conditions import start_states
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel
from unspool._text.streams.lanes import Conditions, Window

FUSED: dict[Any, Callable[..., Any]] = {nn.RNN: torch.rnn_tanh, nn.LSTM: torch.lstm, nn.GRU: torch.gru}


class FusedTorchEngine(TorchEngine):
    """An engine with PyTorch's own layers, on the CPU or on a GPU.

    Args:
        config: The network, its vocab_size set.
        threads: CPU threads for PyTorch, ≥ 1, set for the whole process; None does not change them.
        dtype: "float32", or "float64" for a reference.
        precision: Number format of the products in training: "float32", which has no TF32 in it, "bf16" on a
            GPU, or "auto", which is bf16 on a GPU that has it.
        inference: "float32" or "auto".
        device: "cpu", "cuda", "mps", or "auto" for the best one that is there.

    Raises:
        ConfigError: If a value is out of its range, the device is not there, or the cell has no step in
            PyTorch.
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        threads: int | None = None,
        dtype: str = "float32",
        precision: str = "float32",
        inference: str = "float32",
        device: str = "auto",
    ) -> None:
        place = chosen_device(device)
        on_gpu = place.startswith("cuda")
        of_twin = "float32" if on_gpu and precision in ("bf16", "auto") else precision
        super().__init__(
            config, threads=threads, dtype=dtype, precision=of_twin, inference=inference, device=place
        )
        if on_gpu and (precision == "bf16" or (precision == "auto" and torch.cuda.is_bf16_supported())):
            self.precision = "bf16"
        row = TORCH_CELLS[config.cell]
        reset_before = config.kind.reset_gate and not config.reset_after
        self._fused: Any = None if reset_before else FUSED.get(row.layer)
        self._gates = [config.kind.gates.index(gate) for gate in row.gates]  # in PyTorch's order

    def window_loss(
        self,
        weights: Weights,
        window: Window,
        state: Tensor,
        *,
        reset_id: int | None,
        masks: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Run a window forward, with tensors of the device.

        Args:
            weights: The parameters, after dropout.
            window: The window.
            state: The state before it.  # (L, S, B, H)
            reset_id: The id that starts a record, or None.
            masks: Dropout masks of the outputs.  # (L, B, H)

        Returns:
            The loss in nats, summed over the counted targets; the state after the window.
        """
        conditions = self._conditions(window)
        logits, after = self._forward(
            weights, window.ids, state, reset_id, masks=masks, conditions=conditions
        )
        return self._losses(logits, window.targets).sum(), after

    def on_device(self, values: Floats, *, wide: bool = False) -> Tensor:
        """Return a copy of an array on the device, in the type of the engine or, if it can, in float64."""
        if wide and self.device.type != "mps":
            return self._on_device(np.array(values, np.float64))
        return self._tensor(values)

    def on_indices(self, values: NDArray[np.integer[Any]]) -> Tensor:
        """Return a copy of whole numbers on the device."""
        return self._index(values)

    @property
    def memory(self) -> tuple[int, str] | None:
        """Return the free bytes of a GPU and its name; None for the memory of the machine."""
        if self.device.type != "cuda":
            return None
        return torch.cuda.mem_get_info()[0], f"the GPU ({torch.cuda.get_device_name()})"

    def _on_device(self, values: NDArray[Any]) -> Tensor:
        """Copy to the device without waiting for it: a GPU takes the copy when it comes to it."""
        tensor = torch.from_numpy(values)
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def _tensor(self, values: Floats | Tensor) -> Tensor:
        return values if isinstance(values, Tensor) else super()._tensor(values)

    def _index(self, values: NDArray[np.integer[Any]] | Tensor) -> Tensor:
        return values if isinstance(values, Tensor) else super()._index(values)

    def step(self, weights: Weights, tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read a token in each of N sequences, with tensors of the device.

        Args:
            weights: The parameters.
            tokens: The tokens.  # (N,)
            state: The state before them.  # (L, S, N, H)

        Returns:
            The logits (N, V), minus infinity for `<pad>`, and the state after the tokens.
        """
        logits, after = self._forward(weights, tokens[None], state, None)
        return logits[0], after

    def writer(self, parameters: Parameters) -> TorchWriter:
        """Make a writer; see `unspool._generation.writer.WritingEngine`."""
        return TorchWriter(self, parameters)

    def _forward(
        self,
        weights: Weights,
        ids: NDArray[np.integer[Any]] | Tensor,
        state: StateArray | Tensor,
        reset_id: int | None,
        *,
        masks: DropoutMasks | Tensor | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Tensor, Tensor]:
        if self._fused is None:
            bf16 = self._type_of_products() == torch.bfloat16
            with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                return super()._forward(weights, ids, state, reset_id, masks=masks, conditions=conditions)
        with torch.backends.cudnn.flags(allow_tf32=False):  # float32 is float32
            resets = np.zeros(tuple(ids.shape), np.bool_) if reset_id is None else ids == reset_id
            pieces = pieces_of(resets).map(self._on_device)
            masks = None if masks is None else self._tensor(masks)
            return self._in_layers(
                weights, self._index(ids), self._tensor(state), pieces, masks=masks, conditions=conditions
            )

    def _type_of_products(self) -> torch.dtype:
        """Return the type of products: bf16 where gradients follow, if it was asked for."""
        bf16 = self.precision == "bf16" and torch.is_grad_enabled()
        return torch.bfloat16 if bf16 else getattr(torch, str(self._numpy_dtype))

    def _in_layers(
        self,
        weights: Weights,
        ids: Tensor,
        state: Tensor,
        pieces: Pieces,
        *,
        masks: Tensor | None,
        conditions: Conditions | None,
    ) -> tuple[Tensor, Tensor]:
        """Run layer after layer; the rows of `x` are the tokens of the window in the order of the pieces."""
        records = torch.zeros_like(ids) if conditions is None else conditions.records
        first = start_states(self.config, weights, conditions, product=torch.matmul)  # (R, L, S, H)
        first = None if first is None else first[records.flatten()[pieces.begins]]  # (N, L, S, H)
        context: Any = None if conditions is None else conditions.context  # (R, F)
        index = ids.flatten()[pieces.order]  # (T·B,)
        x: Any = weights["embedding"][index] if "embedding" in weights else None  # (T·B, E)
        states = []
        for layer in range(self.config.num_layers):
            rows, kernel = self._input(weights[f"layers.{layer}.input_kernel"], index if x is None else x)
            if layer == 0 and context is not None:
                rows = torch.cat([rows, context[records.flatten()[pieces.order]]], dim=1)
                kernel = torch.cat([kernel, weights["context.kernel"]])
            fresh = None if first is None else first[:, layer].transpose(0, 1)  # (S, N, H)
            h, last = self._layer(weights, layer, (rows, kernel), pieces.starts(state[layer], fresh), pieces)
            h = h if masks is None else h * masks[layer][pieces.order % ids.shape[1]]  # (T·B, H)
            x = h if x is None or layer == 0 or not self.config.residual else x + h  # (T·B, H)
            states.append(last[:, pieces.last])  # (S, B, H)
        kind = self._type_of_products()
        logits = (x.to(kind) @ output_kernel(weights).to(kind)).to(state.dtype)  # (T·B, V)
        logits = logits + weights["output.bias"]
        logits = logits if pieces.whole else logits[pieces.back]
        logits = logits.view(*ids.shape, -1)  # (T, B, V)
        pad = torch.arange(self._vocab_size, device=self.device) == 0
        return logits.masked_fill(pad, -torch.inf), torch.stack(states)

    def _input(self, kernel: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return a layer's input and its kernel: indices become one-hot rows, or rows of the kernel."""
        if x.is_floating_point():
            return x, kernel
        symbols, gates = kernel.shape
        if symbols > gates:
            return kernel[x], torch.eye(gates, dtype=kernel.dtype, device=self.device)
        rows = torch.zeros(len(x), symbols, dtype=kernel.dtype, device=self.device)
        return rows.scatter_(1, x[:, None], 1.0), kernel

    def _layer(
        self,
        weights: Weights,
        layer: int,
        inputs: tuple[Tensor, Tensor],
        start: Tensor,
        pieces: Pieces,
    ) -> tuple[Tensor, Tensor]:
        """Run one layer over all pieces; return its outputs (T·B, H) and the last states (S, N, H)."""
        (rows, kernel), bias = inputs, weights[f"layers.{layer}.bias"]
        recurrent_bias = torch.zeros_like(bias)
        if (of_reset := weights.get(f"layers.{layer}.recurrent_bias")) is not None:
            recurrent_bias = torch.cat([recurrent_bias[: -len(of_reset)], of_reset])
        kernels = (kernel, weights[f"layers.{layer}.recurrent_kernel"])
        kind = self._type_of_products()
        arrays = [self._rows(each.T).contiguous().to(kind) for each in kernels]
        arrays += [self._rows(each).to(kind) for each in (bias, recurrent_bias)]
        hidden: Any = tuple(each[None].contiguous().to(kind) for each in start)  # (1, N, H) each
        rows = rows.to(kind)
        hidden = hidden if len(hidden) > 1 else hidden[0]
        learns = torch.is_grad_enabled()
        if pieces.whole:
            lanes = len(pieces.lanes)
            out, *last = self._fused(
                rows.view(-1, lanes, rows.shape[1]), hidden, arrays, True, 1, 0.0, learns, False, False
            )
            out = out.flatten(0, 1)
        else:
            out, *last = self._fused(rows, pieces.sizes, hidden, arrays, True, 1, 0.0, learns, False)
        return out.to(start.dtype), torch.cat(last).to(start.dtype)

    def _rows(self, array: Tensor) -> Tensor:
        """Return an array with its blocks of gates in PyTorch's order."""
        blocks = array.chunk(len(self._gates))
        return torch.cat([blocks[gate] for gate in self._gates])


def chosen_device(asked: str) -> str:
    """Return the name of the device to compute on.

    Args:
        asked: A name in `DEVICES`, or a name of PyTorch such as "cuda:1".

    Raises:
        ConfigError: If it is not there.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if asked == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    kind = asked.partition(":")[0]
    check("device", asked, "one of auto, cpu, cuda, mps", kind in there)
    if not there[kind]:
        found = ", ".join(name for name, present in there.items() if present)
        why = "" if kind != "cuda" or torch.version.cuda else ", which was built without CUDA"
        raise ConfigError(
            f"device {asked!r} is not there",
            expected=f"one that PyTorch {torch.__version__} finds here{why}: {found}",
            hint="choose --device auto, or install a driver and a PyTorch for it",
        )
    return asked
