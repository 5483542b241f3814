"""A training that is lost: the loss is not finite, or far above guessing."""

import itertools
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from unspool._errors import DivergenceError
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint
from unspool._training.loop import train_loop
from unspool._training.records import EvaluationRecord, record_to_dict
from unspool._training.task import TrainingTask

from .test_loop import all_bytes, of_kind, run

MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_not_finite_stops_the_run_with_the_last_good_state(
    make_task: MakeTask, begin: Begin, what: str
) -> None:
    task = make_task(clip_norm=None)
    honest = task.engine.loss_and_gradients
    calls = itertools.count(1)

    def poisoned(*arguments: Any, **options: Any) -> Any:
        loss, gradients, state = honest(*arguments, **options)
        if next(calls) == 5:
            if what == "loss":
                loss = type(loss)(math.inf, loss.count)
            gradients["output.bias"][2] = math.nan
        return loss, gradients, state

    task.engine.loss_and_gradients = poisoned  # type: ignore[method-assign]
    start, sink = begin(task), MemorySink()
    loop = train_loop(task, start, sink=sink)
    assert [record.step for record in itertools.islice(loop, 4)] == [1, 2, 3, 4]
    good = start.copy()
    with pytest.raises(DivergenceError, match=r"at step 5.*after step 4.*learning_rate.*clip_norm"):
        next(loop)
    assert sink.checkpoint is not None
    assert sink.checkpoint.progress.step == 4
    assert all_bytes(sink.checkpoint) == all_bytes(good)


@pytest.mark.parametrize(
    ("losses", "step"),
    [
        ([2.0] * 20 + [5.0] * 40, 36),  # the mean of 20 passes 2 ln 9 = 4.394 with the 16th loss of 5
        ([5.0] * 60, 20),
        ([4.3] * 60, None),
        ([9.0] * 3 + [2.0] * 57, None),  # a few bad steps are not: 61 / 20
    ],
)
def test_a_finite_loss_far_above_guessing_is_divergence(
    make_task: MakeTask, begin: Begin, losses: list[float], step: int | None
) -> None:
    task = make_task(epochs=20, validation=0)
    honest, turn = task.engine.loss_and_gradients, iter(losses)

    def exploded(*arguments: Any, **options: Any) -> Any:
        loss, gradients, state = honest(*arguments, **options)
        return type(loss)(next(turn) * loss.count, loss.count), gradients, state

    task.engine.loss_and_gradients = exploded  # type: ignore[method-assign]
    steps = (record for record in train_loop(task, begin(task), sink=MemorySink()) if record.kind == "step")
    if step is None:
        assert len(list(itertools.islice(steps, 60))) == 60
        return
    with pytest.raises(DivergenceError, match=r"loss has exploded: .* guessing costs 2\.2; .*learning_rate"):
        list(steps)
    assert len(list(turn)) == len(losses) - step


@pytest.mark.parametrize("validation", [12, 0])
def test_a_last_step_that_ruins_the_network_is_not_kept(
    make_task: MakeTask, begin: Begin, validation: int
) -> None:
    task = make_task(epochs=2, validation=validation, learning_rate=1e38, clip_norm=None, optimizer="sgd")
    start, sink = begin(task), MemorySink()
    loop = train_loop(replace_last_gradient(task), start, sink=sink)
    with pytest.raises(DivergenceError, match=r"not finite after step \d+; the last checkpoint is kept"):
        list(loop)
    assert sink.parameters is None


def replace_last_gradient(task: TrainingTask) -> TrainingTask:
    """Make the gradients nothing but for the step before the first evaluation, and huge there."""
    honest = task.engine.loss_and_gradients
    calls, last = itertools.count(1), task.lanes().windows_per_epoch

    def changed(*arguments: Any, **options: Any) -> Any:
        loss, gradients, state = honest(*arguments, **options)
        value = 1e3 if next(calls) == last else 0.0
        for gradient in gradients.values():
            gradient[...] = value
        return loss, gradients, state

    task.engine.loss_and_gradients = changed  # type: ignore[method-assign]
    return task


def test_a_loss_too_high_for_a_perplexity_is_written_down_all_the_same(
    make_task: MakeTask, begin: Begin
) -> None:
    task = make_task(epochs=1, learning_rate=1e6, schedule="constant")
    records, _ = run(task, begin(task))
    (evaluation,) = of_kind(records, EvaluationRecord)
    assert evaluation.loss > 1000
    assert evaluation.perplexity is None
    json.dumps(record_to_dict(evaluation), allow_nan=False)
