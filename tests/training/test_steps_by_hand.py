"""What a step and an evaluation say, each number from others; what is due when."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unspool._engines.protocol import Loss
from unspool._errors import DivergenceError
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.loop import _Run, train_loop
from unspool._training.records import FinishRecord, StepRecord
from unspool._training.stepping import steps as steps_of_host


def running(task: Any, start: Any, clock: Any = lambda: 0.0) -> Any:
    return _Run(task, start, MemorySink(), lambda: None, clock)  # type: ignore[arg-type, return-value]


def test_a_step_is_counted_and_said(make_task: Any, begin: Any) -> None:
    time = [10.0]
    task = make_task(epochs=2)
    run = running(task, begin(task), lambda: time[0])
    time[0] = 13.0
    training = task.training
    run.count(Loss(total=30.0, count=15), 0.5)
    run.count(Loss(total=10.0, count=5), 0.5)
    progress = run.progress
    assert (progress.step, progress.window, progress.symbols, progress.epoch_symbols) == (2, 2, 20, 20)
    assert (progress.epoch_nats, progress.seconds) == (40.0, 3.0)
    said = run.step_record(Loss(total=10.0, count=5), 0.25, 1.5)
    per_symbol = training.characters / len(training.ids)
    assert (said.step, said.epoch, said.loss, said.learning_rate, said.grad_norm) == (2, 1, 2.0, 0.25, 1.5)
    assert said.progress == 2 / run.total_steps
    assert said.bits_per_character == pytest.approx(2.0 / math.log(2) / per_symbol)
    assert said.characters == round(20 * per_symbol)
    rate = (0.95 * 15 + 5) / (0.95 * 0.5 + 0.5)
    assert said.characters_per_second == round(rate * per_symbol, 1)
    assert said.seconds == 3.0
    record = run.evaluation_record(None, best=False)
    assert (record.training_loss, record.loss, record.exact, record.best) == (2.0, None, None, False)
    held_out: Any = SimpleNamespace(
        loss=1.0, bits_per_character=2.0, perplexity=math.inf, characters=9, exact=0.5
    )
    record = run.evaluation_record(held_out, best=True)
    assert (record.loss, record.bits_per_character, record.perplexity) == (1.0, 2.0, None)
    assert (record.measured_characters, record.exact, record.best, record.seconds) == (9, 0.5, True, 3.0)
    held_out.perplexity = 7.0
    assert run.evaluation_record(held_out, best=True).perplexity == 7.0


def test_an_epoch_that_is_over_leaves_nothing_of_it(make_task: Any, begin: Any) -> None:
    task = make_task()
    run = running(task, begin(task))
    windows = run.lanes.windows_per_epoch
    run.progress.window, run.progress.epoch_nats, run.progress.epoch_symbols = windows - 1, 3.0, 4
    run.checkpoint.state[:] = 1
    run.close_epoch()
    assert (run.progress.epoch, run.progress.window, run.epoch) == (0, windows - 1, 1)
    assert run.checkpoint.state.all()
    run.progress.window = windows
    run.close_epoch()
    assert (run.progress.epoch, run.progress.window, run.epoch) == (1, 0, 1)
    assert (run.progress.epoch_nats, run.progress.epoch_symbols) == (0.0, 0)
    assert not run.checkpoint.state.any()


def test_a_run_is_saved_when_its_time_has_come(make_task: Any, begin: Any) -> None:
    time = [5.0]
    task = make_task(checkpoint_seconds=30.0)
    run = running(task, begin(task), lambda: time[0])
    time[0] = 34.9
    assert not run.save_due()
    time[0] = 35.0
    assert run.save_due()
    record = run.save()
    assert (record.step, record.seconds, run.sink.checkpoint.progress.seconds) == (0, 30.0, 30.0)
    assert not run.save_due()


@pytest.mark.parametrize(("every", "due"), [(3, [3, 6, 9]), (0.25, [3, 5, 8, 10]), (None, [10])])
def test_evaluations_are_due(make_task: Any, begin: Any, every: float | None, due: list[int]) -> None:
    task = make_task(epochs=1, evaluate_every=every)
    run = running(task, begin(task))
    run.total_steps = 10
    run.lanes = SimpleNamespace(windows_per_epoch=10)
    found = []
    for step in range(1, 11):
        run.progress.step = run.progress.window = step
        if run.evaluation_due():
            found.append(step)
    assert found == due
    run.progress.step, run.progress.window, run.progress.finished = 1, 1, "patience"
    assert run.evaluation_due()


def test_a_learning_rate_follows_the_middle_of_its_step(make_task: Any, begin: Any) -> None:
    task = make_task(epochs=1, learning_rate=0.5, schedule="constant", warmup_fraction=0.5)
    run = running(task, begin(task))
    run.total_steps = 10
    assert [run.learning_rate(step) for step in (1, 2, 5, 6, 10)] == pytest.approx(
        [0.05, 0.15, 0.45, 0.5, 0.5]
    )


def test_a_finish_says_what_became_the_model(make_task: Any, begin: Any) -> None:
    task = make_task()
    run = running(task, begin(task))
    progress = run.progress
    progress.step, progress.epoch, progress.window, progress.seconds = 9, 2, 0, 4.0
    progress.finished, progress.best, progress.best_step = "patience", 2.5, 6
    assert run.finish() == FinishRecord(step=9, epoch=2, reason="patience", best_step=6,
                                        best_bits_per_character=2.5, seconds=4.0)  # fmt: skip
    progress.best_step, progress.best = None, None
    assert run.finish().best_step == 9


@pytest.mark.parametrize(
    ("broken", "said"),
    [("parameters", "the parameter output.bias is not finite"), ("average", "the parameter output.bias is "
                                                                            "not"),
     ("loss", "the loss on the held-out text is not finite"), (None, None)],
)  # fmt: skip
def test_what_is_ruined_is_not_kept(make_task: Any, begin: Any, broken: str | None, said: str | None) -> None:
    task = make_task(ema=0.5)
    run = running(task, begin(task))
    if broken in ("parameters", "average"):
        getattr(run.checkpoint, str(broken))["output.bias"][1] = np.inf
    held_out: Any = SimpleNamespace(loss=math.nan if broken == "loss" else 1.0)
    if said is None:
        run.refuse_ruined(held_out)
        run.refuse_ruined(None)
        return
    with pytest.raises(DivergenceError, match=f"^{said}"):
        run.refuse_ruined(held_out)
    assert run.sink.checkpoint is None


def test_losses_explode_after_twenty_steps_of_twice_what_guessing_costs(make_task: Any, begin: Any) -> None:
    task = make_task()
    run = running(task, begin(task))
    assert run.guessing == math.log(9)
    for _ in range(40):
        run.refuse_exploded(2 * math.log(9))
    run = running(task, begin(task))
    run.progress.step = 7
    for _ in range(19):
        run.refuse_exploded(2.01 * math.log(9))
    with pytest.raises(DivergenceError) as caught:
        run.refuse_exploded(2.01 * math.log(9))
    assert str(caught.value) == (
        "the loss has exploded: 4.42 on average over the last 20 steps, after step 7, and guessing costs "
        "2.2; the "
        f"last checkpoint and the best model are kept; start again with {run.advice()}"
    )


def test_the_random_parts_of_a_step_are_those_of_its_seed_and_number(
    make_task: Any, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    honest, forget = steps_of_host.loss_and_gradients, steps_of_host.forget_some

    def noted(*arguments: Any, **options: Any) -> Any:
        asked.append((options["seed"], options["step"], options["reset_id"]))
        return honest(*arguments, **options)

    def forgot(state: Any, chance: float, **options: Any) -> Any:
        asked.append((chance, options))
        return forget(state, chance, **options)

    monkeypatch.setattr(steps_of_host, "loss_and_gradients", noted)
    monkeypatch.setattr(steps_of_host, "forget_some", forgot)
    task = make_task(epochs=1, seed=4)
    records = list(train_loop(task, begin(task), sink=MemorySink()))
    steps = [record.step for record in records if isinstance(record, StepRecord)]
    assert asked == [(4, step, task.eos_id) for step in steps]
    asked.clear()
    document = make_task(epochs=1, seed=4, document=True, state_reset=0.25)
    list(train_loop(document, begin(document), sink=MemorySink()))
    all_lanes = {"own": slice(0, 4), "lanes": 4}
    assert asked[:4] == [
        (0.25, {"seed": 4, "step": 1, **all_lanes}),
        (4, 1, None),
        (0.25, {"seed": 4, "step": 2, **all_lanes}),
        (4, 2, None),
    ]
    asked.clear()
    never = make_task(epochs=1, seed=4, document=True, state_reset=0.0)
    list(train_loop(never, begin(never), sink=MemorySink()))
    assert all(len(each) == 3 for each in asked)
