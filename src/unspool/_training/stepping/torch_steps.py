"""Steps with PyTorch whose arrays stay on the device; the host waits once in a step, for the loss."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unspool._engines.protocol import Loss
from unspool._errors import ConfigError
from unspool._text.streams.lanes import Window
from unspool._training.checkpoints import Checkpoint
from unspool._training.dropout import dropout_masks, weight_masks
from unspool._training.optimizers import OPTIMIZERS, FloatArray, Optimizer
from unspool._training.stepping.steps import state_before, with_state
from unspool._training.task import TrainingTask


class TorchSteps:
    """Steps on a device; see `unspool._training.stepping.steps.Steps`.

    Args:
        task: The task, whose engine is a `FusedTorchEngine`.
        checkpoint: Where the steps start; its arrays change when they are brought home.
    """

    def __init__(self, task: TrainingTask, checkpoint: Checkpoint) -> None:
        self.task, self.checkpoint, self.config = task, checkpoint, task.config
        engine: Any = task.engine
        self.engine = engine
        self.lanes, self.rule = task.lanes(), OPTIMIZERS[task.config.optimizer]
        self.optimizer = Optimizer(self.config.optimizer, {}, self.config)
        put = engine.on_device
        self.parameters = {name: put(array) for name, array in checkpoint.parameters.items()}
        self.slots = {
            slot: {name: put(array) for name, array in arrays.items()}
            for slot, arrays in checkpoint.slots.items()
        }
        self.average = {name: put(array) for name, array in (checkpoint.average or {}).items()}
        self.state = put(np.ascontiguousarray(checkpoint.state[:, :, self.lanes.own]))

    def step(self, window: Window, *, number: int, learning_rate: float) -> tuple[Loss, float]:
        """Learn from a window; see `unspool._training.stepping.steps.Steps`."""
        try:
            return self._step(window, number, learning_rate)
        except torch.OutOfMemoryError:
            T, B = window.ids.shape
            what = f"a step of batch_size {B} and sequence_length {T} on {self.engine.device}"
            hint = f"choose batch_size {max(1, B // 2)} or sequence_length {max(1, T // 2)}, which need half"
            raise ConfigError(what, expected="one that fits into its memory", hint=hint) from None

    def _step(self, window: Window, number: int, learning_rate: float) -> tuple[Loss, float]:
        leaves = {name: values.detach().requires_grad_() for name, values in self.parameters.items()}
        total, after = self.engine.window_loss(
            self._thinned(leaves, number),
            window,
            self._state_before(number),
            reset_id=self.task.reset_id,
            masks=self._masks(number),
        )
        targets = int(np.count_nonzero(window.targets))
        gradients = list(
            torch.autograd.grad(total / max(targets, 1), list(leaves.values()), materialize_grads=True)
        )
        total, count = total.detach(), torch.full_like(total.detach(), targets)
        if self.task.ranks is not None:
            gradients, total, count = self.task.ranks.mean(gradients, total, count)
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        nats, symbols, length = torch.stack([total, count, norm]).tolist()  # here the host waits
        loss = Loss(total=nats, count=round(symbols))
        if math.isfinite(nats) and math.isfinite(length):
            self._update(dict(zip(leaves, gradients, strict=True)), length, number, learning_rate)
            self.state = after.detach()
        return loss, length if math.isfinite(nats) else math.nan

    def _masks(self, number: int) -> Tensor | None:
        """Return the masks of the outputs of this process's lanes.  # (L, B, H)."""
        lanes, network = self.lanes, self.engine.config
        masks = dropout_masks(network, lanes.batch_size, seed=self.config.seed, step=number)
        return None if masks is None else self.engine.on_device(masks[:, lanes.own])

    def _thinned(self, leaves: Mapping[str, Tensor], number: int) -> dict[str, Tensor]:
        """Return the parameters with some weights dropped; a tied output keeps the whole table."""
        network, thinned = self.engine.config, dict(leaves)
        masks = weight_masks(network, seed=self.config.seed, step=number)
        for name, mask in masks.items():
            thinned[name] = leaves[name] * self.engine.on_device(mask)
        if network.tied_output and "embedding" in masks:
            thinned["output.kernel"] = leaves["embedding"].T
        return thinned

    def _state_before(self, number: int) -> Tensor:
        """Return the state that a step starts from; where nothing is forgotten, no memory is copied."""
        if not (self.task.document and self.config.state_reset):
            return self.state
        ones = np.ones((1, 1, self.state.shape[2], 1), np.float32)
        lanes = self.lanes
        kept = state_before(self.task, ones, number, own=lanes.own, lanes=lanes.batch_size)
        return self.state * self.engine.on_device(kept)

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def _update(self, gradients: Mapping[str, Any], norm: float, number: int, learning_rate: float) -> None:
        """Apply the optimizer's plain rule, which works on tensors as it does on arrays; then the average."""
        clip = self.config.clip_norm
        scale = clip / norm if clip is not None and norm > clip else 1.0
        self.optimizer.step = number - 1
        shared = self.optimizer.coefficients(learning_rate)
        for name, parameter in self.parameters.items():
            slots: Any = [self.slots[slot][name] for slot in self.rule.slots]
            coefficients = replace(shared, decay=self.optimizer.decay_of(name))
            self.rule.update(parameter, gradients[name] * scale, slots, coefficients)
        if self.config.ema is not None:
            weight = (1 - self.config.ema) / (1 - self.config.ema**number)
            for name, mean in self.average.items():
                mean.lerp_(self.parameters[name], weight)

    def clear_state(self) -> None:
        """Start the next window from an empty state."""
        self.state = torch.zeros_like(self.state)

    def bring_home(self) -> None:
        """Copy everything to the arrays of the checkpoint."""
        home, away = self.checkpoint, self
        _copy(away.parameters, home.parameters)
        for slot, arrays in home.slots.items():
            _copy(away.slots[slot], arrays)
        _copy(away.average, home.average or {})
        home.state = with_state(home.state, away.state.cpu().numpy().copy(), self.lanes.own)


def _copy(tensors: Mapping[str, Tensor], arrays: Mapping[str, FloatArray]) -> None:
    for name, array in arrays.items():
        array[...] = tensors[name].cpu().numpy()
