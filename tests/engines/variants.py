"""The networks that every engine is held to: all cells, depths and inputs, at sizes that fit no vector."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unspool._engines import ENGINES, make_engine
from unspool._engines.protocol import Engine
from unspool._network.cells import CELLS
from unspool._network.config import VARIANTS, NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window

VOCAB_SIZE = 11
EOS_ID = VOCAB_SIZE - 1
SHAPES: list[dict[str, Any]] = [
    {"num_layers": 1, "hidden_size": 7},
    {"num_layers": 2, "hidden_size": 20},
    {"num_layers": 1, "hidden_size": 20, "embedding_size": 5},
    {"num_layers": 2, "hidden_size": 7, "embedding_size": 5},
    {"num_layers": 3, "hidden_size": 20, "residual": True},
    {"num_layers": 1, "hidden_size": 20, "embedding_size": 20, "tied_output": True},
    {"num_layers": 4, "hidden_size": 7, "embedding_size": 7, "tied_output": True, "residual": True},
]
THREADS = {"torch": 1}  # its threads wait by spinning, which takes minutes on a busy machine


def networks() -> list[NetworkConfig]:
    """List every cell, a GRU both ways, in the shapes of `SHAPES`, at odd sizes."""
    kinds = [
        (name, after)
        for name, cell in CELLS.items()
        for after in ([True, False] if cell.reset_gate else [True])
    ]
    return [
        NetworkConfig(cell=cell, reset_after=after, vocab_size=VOCAB_SIZE, **shape)
        for cell, after in kinds
        for shape in SHAPES
    ]


def describe(config: NetworkConfig) -> str:
    """Name a network in the tests' names."""
    before = "" if config.reset_after else "-reset_before"
    more = "".join(f"-{name}" for name in VARIANTS if getattr(config, name))
    return f"{config.cell}{before}-L{config.num_layers}-E{config.embedding_size}-H{config.hidden_size}{more}"


every_network = pytest.mark.parametrize("config", networks(), ids=describe)
TWIN = "plain torch"  # the oracle, which no user can choose
every_engine = pytest.mark.parametrize("engine_name", list(ENGINES))
every_engine_and_the_twin = pytest.mark.parametrize("engine_name", [*ENGINES, TWIN])


def engine_or_skip(name: str, config: NetworkConfig, *, threads: int = 2) -> Engine:
    """Make an engine, or skip where what it needs is not installed, or the cell has no native kernels."""
    if name == TWIN:
        pytest.importorskip("torch")
        from unspool._engines.torch import TorchEngine

        return TorchEngine(config, threads=1)
    if needs := ENGINES[name].needs:
        pytest.importorskip(needs)
    if name == "cpu" and config.kind.native is None:
        pytest.skip(f"{config.cell} has no native kernels")
    return make_engine(name, config, threads=THREADS.get(name, threads))


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
