"""Recurrent cells that unspool has not, in PyTorch: each is a step from an input and a state to a state.

Import this module only if torch is installed.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

State = tuple[Tensor, ...]  # each (B, H); the hidden state is the first

FORGET_BIAS = 1.0
MOGRIFIER_ROUNDS = 5
MIN_GRU_LAYERS = 3


class Stepped(nn.Module):
    """A cell with four gates, run step by step.

    Args:
        units: H, the number of units; the input has as many.
        states: Number of its states.
    """

    def __init__(self, units: int, states: int) -> None:
        super().__init__()
        self.units, self.states = units, states
        self.input = nn.Linear(units, 4 * units)
        self.recurrent = nn.Linear(units, 4 * units, bias=False)
        with torch.no_grad():
            self.input.bias.zero_()
            self.input.bias[units : 2 * units] = FORGET_BIAS

    def step(self, x: Tensor, state: State) -> State:
        """Return the state after an input (B, H)."""
        raise NotImplementedError

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the hidden states after each input (T, B, H), and the last state."""
        state = state or (x.new_zeros(x.shape[1], self.units),) * self.states
        hidden = []
        for each in x.unbind():
            state = self.step(each, state)
            hidden.append(state[0])
        return torch.stack(hidden), state


class NormalisedLstm(Stepped):
    """An LSTM with layer normalisation (Ba, Kiros and Hinton, 2016, equations 20 to 22)."""

    def __init__(self, units: int) -> None:
        super().__init__(units, states=2)
        self.norms = nn.ModuleList([nn.LayerNorm(4 * units, bias=False) for _ in range(2)])
        self.cell_norm = nn.LayerNorm(units)

    def step(self, x: Tensor, state: State) -> State:
        """Return the state after an input."""
        h, c = state
        by_input, by_state = self.norms
        gates = by_input(x @ self.input.weight.T) + by_state(self.recurrent(h)) + self.input.bias
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(self.cell_norm(c)), c


class MogrifierLstm(Stepped):
    """An LSTM whose input and state gate each other first (Melis, Kočiský and Blunsom, 2020)."""

    def __init__(self, units: int) -> None:
        super().__init__(units, states=2)
        self.rounds = nn.ModuleList([nn.Linear(units, units) for _ in range(MOGRIFIER_ROUNDS)])

    def step(self, x: Tensor, state: State) -> State:
        """Return the state after an input."""
        h, c = state
        for number, gate in enumerate(self.rounds):
            if number % 2 == 0:
                x = 2 * torch.sigmoid(gate(h)) * x
            else:
                h = 2 * torch.sigmoid(gate(x)) * h
        i, f, g, o = (self.input(x) + self.recurrent(h)).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class ExponentialLstm(Stepped):
    """The sLSTM: exponential gates, a normaliser and a stabiliser (Beck et al., "xLSTM", 2024, one head)."""

    def __init__(self, units: int) -> None:
        super().__init__(units, states=4)

    def step(self, x: Tensor, state: State) -> State:
        """Return the state after an input."""
        h, c, n, m = state
        i, f, z, o = (self.input(x) + self.recurrent(h)).chunk(4, dim=-1)
        kept = functional.logsigmoid(f) + m
        m = torch.maximum(kept, i)
        keep, take = torch.exp(kept - m), torch.exp(i - m)
        c, n = keep * c + take * torch.tanh(z), keep * n + take
        return torch.sigmoid(o) * c / n.clamp_min(1e-6), c, n, m


class MinGru(nn.Module):
    """The minGRU (Feng et al., "Were RNNs All We Needed?", 2024): gates that see the input alone.

    One layer sees a single symbol, so there are several, each added to what it reads.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(units, 2 * units) for _ in range(MIN_GRU_LAYERS)])

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Return the hidden states after each input (T, B, H), and the last state of each layer."""
        state = state or (x.new_zeros(x.shape[1:]),) * len(self.layers)
        last = []
        for layer, start in zip(self.layers, state, strict=True):
            gate, candidate = layer(x).chunk(2, dim=-1)
            gate = torch.sigmoid(gate)
            hidden = [start]
            for keep, new in zip((1 - gate).unbind(), (gate * candidate).unbind(), strict=True):
                hidden.append(keep * hidden[-1] + new)
            x = x + torch.stack(hidden[1:])
            last.append(hidden[-1])
        return x, tuple(last)


def _lstm(units: int) -> nn.Module:
    layer = nn.LSTM(units, units)
    with torch.no_grad():
        layer.bias_ih_l0[units : 2 * units] = FORGET_BIAS
    return layer


CELLS: dict[str, Callable[[int], nn.Module]] = {
    "LSTM": _lstm,
    "GRU": lambda units: nn.GRU(units, units),
    "layer-normalised LSTM": NormalisedLstm,
    "Mogrifier LSTM": MogrifierLstm,
    "sLSTM": ExponentialLstm,
    "minGRU, 3 layers": MinGru,
}


class Network(nn.Module):
    """Learnt rows for the symbols, a cell and an output layer; `<pad>` is outside the softmax.

    Args:
        cell: A name in `CELLS`.
        vocab_size: V, the number of token ids.
        units: H, the number of units, and the size of the rows.
    """

    def __init__(self, cell: str, *, vocab_size: int, units: int) -> None:
        super().__init__()
        self.rows = nn.Embedding(vocab_size, units)
        self.cell = CELLS[cell](units)
        self.output = nn.Linear(units, vocab_size)
        with torch.no_grad():
            self.output.bias[0] = -1e4

    def forward(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run ids (T, B) and return logits (T, B, V) and the state after them."""
        hidden, state = self.cell(self.rows(ids), state)
        return self.output(hidden), state
