"""The peer in PyTorch: a network of unspool, built from PyTorch's own parts with the same parameters.

Import this module only if torch is installed.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from unspool._engines.torch import TORCH_CELLS
from unspool._errors import UnspoolError
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig
from unspool._text.streams.lanes import Window

NO_CHANCE = -1e4  # a bias that keeps a token out of the softmax

Floats = NDArray[np.float32]
PeerState = Any  # (L, B, H), or a pair of them for a cell with two states


class TorchNetwork(nn.Module):  # type: ignore[misc]  # torch is optional: the type checker skips it
    """Input, recurrent layers and output layer, as a PyTorch user writes them.

    One-hot rows are read from a unit matrix, which is the fastest way to make them.

    Args:
        cell: A cell for which PyTorch has a layer.
        vocab_size: V, the number of token ids, with <pad> and <eos>.
        hidden_size: H, the number of units in each layer.
        num_layers: L, the number of layers.
        embedding: Size of the learnt rows in place of the one-hot rows, or None.

    Raises:
        UnspoolError: If PyTorch has no layer for the cell.
    """

    def __init__(
        self,
        cell: str,
        *,
        vocab_size: int,
        hidden_size: int,
        num_layers: int = 1,
        embedding: int | None = None,
    ) -> None:
        super().__init__()
        torch_cell = TORCH_CELLS[cell]
        if isinstance(torch_cell.layer, str):
            raise UnspoolError(f"cell {cell}: {torch_cell.layer}")
        self.gates = [CELLS[cell].gates.index(gate) for gate in torch_cell.gates]  # in PyTorch's order
        if embedding is None:
            self.register_buffer("rows", torch.eye(vocab_size))
        else:
            self.rows = nn.Parameter(torch.randn(vocab_size, embedding))
        self.layers = torch_cell.layer(embedding or vocab_size, hidden_size, num_layers)
        self.output = nn.Linear(hidden_size, vocab_size)

    def forward(self, ids: Tensor, state: PeerState = None) -> tuple[Tensor, PeerState]:
        """Run ids (T, B) and return logits (T, B, V) and the state after them."""
        hidden, state = self.layers(functional.embedding(ids, self.rows), state)  # (T, B, H)
        return self.output(hidden), state

    def take(self, parameters: Mapping[str, Floats]) -> None:
        """Copy parameters with unspool's names, so that both networks compute the same function."""
        with torch.no_grad():
            for layer in range(self.layers.num_layers):
                self._take_layer(parameters, layer)
            self.output.weight.copy_(torch.from_numpy(parameters["output.kernel"]).T)
            self.output.bias.copy_(torch.from_numpy(parameters["output.bias"]))
        self.exclude(0)

    def _take_layer(self, parameters: Mapping[str, Floats], layer: int) -> None:
        for own_name, torch_name in (("input_kernel", "weight_ih"), ("recurrent_kernel", "weight_hh")):
            kernel = self.in_their_order(parameters[f"layers.{layer}.{own_name}"])
            getattr(self.layers, f"{torch_name}_l{layer}").copy_(kernel.T)
        bias = self.in_their_order(parameters[f"layers.{layer}.bias"])
        getattr(self.layers, f"bias_ih_l{layer}").copy_(bias)
        second = getattr(self.layers, f"bias_hh_l{layer}").zero_()
        recurrent = parameters.get(f"layers.{layer}.recurrent_bias")
        if recurrent is not None:
            second[-self.layers.hidden_size :] = torch.from_numpy(recurrent)

    def in_their_order(self, array: Floats) -> Tensor:
        """Return one of unspool's arrays with its gate blocks (..., G) in PyTorch's order."""
        blocks = torch.from_numpy(array).chunk(len(self.gates), dim=-1)
        return torch.cat([blocks[gate] for gate in self.gates], dim=-1)

    def exclude(self, symbol: int) -> None:
        """Exclude one token from the softmax."""
        with torch.no_grad():
            self.output.bias[symbol] = NO_CHANCE


def network_like(config: NetworkConfig, start: Mapping[str, Floats]) -> TorchNetwork:
    """Return PyTorch's network with this configuration (its vocab_size is set) and these parameters."""
    V, H, L = config.symbols, config.hidden_size, config.num_layers
    network = TorchNetwork(config.cell, vocab_size=V, hidden_size=H, num_layers=L)
    network.take(start)
    return network


def carried(state: PeerState) -> PeerState:
    """Return a state detached from the window that made it."""
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


def mean_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of logits (T, B, V) in nats per target (T, B)."""
    return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())


class TorchTrainer:
    """Training steps as a careful PyTorch user writes them: fused AdamW, clipped gradients, carried state.

    Args:
        network: The network; it is trained in place.
        learning_rate: Learning rate of AdamW; `step` may replace it for one step.
        weight_decay: Weight decay of AdamW.
        betas: Betas of AdamW.
        epsilon: Epsilon of AdamW.
        bf16: Whether the products are computed in bf16, by autocast; the rest is float32.
        compiled: Whether the network is compiled by `torch.compile`.
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
    """Sample `count` tokens for each of `batch_size` sequences, one step a token, with the state carried.

    Args:
        network: The network.
        batch_size: Number of sequences, B.
        count: Number of tokens of each sequence.
        start: The first input.
        temperature: The number by which the logits are divided.

    Returns:
        The ids.  # (count, B)
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
    embedding: int | None = None,
    half: bool = False,
) -> Callable[[], float]:
    """Prepare PyTorch's training of a network, from the same parameters and on the same windows.

    Args:
        config: The network; its vocab_size is set.
        start: unspool's parameters.
        windows: The windows to train on, one after the other, repeated.
        threads: Number of threads.
        learning_rate: Learning rate of AdamW.
        bf16: Whether products are computed in bf16, by autocast.
        compiled: Whether the network is compiled by `torch.compile`.
        embedding: Size of learnt input rows, with which it is another network than unspool's, faster and with
            fresh parameters; None for the same one.
        half: Whether parameters, states and the optimizer are in bf16, too.

    Returns:
        A function that makes one step and returns its loss.
    """
    network = network_like(config, start)
    if embedding is not None:
        sizes = {"hidden_size": config.hidden_size, "num_layers": config.num_layers}
        network = TorchNetwork(config.cell, vocab_size=config.symbols, embedding=embedding, **sizes)
    if half:
        network = network.to(torch.bfloat16)
    trainer = TorchTrainer(network, learning_rate=learning_rate, bf16=bf16, compiled=compiled)
    tensors = [tuple(torch.from_numpy(part).long() for part in (w.ids, w.targets)) for w in windows]
    turns = itertools.cycle(tensors)

    def step() -> float:
        torch.set_num_threads(threads)
        return trainer.step(*next(turns))

    return step


def writing(
    config: NetworkConfig, start: Mapping[str, Floats], *, texts: int, count: int, threads: int
) -> Callable[[], object]:
    """Prepare PyTorch's writing of `count` tokens for each text; a single text is faster on one thread.

    Args:
        config: The network; its vocab_size is set.
        start: unspool's parameters.
        texts: Number of texts that are written at once.
        count: Number of tokens of each text.
        threads: Number of threads.
    """
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
