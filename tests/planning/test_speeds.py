"""Timing the candidates: a fake clock tells how long each step takes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from unspool._network.cells import native_cells
from unspool._network.config import NetworkConfig
from unspool._planning import speeds
from unspool._planning.speeds import measure_speeds
from unspool._training.config import TrainingConfig
from unspool._training.optimizers import Optimizer

TRAINING = TrainingConfig(batch_size=2, sequence_length=4, threads=1)
NETWORKS = [NetworkConfig(hidden_size=size, vocab_size=7) for size in (2, 4, 8)]


def ticking(seconds: float) -> Callable[[], float]:
    """Make a clock that goes on by so many seconds whenever it is looked at."""

    def ticks() -> Iterator[float]:
        now = 0.0
        while True:
            yield now
            now += seconds

    clock = ticks()
    return lambda: next(clock)


def test_a_speed_is_symbols_over_the_time_of_a_step() -> None:
    speeds = measure_speeds(NETWORKS, TRAINING, 300.0, clock=ticking(1.0))
    assert speeds == pytest.approx([8.0] * 3)


def test_when_the_time_is_over_the_larger_ones_are_left_out() -> None:
    assert len(measure_speeds(NETWORKS, TRAINING, 1.0, clock=ticking(1.0))) == 1


def test_steps_are_made_on_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    class Watched(Optimizer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            threads.append(options["threads"])

    monkeypatch.setattr(speeds, "Optimizer", Watched)
    measure_speeds(NETWORKS[:1], replace(TRAINING, threads=2), 0.0)
    assert threads == [2]


@pytest.mark.parametrize("cell", native_cells())
def test_any_network_can_be_timed(cell: str) -> None:
    network = NetworkConfig(
        cell=cell, hidden_size=3, num_layers=2, embedding_size=2, dropout=0.5, vocab_size=5
    )
    (speed,) = measure_speeds([network], TRAINING, 0.0)
    assert speed > 0
