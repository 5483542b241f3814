"""Timing the candidates: a fake clock tells how long each step takes."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
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


class Timed:
    """An engine whose steps take what the test says, with the clock that shows it."""

    def __init__(self, *durations: float) -> None:
        self.now, self.durations = 0.0, list(durations)
        self.threads, self.calls = 5, list[Any]()

    def initial_state(self, batch_size: int) -> Any:
        return [batch_size]

    def loss_and_gradients(self, *arguments: Any, reset_id: Any, masks: Any) -> Any:
        self.calls.append((*arguments, reset_id, masks))
        self.now += self.durations[min(len(self.calls), len(self.durations)) - 1]
        return None, {"gradients": 1}, ["state", len(self.calls)]


def test_a_step_is_whole_and_the_first_one_warms_up(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, made, updated = Timed(100.0, 1.0, 3.0, 2.0), list[Any](), list[Any]()

    class Updating:
        def __init__(self, *arguments: Any, **options: Any) -> None:
            made.append((arguments, options))

        def update(self, parameters: Any, gradients: Any, rate: float) -> None:
            updated.append((gradients, rate))

    monkeypatch.setattr(speeds, "engine_of", lambda *a, **o: [made.append((a, o)), engine][1])
    monkeypatch.setattr(speeds, "Optimizer", Updating)
    network = NetworkConfig(hidden_size=4, vocab_size=7, dropout=0.5)
    training = replace(TRAINING, learning_rate=0.25, optimizer="sgd", threads=3, engine="torch")
    found = measure_speeds([network], training, 0.0, clock=lambda: engine.now)
    assert found == [2 * 4 / 2.0]  # the median of what came after the first
    assert len(engine.calls) == 4
    (of_engine, told), ((name, parameters, given), options) = made
    assert (of_engine, told) == ((training, network), {})
    assert (name, given, options) == ("sgd", training, {"threads": 5})
    assert updated == [({"gradients": 1}, 0.25)] * 4
    numbers = np.concatenate([array.ravel() for array in parameters.values()])
    assert numbers.std() == pytest.approx(0.05, rel=0.2)
    masks = []
    for step, (of_step, window, state, reset_id, mask) in enumerate(engine.calls):
        assert of_step is parameters
        assert state == ([2] if step == 0 else ["state", step])
        assert reset_id is None
        assert window.ids.shape == window.targets.shape == (4, 2)
        assert mask.shape == (1, 2, 4)
        np.testing.assert_array_equal(window.ids[1:], window.targets[:-1])
        assert 0 < window.ids.min() <= window.ids.max() < 7
        masks.append(mask.tobytes())
    assert len(set(masks)) > 1


def test_the_time_is_shared_among_the_networks_that_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    now = [0.0]

    def timed(network: NetworkConfig, training: TrainingConfig, seconds: float, clock: Any) -> float:
        shares.append(seconds)
        now[0] += 4.0
        return 1.0

    monkeypatch.setattr(speeds, "_speed", timed)
    assert measure_speeds(NETWORKS, TRAINING, 12.0, clock=lambda: now[0]) == [1.0] * 3
    assert shares == [4.0, 4.0, 4.0]
    now[0] = 0.0
    assert len(measure_speeds(NETWORKS, TRAINING, 8.0, clock=lambda: now[0])) == 2  # eight are over
    assert len(measure_speeds(NETWORKS, TRAINING, 0.0, clock=lambda: now[0])) == 1


def test_steps_go_on_while_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds, steps in ((6.0, 6), (6.5, 7), (3.0, 4)):
        engine = Timed(1.0)
        monkeypatch.setattr(speeds, "engine_of", lambda *_, engine=engine: engine)
        monkeypatch.setattr(speeds.Optimizer, "update", lambda *_: None)
        measure_speeds(NETWORKS[:1], TRAINING, seconds, clock=lambda engine=engine: engine.now)
        assert len(engine.calls) == steps
