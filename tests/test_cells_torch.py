"""The cells of benchmarks/cells_torch.py compute what their papers say, in one window or in two."""

import math
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def cells():
    """Load benchmarks/cells_torch.py."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import cells_torch
    finally:
        sys.path.remove(str(BENCHMARKS))
    return cells_torch


@pytest.mark.parametrize(
    "name", ["LSTM", "GRU", "layer-normalised LSTM", "Mogrifier LSTM", "sLSTM", "minGRU, 3 layers"]
)
def test_two_windows_are_one_when_the_state_is_carried(cells, name):
    torch.manual_seed(1)
    network = cells.Network(name, vocab_size=7, units=5)
    ids = torch.randint(1, 7, (6, 3))
    whole, _ = network(ids)
    first, state = network(ids[:2])
    second, _ = network(ids[2:], state)
    assert torch.allclose(torch.cat([first, second]), whole, atol=1e-6)
    assert len(cells.CELLS) == 6


def test_the_slstm_is_its_formula_without_the_stabiliser(cells):
    torch.manual_seed(2)
    cell = cells.ExponentialLstm(1)
    kernel, recurrent = (m.weight[:, 0].tolist() for m in (cell.input, cell.recurrent))
    bias = cell.input.bias.tolist()
    inputs = [0.3, -1.2, 0.8]
    h = c = n = 0.0
    for x in inputs:
        i, f, z, o = (w * x + u * h + b for w, u, b in zip(kernel, recurrent, bias, strict=True))
        forget = 1 / (1 + math.exp(-f))
        c = forget * c + math.exp(i) * math.tanh(z)
        n = forget * n + math.exp(i)
        h = c / n / (1 + math.exp(-o))
    hidden, _ = cell(torch.tensor(inputs)[:, None, None])
    assert hidden[-1].item() == pytest.approx(h, rel=1e-5)


def test_the_min_gru_moves_from_its_state_to_its_candidate(cells):
    torch.manual_seed(3)
    cell = cells.MinGru(1)
    x = 0.7
    for layer in cell.layers:
        (gate, candidate), (b, d) = layer.weight[:, 0].tolist(), layer.bias.tolist()
        x += (candidate * x + d) / (1 + math.exp(-(gate * x + b)))
    hidden, _ = cell(torch.tensor([[[0.7]]]))
    assert hidden.item() == pytest.approx(x, rel=1e-5)


def test_a_mogrifier_that_gates_nothing_is_an_lstm(cells):
    torch.manual_seed(4)
    cell, peer = cells.MogrifierLstm(3), torch.nn.LSTM(3, 3)
    with torch.no_grad():
        for gate in cell.rounds:
            gate.weight.zero_()  # 2 · sigmoid(0) = 1
            gate.bias.zero_()
        peer.weight_ih_l0.copy_(cell.input.weight)
        peer.weight_hh_l0.copy_(cell.recurrent.weight)
        peer.bias_ih_l0.copy_(cell.input.bias)
        peer.bias_hh_l0.zero_()
        x = torch.randn(4, 2, 3)
        assert torch.allclose(cell(x)[0], peer(x)[0], atol=1e-6)


def test_a_layer_normalised_lstm_does_not_see_the_size_of_its_input(cells):
    torch.manual_seed(5)
    cell = cells.NormalisedLstm(8)
    x = torch.randn(3, 2, 8)
    with torch.no_grad():
        assert torch.allclose(cell(10 * x)[0], cell(x)[0], atol=1e-3)
        assert not torch.allclose(cell(x + 1)[0], cell(x)[0], atol=1e-2)
