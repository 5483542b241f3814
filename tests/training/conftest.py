"""A tiny corpus and a tiny network, small enough that a whole run takes a moment."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unspool._engines import make_engine
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.stream import TokenStream
from unspool._training.checkpoints import Checkpoint
from unspool._training.config import TrainingConfig
from unspool._training.task import TrainingTask, fresh_start

SYMBOLS = "abcdefgh"
VOCAB_SIZE = len(SYMBOLS) + 2
EOS_ID = VOCAB_SIZE - 1


def stream_of(num_records: int, seed: int) -> TokenStream:
    """Draw records in which every symbol tends to follow the one before it in the alphabet."""
    rng = np.random.default_rng(seed)
    records = [(int(rng.integers(8)) + np.arange(rng.integers(2, 12))) % 8 + 1 for _ in range(num_records)]
    ids = np.concatenate([np.append(record, EOS_ID) for record in records]).astype(np.uint8)
    starts = np.cumsum([0, *(len(record) + 1 for record in records[:-1])]).astype(np.int64)
    return TokenStream(ids, starts, len(ids) - num_records)


@pytest.fixture
def make_task() -> Callable[..., TrainingTask]:
    """Make a task: network values by `network=`, everything else is the training configuration's."""

    def make(
        *,
        document: bool = False,
        validation: int = 12,
        callbacks: Any = (),
        network: dict[str, Any] | None = None,
        **values: Any,
    ) -> TrainingTask:
        small = {"cell": "lstm", "hidden_size": 8, "num_layers": 2, "dropout": 0.2, "vocab_size": VOCAB_SIZE}
        settings = {"epochs": 3, "batch_size": 4, "sequence_length": 10, "learning_rate": 0.01, "threads": 2}
        config = TrainingConfig(**{**settings, **values})
        empty = TokenStream(np.zeros(0, np.uint8), np.zeros(0, np.int64), 0)
        return TrainingTask(
            engine=make_engine(
                config.engine, NetworkConfig(**{**small, **(network or {})}), threads=config.threads
            ),
            training=stream_of(40, seed=0),
            validation=stream_of(validation, seed=1) if validation else empty,
            eos_id=EOS_ID,
            document=document,
            config=config,
            callbacks=callbacks,
        )

    return make


@pytest.fixture
def begin() -> Callable[[TrainingTask], Checkpoint]:
    """Make the fresh start of a task, its parameters drawn from the task's seed."""
    return lambda task: fresh_start(task, dict(initialize(task.engine.config, task.config.seed)))


class StopAt:
    """Ask for a stop once it has been asked so many times itself."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> bool:
        self.left -= 1
        return self.left <= 0


class Ticks:
    """Be a clock that shows one second more every time it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def stop_at() -> type[StopAt]:
    return StopAt


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def uniform_bits() -> float:
    """Give what a network that knows nothing needs for a symbol of the tiny corpus."""
    return math.log2(VOCAB_SIZE - 1)
