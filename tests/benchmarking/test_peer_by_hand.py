"""The peer in PyTorch does what it says: its optimizer, its clipping, its threads, its draws."""

from typing import Any

import numpy as np
import pytest

from unspool._benchmarking.contenders import random_windows
from unspool._errors import UnspoolError
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

torch = pytest.importorskip("torch")
peer = pytest.importorskip("unspool._benchmarking.torch_peer")

CONFIG = NetworkConfig(cell="gru", hidden_size=3, num_layers=2, vocab_size=6)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    return asked


def test_its_optimizer_is_that_which_is_asked_for() -> None:
    network = peer.network_like(CONFIG, initialize(CONFIG, 0))
    usual = peer.TorchTrainer(network, learning_rate=0.5).optimizer.param_groups[0]
    assert (usual["lr"], usual["weight_decay"], usual["betas"], usual["eps"]) == (
        0.5,
        0.0,
        (0.9, 0.999),
        1e-8,
    )
    assert usual["fused"] is True
    given = peer.TorchTrainer(network, learning_rate=0.5, weight_decay=0.1, betas=(0.5, 0.6), epsilon=0.1)
    group = given.optimizer.param_groups[0]
    assert (group["weight_decay"], group["betas"], group["eps"], given.bf16) == (0.1, (0.5, 0.6), 0.1, False)
    assert len(given.parameters) == len(list(network.parameters()))
    ids = torch.ones((2, 1), dtype=torch.long)
    given.step(ids, ids, learning_rate=0.25)
    assert given.optimizer.param_groups[0]["lr"] == 0.25
    given.step(ids, ids)
    assert given.optimizer.param_groups[0]["lr"] == 0.25


def test_gradients_are_clipped_to_one_and_the_state_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    clipped: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def noted(parameters: Any, most: float) -> Any:
        clipped.append(most)
        return clip(parameters, most)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", noted)
    trainer = peer.TorchTrainer(peer.network_like(CONFIG, initialize(CONFIG, 0)), learning_rate=0.01)
    ids = torch.tensor([[1], [2]])
    assert trainer.state is None
    first = trainer.step(ids, ids)
    assert clipped == [1.0]
    assert trainer.state.shape == (2, 1, 3)
    assert not trainer.state.requires_grad
    assert trainer.state.abs().sum() > 0
    assert trainer.step(ids, ids) < first
    pair = peer.carried((trainer.state, trainer.state))
    assert isinstance(pair, tuple)
    assert len(pair) == 2


def test_a_step_goes_on_to_the_next_window_on_its_threads(threads: list[int]) -> None:
    windows = random_windows(vocab_size=6, sequence_length=3, batch_size=2)[:2]
    step = peer.training_step(CONFIG, initialize(CONFIG, 0), windows, threads=3, learning_rate=1e-9)
    losses = [step() for _ in range(4)]
    assert threads == [3] * 4
    assert losses[0] != losses[1]
    with torch.no_grad():
        network = peer.network_like(CONFIG, initialize(CONFIG, 0))
        logits, _ = network(torch.from_numpy(windows[0].ids).long())
    targets = torch.from_numpy(windows[0].targets).long()
    assert losses[0] == pytest.approx(float(peer.mean_loss(logits, targets)), rel=1e-5)
    rows = torch.log_softmax(logits, dim=-1).gather(-1, targets[..., None])
    assert losses[0] == pytest.approx(float(-rows.mean()), rel=1e-5)


def test_a_single_text_is_written_on_one_thread(threads: list[int]) -> None:
    start = initialize(CONFIG, 0)
    one = peer.writing(CONFIG, start, texts=1, count=5, threads=3)()
    many = peer.writing(CONFIG, start, texts=4, count=2, threads=3)()
    assert threads == [1, 3]
    assert (tuple(one.shape), tuple(many.shape)) == ((5, 1), (2, 4))
    assert 0 not in set(one.flatten().tolist() + many.flatten().tolist())


class Fixed(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A network whose logits are the token after the one that it reads, and whose state counts."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[Any] = []

    def forward(self, ids: Any, state: Any) -> Any:
        self.read.append((ids.tolist(), state))
        logits = torch.zeros(1, ids.shape[1], 6)
        for column in range(ids.shape[1]):
            logits[0, column, (int(ids[0, column]) + 1) % 6] = 1.0
        return logits, (state or 0) + 1


def test_what_is_drawn_is_read_next() -> None:
    network = Fixed()
    drawn = peer.generate(network, batch_size=2, count=3, start=2, temperature=1e-3)
    assert drawn.tolist() == [[3, 3], [4, 4], [5, 5]]
    assert network.read == [([[2, 2]], None), ([[3, 3]], 1), ([[4, 4]], 2)]
    torch.manual_seed(0)
    warm = peer.generate(Fixed(), batch_size=400, count=1, start=2)
    share = float((warm == 3).float().mean())  # e of e + 5
    assert share == pytest.approx(np.e / (np.e + 5), abs=0.08)


@pytest.mark.parametrize("bf16", [False, True])
def test_a_product_is_of_two_squares(threads: list[int], bf16: bool) -> None:
    product = peer.product(7, threads=2, bf16=bf16)()
    assert tuple(product.shape) == (7, 7)
    assert product.dtype == (torch.bfloat16 if bf16 else torch.float32)
    assert threads == [2]


def test_padding_is_out_of_the_softmax_and_a_cell_without_a_layer_is_refused() -> None:
    network = peer.network_like(CONFIG, initialize(CONFIG, 0))
    bias = network.output.bias.detach()
    assert float(bias[0]) == -1e4
    assert float(bias[1:].abs().max()) < 100
    from unspool._engines.torch import TORCH_CELLS

    without = next((cell for cell, row in TORCH_CELLS.items() if isinstance(row.layer, str)), None)
    if without is not None:
        with pytest.raises(UnspoolError) as caught:
            peer.TorchNetwork(without, vocab_size=6, hidden_size=3)
        assert str(caught.value) == f"cell {without}: {TORCH_CELLS[without].layer}"
    assert peer.TorchNetwork("gru", vocab_size=6, hidden_size=3).layers.num_layers == 1
