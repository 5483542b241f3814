from dataclasses import replace

import numpy as np
import pytest

from unspool._network.config import NetworkConfig
from unspool._training.dropout import dropout_masks, weight_masks
from unspool._training.speed import StepSpeed

NETWORK = NetworkConfig(hidden_size=200, num_layers=2, dropout=0.25, vocab_size=5)


def test_masks_drop_their_share_and_keep_the_mean() -> None:
    masks = dropout_masks(NETWORK, 16, seed=0, step=1)
    assert masks is not None
    assert masks.shape == (2, 16, 200)
    assert masks.dtype == np.float32
    assert set(np.unique(masks).tolist()) == {0.0, float(np.float32(1) / np.float32(0.75))}
    assert (masks == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert masks.mean() == pytest.approx(1.0, abs=0.03)


def test_masks_are_a_function_of_seed_and_step() -> None:
    def draw(seed: int, step: int) -> bytes:
        masks = dropout_masks(NETWORK, 4, seed=seed, step=step)
        assert masks is not None
        return masks.tobytes()

    assert draw(3, 7) == draw(3, 7)
    assert len({draw(3, 7), draw(3, 8), draw(4, 7), draw(7, 3), draw(2**63 - 1, 1)}) == 5


def test_no_dropout_is_no_mask() -> None:
    assert dropout_masks(NetworkConfig(vocab_size=5), 4, seed=0, step=1) is None


def test_weight_masks_drop_their_share_and_keep_the_mean() -> None:
    network = NetworkConfig(
        hidden_size=100, num_layers=2, recurrent_dropout=0.5, input_dropout=0.25, vocab_size=4000
    )
    masks = weight_masks(network, seed=0, step=1)
    assert {name: mask.shape for name, mask in masks.items()} == {
        "layers.0.recurrent_kernel": (100, 400),
        "layers.1.recurrent_kernel": (100, 400),
        "layers.0.input_kernel": (4000, 1),
    }
    for name, chance in {"layers.0.recurrent_kernel": 0.5, "layers.0.input_kernel": 0.25}.items():
        assert masks[name].dtype == np.float32
        assert set(np.unique(masks[name]).tolist()) == {0.0, float(np.float32(1) / np.float32(1 - chance))}
        assert (masks[name] == 0).mean() == pytest.approx(chance, abs=0.03)
    assert list(weight_masks(replace(network, embedding_size=7), seed=0, step=1))[-1] == "embedding"


def test_weight_masks_are_a_function_of_seed_and_step() -> None:
    network = NetworkConfig(
        hidden_size=9, num_layers=2, dropout=0.5, recurrent_dropout=0.5, input_dropout=0.5, vocab_size=99
    )

    def draw(seed: int, step: int) -> dict[str, bytes]:
        return {name: mask.tobytes() for name, mask in weight_masks(network, seed=seed, step=step).items()}

    assert draw(3, 7) == draw(3, 7)
    for name in draw(3, 7):
        assert len({draw(3, 7)[name], draw(3, 8)[name], draw(4, 7)[name]}) == 3
    outputs = dropout_masks(network, 18, seed=3, step=7)
    assert outputs is not None
    kernels = [weight_masks(network, seed=3, step=7)[f"layers.{layer}.recurrent_kernel"] for layer in (0, 1)]
    share = (kernels[0] == kernels[1]).mean()  # none is drawn twice
    assert 0.3 < share < 0.7
    assert 0.3 < (outputs.reshape(-1) == kernels[0].reshape(-1)).mean() < 0.7


def test_no_chance_is_no_weight_mask() -> None:
    assert weight_masks(NETWORK, seed=0, step=1) == {}


def test_speed_forgets_slow_beginnings() -> None:
    speed = StepSpeed()
    assert speed.rate == 0
    speed.add(100, 10.0)
    assert speed.rate == 10
    for _ in range(200):
        speed.add(100, 1.0)
    assert speed.rate == pytest.approx(100, rel=0.01)
