"""The running average: worked by hand, and what a run that keeps one measures, shows and leaves."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unspool._evaluation.streams import evaluate_stream
from unspool._training.averaging import update_average
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint
from unspool._training.loop import train_loop
from unspool._training.records import EvaluationRecord, SampleRecord, StepRecord
from unspool._training.task import Moment, TrainingTask

MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]
DECAY = 0.8


def average_of(history: list[Any], decay: float) -> Any:
    """Work the average from all values, the weights summing to one."""
    weights = decay ** np.arange(len(history) - 1, -1, -1.0)
    pairs = zip(weights / weights.sum(), history, strict=True)
    return sum(weight * values.astype(np.float64) for weight, values in pairs)


def test_by_hand() -> None:
    average = {"a": np.full(1, 100, np.float32)}
    for step, value, wanted in ((1, 1, 1), (2, 4, 3), (3, 8, (0.25 * 1 + 0.5 * 4 + 8) / 1.75)):
        update_average(average, {"a": np.full(1, value, np.float32)}, decay=0.5, step=step)
        assert average["a"][0] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("decay", [0.1, 0.9, 0.9999])
def test_every_step_counts_by_its_weight_and_the_first_values_not_at_all(decay: float) -> None:
    random = np.random.default_rng(0)
    history = [random.normal(size=(3, 4)).astype(np.float32) for _ in range(50)]
    average = {"a": np.full((3, 4), 8.0, np.float32)}
    for step, values in enumerate(history, start=1):
        given = values.copy()
        update_average(average, {"a": values}, decay=decay, step=step)
        np.testing.assert_allclose(average["a"], average_of(history[:step], decay), rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(values, given)
    assert average["a"].dtype == np.float32


def test_the_average_is_the_model_and_training_goes_on_without_it(make_task: MakeTask, begin: Begin) -> None:
    seen: list[dict[str, Any]] = []

    def look(moment: Moment) -> list[SampleRecord]:
        seen.append({name: values.copy() for name, values in moment.parameters.items()})
        return []

    task = make_task(ema=DECAY, epochs=1, callbacks=[look])
    start, sink = begin(task), MemorySink()
    history: list[dict[str, Any]] = []
    for record in train_loop(task, start, sink=sink):
        if isinstance(record, StepRecord):
            history.append({name: values.copy() for name, values in start.parameters.items()})
        if isinstance(record, EvaluationRecord):
            evaluation = record
    assert sink.parameters is not None
    for name, values in sink.parameters.items():
        wanted = average_of([parameters[name] for parameters in history], DECAY)
        np.testing.assert_allclose(values, wanted, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(seen[-1][name], values)
    held_out = evaluate_stream(
        task.engine, sink.parameters, task.validation, eos_id=task.eos_id, document=False
    )
    assert evaluation.bits_per_character == held_out.bits_per_character

    plain = begin(make_task(epochs=1))
    list(train_loop(make_task(epochs=1), plain, sink=MemorySink()))
    assert plain.average is None
    for name, values in plain.parameters.items():
        np.testing.assert_array_equal(start.parameters[name], values)


def test_a_stop_before_any_evaluation_leaves_the_average(
    make_task: MakeTask, begin: Begin, stop_at: Any
) -> None:
    task = make_task(ema=DECAY)
    start, sink = begin(task), MemorySink()
    list(train_loop(task, start, sink=sink, stop_requested=stop_at(3)))
    assert sink.parameters is not None
    assert start.average is not None
    for name, values in start.average.items():
        np.testing.assert_array_equal(sink.parameters[name], values)
    assert math.isfinite(sum(float(values.sum()) for values in sink.parameters.values()))
    assert (start.average["output.bias"] != start.parameters["output.bias"]).any()
