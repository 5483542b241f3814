"""What the loop makes of a run of losses: evaluations at shares of the run, and an exploded loss."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from unspool._errors import DivergenceError
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask

MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]


def test_evaluations_at_shares_of_the_run_come_as_often_on_any_machine(
    make_task: MakeTask, begin: Begin
) -> None:
    for seconds in (0.5, 2.0, 7.0):  # a step takes so long: the run of three minutes has 360, 90 or 25 steps
        task = make_task(epochs=None, minutes=3.0, evaluate_every=0.25)
        ticks = itertools.count()
        clock = lambda seconds=seconds, ticks=ticks: next(ticks) * seconds / 2  # noqa: E731 - two looks a step
        records = list(train_loop(task, begin(task), sink=MemorySink(), clock=clock))
        assert 3 <= sum(record.kind == "evaluation" for record in records) <= 5
    task = make_task(epochs=3, evaluate_every=0.25)
    steps = 3 * task.lanes().windows_per_epoch
    records = list(train_loop(task, begin(task), sink=MemorySink()))
    at = [record.step for record in records if record.kind == "evaluation"]
    assert at == [math.ceil(steps * part / 4) for part in (1, 2, 3, 4)]


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
