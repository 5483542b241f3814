import numpy as np
import pytest

from unspool.network.config import NetworkConfig
from unspool.training.dropout import dropout_masks
from unspool.training.speed import Speed

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


def test_speed_forgets_slow_beginnings() -> None:
    speed = Speed()
    assert speed.rate == 0
    speed.add(100, 10.0)
    assert speed.rate == 10
    for _ in range(200):
        speed.add(100, 1.0)
    assert speed.rate == pytest.approx(100, rel=0.01)
