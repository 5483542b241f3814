"""What an epoch reads and measures, and what a run that goes on still knows, worked out beside the loop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unspool._engines.protocol import Loss
from unspool._training import loop as loop_module
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from unspool._training.loop import train_loop
from unspool._training.records import EvaluationRecord, FinishRecord, StepRecord, TrainingRecord
from unspool._training.task import TrainingTask

MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]


class Spy:
    """Note what an engine reads, and what it answers."""

    def __init__(self, task: TrainingTask) -> None:
        self.read: list[bytes] = []
        self.losses: list[Loss] = []
        self._honest = task.engine.loss_and_gradients
        task.engine.loss_and_gradients = self  # type: ignore[method-assign]

    def __call__(self, parameters: Any, window: Any, state: Any, **options: Any) -> Any:
        loss, gradients, state = self._honest(parameters, window, state, **options)
        self.read.append(window.ids.tobytes() + window.targets.tobytes())
        self.losses.append(loss)
        return loss, gradients, state


def records_of(task: TrainingTask, start: Checkpoint, **options: Any) -> list[TrainingRecord]:
    return list(train_loop(task, start, sink=options.pop("sink", MemorySink()), **options))


@pytest.mark.parametrize("document", [False, True])
def test_each_epoch_of_lines_has_an_order_of_its_own(
    make_task: MakeTask, begin: Begin, document: bool
) -> None:
    task = make_task(epochs=3, document=document)
    spy, windows = Spy(task), task.lanes().windows_per_epoch
    records_of(task, begin(task))
    epochs = [tuple(spy.read[first : first + windows]) for first in range(0, 3 * windows, windows)]
    assert len(set(epochs)) == (1 if document else 3)


def test_each_epoch_reads_all_lanes_once(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(epochs=3)
    spy, lanes = Spy(task), task.lanes()
    records_of(task, begin(task))
    in_lanes = len(task.training) // lanes.batch_size * lanes.batch_size
    windows = lanes.windows_per_epoch
    for first in range(0, 3 * windows, windows):
        assert sum(loss.count for loss in spy.losses[first : first + windows]) == in_lanes


def test_the_training_loss_is_that_of_its_epoch_alone(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(epochs=3, learning_rate=0.05)
    spy, windows = Spy(task), task.lanes().windows_per_epoch
    evaluations = [each for each in records_of(task, begin(task)) if isinstance(each, EvaluationRecord)]
    for number, evaluation in enumerate(evaluations):
        losses = spy.losses[number * windows : (number + 1) * windows]
        expected = sum(loss.total for loss in losses) / sum(loss.count for loss in losses)
        assert evaluation.training_loss == pytest.approx(expected, rel=1e-9)
    assert len({evaluation.training_loss for evaluation in evaluations}) == 3


def test_within_an_epoch_the_training_loss_is_that_so_far(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(epochs=1, evaluate_every=4)
    spy = Spy(task)
    for each in records_of(task, begin(task)):
        if isinstance(each, EvaluationRecord):
            losses = spy.losses[: each.step]
            expected = sum(loss.total for loss in losses) / sum(loss.count for loss in losses)
            assert each.training_loss == pytest.approx(expected, rel=1e-9)


def stored(path: Path, checkpoint: Checkpoint, template: Checkpoint) -> Checkpoint:
    """Write a checkpoint to a file, and read it as a resumed run does."""
    save_checkpoint(path, checkpoint)
    return load_checkpoint(path, template)


def worse_and_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each evaluation be worse than the one before it."""
    given = iter(range(1, 1000))

    def nats(*arguments: Any, **options: Any) -> Iterator[tuple[float, int]]:
        count = len(arguments[2].ids)
        yield float(next(given) * count), count

    monkeypatch.setattr(loop_module, "stream_nats", nats)


def test_the_best_step_and_the_patience_outlive_a_stop(
    make_task: MakeTask, begin: Begin, stop_at: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse_and_worse(monkeypatch)
    task = make_task(epochs=9, evaluate_every=2, patience=3)
    first, rest = MemorySink(), MemorySink()
    records_of(task, begin(task), sink=first, stop_requested=stop_at(5))  # evaluated at the steps 2 and 4
    assert first.checkpoint is not None
    assert first.evaluation is not None
    assert first.evaluation.step == 2
    start = stored(tmp_path / "last.safetensors", first.checkpoint, begin(task))
    records = records_of(task, start, sink=rest)
    finish = records[-1]
    assert isinstance(finish, FinishRecord)
    assert (finish.reason, finish.best_step, finish.step) == ("patience", 2, 8)
    assert finish.best_bits_per_character == first.evaluation.bits_per_character
    assert rest.parameters is None  # the model of step 2 stays
    assert [each.best for each in records if isinstance(each, EvaluationRecord)] == [False, False]


def test_the_minutes_of_a_run_are_granted_once(
    make_task: MakeTask, begin: Begin, ticks: Any, tmp_path: Path
) -> None:
    task = make_task(epochs=None, minutes=2.0)
    sink = MemorySink()
    start = begin(task)
    records_of(task, start, sink=sink, clock=ticks, stop_requested=lambda: start.progress.seconds > 90)
    assert sink.checkpoint is not None
    before = sink.checkpoint.progress.seconds
    assert 90 < before < 100
    ticks.now = 5.0  # another process has another clock
    records = records_of(
        task, stored(tmp_path / "last.safetensors", sink.checkpoint, begin(task)), clock=ticks
    )
    finish = records[-1]
    assert isinstance(finish, FinishRecord)
    assert finish.reason == "minutes"
    assert 110 < finish.seconds < 140
    steps = [each for each in records if isinstance(each, StepRecord)]
    assert all(before < step.seconds for step in steps)
    assert steps[0].progress > 0.7  # and the schedule goes on where it was


def test_a_state_that_is_carried_outlives_a_stop_as_do_the_slots(
    make_task: MakeTask, begin: Begin, stop_at: Any, tmp_path: Path
) -> None:
    task = make_task(document=True, ema=0.9, epochs=2)
    sink = MemorySink()
    records_of(task, begin(task), sink=sink, stop_requested=stop_at(3))
    assert sink.checkpoint is not None
    back = stored(tmp_path / "last.safetensors", sink.checkpoint, begin(task))
    assert back.state.any()
    np.testing.assert_array_equal(back.state, sink.checkpoint.state)
    assert back.average is not None
    assert sink.checkpoint.average is not None
    for name, values in sink.checkpoint.average.items():
        np.testing.assert_array_equal(back.average[name], values)
        assert any(slots[name].any() for slots in back.slots.values())
