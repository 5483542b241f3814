"""The peer in PyTorch: a network of unspool's, built from PyTorch's own parts and given the same parameters.

Import this module only where torch is installed.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unspool.engines.torch import TORCH_CELLS
from unspool.errors import UnspoolError
from unspool.network.cells import CELLS
from unspool.network.config import NetworkConfig
from unspool.text.streams.lanes import Window

NO_CHANCE = -1e4  # a bias that keeps a symbol out of the softmax

Floats = NDArray[np.float32]
PeerState = Any  # (L, B, H), and for a cell of two states a pair of them


class TorchNetwork(nn.Module):  # type: ignore[misc]  # torch is optional: the checker does not look at it
    """One-hot input, recurrent layers, output layer: what a PyTorch user writes.

    The one-hot rows are looked up in a unit matrix, which is the fastest way to make them.

    Args:
        cell: A cell of which PyTorch has a layer.
        vocab_size: V, <pad> and <eos> among them.
        hidden_size: H.
        num_layers: L.

    Raises:
        UnspoolError: If PyTorch has no layer of the cell.
    """

    def __init__(self, cell: str, *, vocab_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        theirs = TORCH_CELLS[cell]
        if isinstance(theirs.layer, str):
            raise UnspoolError(f"cell {cell}: {theirs.layer}")
        self.gates = [CELLS[cell].gates.index(gate) for gate in theirs.gates]  # unspool's, in PyTorch's order
        self.register_buffer("unit", torch.eye(vocab_size))
        self.layers = theirs.layer(vocab_size, hidden_size, num_layers)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, ids: Tensor, state: PeerState = None) -> tuple[Tensor, PeerState]:
        """Run ids (T, B) and return logits (T, B, V) and the state after them."""
        hidden, state = self.layers(functional.embedding(ids, self.unit), state)  # (T, B, H)
        return self.output(hidden), state

    def take(self, parameters: Mapping[str, Floats]) -> None:
        """Take over parameters with unspool's names, so that both compute the same function."""
        with torch.no_grad():
            for layer in range(self.layers.num_layers):
                self._take_layer(parameters, layer)
            self.output.weight.copy_(torch.from_numpy(parameters["output.kernel"]).T)
            self.output.bias.copy_(torch.from_numpy(parameters["output.bias"]))
        self.exclude(0)

    def _take_layer(self, parameters: Mapping[str, Floats], layer: int) -> None:
        for ours, theirs in (("input_kernel", "weight_ih"), ("recurrent_kernel", "weight_hh")):
            kernel = self.in_their_order(parameters[f"layers.{layer}.{ours}"])
            getattr(self.layers, f"{theirs}_l{layer}").copy_(kernel.T)
        bias = self.in_their_order(parameters[f"layers.{layer}.bias"])
        getattr(self.layers, f"bias_ih_l{layer}").copy_(bias)
        second = getattr(self.layers, f"bias_hh_l{layer}").zero_()
        recurrent = parameters.get(f"layers.{layer}.recurrent_bias")
        if recurrent is not None:
            second[-self.layers.hidden_size :] = torch.from_numpy(recurrent)

    def in_their_order(self, array: Floats) -> Tensor:
        """Reorder the gate blocks (..., G) of one of unspool's arrays as PyTorch has them."""
        blocks = torch.from_numpy(array).chunk(len(self.gates), dim=-1)
        return torch.cat([blocks[gate] for gate in self.gates], dim=-1)

    def exclude(self, symbol: int) -> None:
        """Keep one symbol out of the softmax."""
        with torch.no_grad():
            self.output.bias[symbol] = NO_CHANCE


def network_like(config: NetworkConfig, start: Mapping[str, Floats]) -> TorchNetwork:
    """Make PyTorch's network of the same configuration (its vocab_size set), with the same parameters."""
    V, H, L = config.symbols, config.hidden_size, config.num_layers
    network = TorchNetwork(config.cell, vocab_size=V, hidden_size=H, num_layers=L)
    network.take(start)
    return network


def carried(state: PeerState) -> PeerState:
    """Cut a state off from the window that made it."""
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def mean_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Average the cross-entropy of logits (T, B, V) in nats per target (T, B)."""
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


class TorchTrainer:
    """Training steps as a careful PyTorch user writes them: fused AdamW, clipped gradients, carried state.

    Args:
        network: Trained in place.
        learning_rate: Of AdamW, the same at every step unless given to `step`.
        weight_decay: Of AdamW.
        betas: Of AdamW.
        epsilon: Of AdamW.
        bf16: Whether the network's products are computed in bf16, by autocast; the rest is float32.
        compiled: Whether the network goes through `torch.compile`.
    """

    def __init__(
        self,
        network: TorchNetwork,
        *,
        learning_rate: float,
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        bf16: bool = False,
        compiled: bool = False,
    ) -> None:
        self.network = torch.compile(network) if compiled else network
        self.bf16 = bf16
        self.parameters = list(network.parameters())
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=learning_rate, weight_decay=weight_decay, betas=betas, eps=epsilon, fused=True
        )
        self.state: PeerState = None

    def step(self, ids: Tensor, targets: Tensor, *, learning_rate: float | None = None) -> float:
        """Train on one window (T, B) and return its loss in nats per target."""
        if learning_rate is not None:
            self.optimizer.param_groups[0]["lr"] = learning_rate
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits, state = self.network(ids, self.state)
        loss = mean_loss(logits.float(), targets)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.state = carried(state)
        return float(loss.item())


def generate(
    network: TorchNetwork, *, batch_size: int, count: int, start: int, temperature: float = 1.0
) -> Tensor:
    """Sample `count` symbols for each of `batch_size` sequences, one step a symbol, carrying the state.

    Returns:
        The ids (count, B).
    """
    ids = torch.full((1, batch_size), start)
    state: PeerState = None
    drawn: list[Tensor] = []
    with torch.inference_mode():
        for _ in range(count):
            logits, state = network(ids, state)
            ids = torch.multinomial(torch.softmax(logits[0] / temperature, dim=-1), 1).T  # (1, B)
            drawn.append(ids)
        return torch.cat(drawn)


def training_step(
    config: NetworkConfig,
    start: Mapping[str, Floats],
    windows: Sequence[Window],
    *,
    threads: int,
    learning_rate: float,
    bf16: bool = False,
    compiled: bool = False,
) -> Callable[[], float]:
    """Prepare PyTorch's training of a network, from the same parameters and on the same windows.

    Args:
        config: The network, its vocab_size set.
        start: unspool's parameters.
        windows: What it is trained on, one after the other, over and over.
        threads: Threads that it computes on.
        learning_rate: Of AdamW.
        bf16: Whether products are computed in bf16, by autocast.
        compiled: Whether the network goes through `torch.compile`.

    Returns:
        A call that makes one step and gives its loss.
    """
    network = network_like(config, start)
    trainer = TorchTrainer(network, learning_rate=learning_rate, bf16=bf16, compiled=compiled)
    made = [tuple(torch.from_numpy(part).long() for part in (w.ids, w.targets)) for w in windows]
    turns = itertools.cycle(made)

    def step() -> float:
        torch.set_num_threads(threads)
        return trainer.step(*next(turns))

    return step


def writing(
    config: NetworkConfig, start: Mapping[str, Floats], *, texts: int, count: int, threads: int
) -> Callable[[], object]:
    """Prepare PyTorch's writing of `count` symbols of each text; one text alone is faster on one thread."""
    network = network_like(config, start)

    def write() -> Tensor:
        torch.set_num_threads(1 if texts == 1 else threads)
        return generate(network, batch_size=texts, count=count, start=config.symbols - 1)

    return write


def product(size: int, *, threads: int, bf16: bool = False) -> Callable[[], object]:
    """Prepare PyTorch's product of two square matrices."""
    kind = torch.bfloat16 if bf16 else torch.float32
    a, b = (torch.rand(size, size).to(kind) for _ in range(2))

    def multiply() -> Tensor:
        torch.set_num_threads(threads)
        return a @ b

    return multiply
