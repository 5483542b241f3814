"""Useful operations are counted by hand, and by PyTorch as it computes."""

import pytest

from tests.engines.variants import make_case, parameters_of
from unspool._benchmarking.operations import generation_operations, training_operations
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig


@pytest.mark.parametrize(
    ("config", "forward"),
    [
        # h U for four gates, and the output layer; the one-hot input is gathered
        (NetworkConfig(cell="lstm", hidden_size=128, vocab_size=84), 2 * (128 * 512 + 128 * 84)),
        # the second layer multiplies its input too
        (NetworkConfig(cell="gru", hidden_size=10, num_layers=2, vocab_size=7), 2 * (3 * 300 + 70)),
        # an embedding of 5 is gathered, and multiplied by the first layer's input kernel
        (NetworkConfig(cell="rnn", hidden_size=3, embedding_size=5, vocab_size=4), 2 * (15 + 9 + 12)),
    ],
)
def test_the_count_is_that_of_a_hand(config: NetworkConfig, forward: int) -> None:
    assert generation_operations(config) == forward
    assert training_operations(config) == 3 * forward


@pytest.mark.parametrize("embedding_size", [None, 5])
@pytest.mark.parametrize("cell", CELLS)
def test_the_count_is_that_of_pytorch_at_work(cell: str, embedding_size: int | None) -> None:
    pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    from unspool._engines.torch import TorchEngine

    B = 3
    config = NetworkConfig(
        cell=cell, hidden_size=8, num_layers=2, embedding_size=embedding_size, vocab_size=11
    )
    totals = []
    for T in (6, 7):  # the first step has less to do, as no gradient goes to the state before it
        case, counter = make_case(config, T, B), FlopCounterMode(display=False)
        with counter:
            TorchEngine(config).loss_and_gradients(
                parameters_of(config), case.window, case.state, reset_id=None
            )
        totals.append(counter.get_total_flops())
    # PyTorch's own output layer has the column of <pad> too, as the count has
    assert totals[1] - totals[0] == B * training_operations(config)
