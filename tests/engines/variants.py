"""The networks that every engine is held to: all cells, depths and inputs, at sizes that fit no vector."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unspool.engines import ENGINES, make_engine
from unspool.engines.protocol import Engine
from unspool.network.cells import CELLS
from unspool.network.config import NetworkConfig
from unspool.network.parameters import initialize
from unspool.text.lanes import Window

VOCAB_SIZE = 11
EOS_ID = VOCAB_SIZE - 1
THREADS = {"torch": 1}  # its threads wait by spinning, which takes minutes on a busy machine


def networks() -> list[NetworkConfig]:
    """List every cell, a GRU both ways, one layer and two, one-hot and embedded, at odd sizes."""
    shapes = [(1, None, 7), (2, None, 20), (1, 5, 20), (2, 5, 7)]
    kinds = [
        (name, after)
        for name, cell in CELLS.items()
        for after in ([True, False] if cell.reset_gate else [True])
    ]
    return [
        NetworkConfig(
            cell=cell, reset_after=after, num_layers=L, embedding_size=E, hidden_size=H, vocab_size=VOCAB_SIZE
        )
        for cell, after in kinds
        for L, E, H in shapes
    ]


def describe(config: NetworkConfig) -> str:
    """Name a network in the tests' names."""
    before = "" if config.reset_after else "-reset_before"
    return f"{config.cell}{before}-L{config.num_layers}-E{config.embedding_size}-H{config.hidden_size}"


every_network = pytest.mark.parametrize("config", networks(), ids=describe)
every_engine = pytest.mark.parametrize("engine_name", list(ENGINES))


def engine_or_skip(name: str, config: NetworkConfig) -> Engine:
    """Make an engine, or skip where what it needs is not installed."""
    if needs := ENGINES[name].needs:
        pytest.importorskip(needs)
    return make_engine(name, config, threads=THREADS.get(name, 2))


@cache
def _drawn(config: NetworkConfig) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(7)
    first = initialize(config, 3)
    return {
        name: values + random.normal(0, 0.1 if values.ndim == 2 else 0.5, values.shape).astype(np.float32)
        for name, values in first.items()
    }


def parameters_of(config: NetworkConfig) -> dict[str, NDArray[np.float32]]:
    """Draw parameters with no zero among them, so that a forgotten bias shows."""
    return dict(_drawn(config))


@dataclass(frozen=True)
class Case:
    """One window to run, with everything around it."""

    window: Window
    state: NDArray[np.float32]
    masks: NDArray[np.float32]


def make_case(config: NetworkConfig, T: int, B: int, *, seed: int = 0) -> Case:
    """Draw a window with record starts and uncounted targets in it, a state that is not zero, and masks."""
    random = np.random.default_rng([seed, T, B])
    ids = random.integers(1, VOCAB_SIZE, (T, B)).astype(np.int32)
    targets = random.integers(1, VOCAB_SIZE, (T, B)).astype(np.int32)
    if T > 1:
        ids[T // 2, 0] = ids[1, -1] = EOS_ID
        targets[T - 1, 0] = 0
    L, S, H = config.state_shape
    state = random.normal(0, 0.5, (L, S, B, H)).astype(np.float32)
    masks = ((random.random((L, B, H)) > 0.3) / 0.7).astype(np.float32)
    return Case(Window(ids, targets), state, masks)


def window_of(ids: Any, targets: Any) -> Window:
    """Make a window of contiguous copies."""
    return Window(np.array(ids, np.int32, order="C"), np.array(targets, np.int32, order="C"))
