import itertools
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from unspool._errors import ConfigError, DivergenceError
from unspool._evaluation.streams import evaluate_stream, measured_part, stream_nats
from unspool._network.cells import native_cells
from unspool._training import loop as loop_module
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint
from unspool._training.loop import train_loop
from unspool._training.records import (
    CheckpointRecord,
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
    TrainingRecord,
    record_to_dict,
)
from unspool._training.task import Moment, TrainingTask

MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]


def run(task: TrainingTask, start: Checkpoint, **options: Any) -> tuple[list[TrainingRecord], MemorySink]:
    sink = MemorySink()
    return list(train_loop(task, start, sink=sink, **options)), sink


def of_kind(records: list[TrainingRecord], kind: type) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def all_bytes(checkpoint: Checkpoint) -> dict[str, bytes]:
    arrays = {**checkpoint.parameters, "state": checkpoint.state}
    for slot, of_slot in {**checkpoint.slots, "average": checkpoint.average or {}}.items():
        arrays.update({f"{slot}/{name}": array for name, array in of_slot.items()})
    return {name: array.tobytes() for name, array in arrays.items()}


def timeless(records: list[TrainingRecord]) -> list[dict[str, Any]]:
    from unspool._training.records import record_to_dict

    dictionaries = [record_to_dict(r) for r in records if not isinstance(r, CheckpointRecord | StopRecord)]
    return [
        {name: value for name, value in d.items() if name not in ("seconds", "characters_per_second")}
        for d in dictionaries
    ]


@pytest.mark.parametrize("document", [False, True])
@pytest.mark.parametrize("cell", native_cells())
def test_it_learns(make_task: MakeTask, begin: Begin, uniform_bits: float, document: bool, cell: str) -> None:
    task = make_task(document=document, network={"cell": cell, "dropout": 0.0}, epochs=12, learning_rate=0.03)
    records, sink = run(task, begin(task))
    steps, evaluations = of_kind(records, StepRecord), of_kind(records, EvaluationRecord)
    assert steps[0].loss / math.log(2) == pytest.approx(uniform_bits, rel=0.2)
    assert evaluations[-1].loss / math.log(2) < 0.75 * uniform_bits
    assert sink.parameters is not None
    held_out = evaluate_stream(
        task.engine, sink.parameters, task.validation, eos_id=task.eos_id, document=document
    )
    best = min(evaluation.bits_per_character for evaluation in evaluations)
    assert held_out.bits_per_character == pytest.approx(best)
    assert records[-1].best_bits_per_character == best


def test_steps_count_up_and_the_epochs_are_whole(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(epochs=3)
    records, _ = run(task, begin(task))
    steps = of_kind(records, StepRecord)
    windows = task.lanes().windows_per_epoch
    assert [record.step for record in steps] == list(range(1, 3 * windows + 1))
    assert [record.epoch for record in steps] == [e for e in (1, 2, 3) for _ in range(windows)]
    assert steps[-1].progress == 1.0
    assert steps[-1].characters == pytest.approx(3 * task.training.characters, rel=0.02)
    assert [(r.step, r.epoch) for r in of_kind(records, EvaluationRecord)] == [
        (e * windows, e) for e in (1, 2, 3)
    ]
    finish = records[-1]
    assert isinstance(finish, FinishRecord)
    assert (finish.reason, finish.step, finish.epoch) == ("epochs", 3 * windows, 3)
    assert isinstance(records[-2], CheckpointRecord)


DEEPER = {"num_layers": 4, "embedding_size": 8, "residual": True, "tied_output": True, "input_dropout": 0.1,
          "recurrent_dropout": 0.2}  # fmt: skip


@pytest.mark.parametrize(
    ("engine", "more"),
    [
        ("cpu", {}),
        ("cpu", {"document": True}),
        ("cpu", {"ema": 0.9, "network": DEEPER}),
        ("torch", {}),
        ("torch", {"ema": 0.9, "network": DEEPER}),
    ],
)
def test_a_stopped_run_goes_on_bit_for_bit(
    make_task: MakeTask, begin: Begin, stop_at: Any, engine: str, more: dict[str, Any]
) -> None:
    settings = {"evaluate_every": 7, "patience": 3, "engine": engine, "epochs": 2, **more}
    if engine == "torch":  # the slow one: fewer, shorter windows on one thread
        pytest.importorskip("torch")
        settings |= {"threads": 1, "sequence_length": 6, "batch_size": 8}
    task = make_task(**settings)
    whole_start = begin(task)
    whole, whole_keeper = run(task, whole_start)
    total = of_kind(whole, StepRecord)[-1].step
    windows = task.lanes().windows_per_epoch
    assert total == 2 * windows

    cuts = (1, 6, 7, 8, windows - 1, windows, windows + 1, total - 1)
    for cut in cuts if engine == "cpu" else (windows + 1,):
        first, sink = run(task, begin(task), stop_requested=stop_at(cut))
        assert isinstance(first[-1], StopRecord)
        assert sink.checkpoint is not None
        assert sink.checkpoint.progress.step == cut
        renewed = make_task(**settings)  # nothing but the checkpoint crosses over
        rest = list(train_loop(renewed, sink.checkpoint.copy(), sink=sink))
        assert timeless(first + rest) == timeless(whole)
        assert all_bytes(sink.checkpoint) == all_bytes(whole_start)
        assert sink.parameters is not None
        assert whole_keeper.parameters is not None
        for name, array in sink.parameters.items():
            assert array.tobytes() == whole_keeper.parameters[name].tobytes()


def test_the_seed_decides_and_the_number_of_threads_does_not(make_task: MakeTask, begin: Begin) -> None:
    results = []
    for seed, threads in ((0, 1), (0, 2), (1, 1)):
        task = make_task(seed=seed, threads=threads, epochs=1)
        start = begin(task)
        run(task, start)
        results.append(all_bytes(start))
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_the_state_is_carried_between_windows_and_forgotten_between_epochs(
    make_task: MakeTask, begin: Begin
) -> None:
    task = make_task(document=True, epochs=2)
    start = begin(task)
    windows = task.lanes().windows_per_epoch
    states = []
    for record in train_loop(task, start, sink=MemorySink()):
        if isinstance(record, StepRecord):
            states.append(start.state.copy())
    assert all(state.any() for state in states)
    engine = task.engine
    seen: list[np.ndarray[Any, Any]] = []
    honest = engine.loss_and_gradients

    def spy(parameters: Any, window: Any, state: Any, **options: Any) -> Any:
        seen.append(state.copy())
        return honest(parameters, window, state, **options)

    engine.loss_and_gradients = spy  # type: ignore[method-assign]
    run(task, begin(task))
    assert not seen[0].any()
    assert not seen[windows].any()
    np.testing.assert_array_equal(seen[1], states[0])


def test_a_reset_of_one_cuts_a_document_into_fixed_windows(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(document=True, epochs=2, state_reset=1.0)
    honest, carried = task.engine.loss_and_gradients, []

    def spy(parameters: Any, window: Any, state: Any, **options: Any) -> Any:
        carried.append(state.any())
        return honest(parameters, window, state, **options)

    task.engine.loss_and_gradients = spy  # type: ignore[method-assign]
    run(task, begin(task))
    assert carried == [False] * 2 * task.lanes().windows_per_epoch


def test_resets_are_for_lines_alone(make_task: MakeTask, begin: Begin) -> None:
    for document in (False, True):
        task = make_task(document=document, epochs=1)
        honest, reset_ids = task.engine.loss_and_gradients, set()

        def spy(*arguments: Any, honest: Any = honest, reset_ids: Any = reset_ids, **options: Any) -> Any:
            reset_ids.add(options["reset_id"])
            return honest(*arguments, **options)

        task.engine.loss_and_gradients = spy  # type: ignore[method-assign]
        run(task, begin(task))
        assert reset_ids == {None if document else task.eos_id}


def test_patience_ends_the_run(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(learning_rate=1e-12, patience=2, evaluate_every=1, epochs=9, network={"dropout": 0.0})
    start = begin(task)
    start.parameters["output.bias"][:] = 3e4  # adding 1e-12 changes nothing: no evaluation is better
    records, _ = run(task, start)
    finish = records[-1]
    assert isinstance(finish, FinishRecord)
    assert finish.reason == "patience"
    evaluations = of_kind(records, EvaluationRecord)
    last_best = max(i for i, evaluation in enumerate(evaluations) if evaluation.best)
    assert len(evaluations) == last_best + 3
    assert finish.best_step == evaluations[last_best].step


def test_patience_needs_something_held_out(make_task: MakeTask) -> None:
    with pytest.raises(ConfigError, match="patience"):
        make_task(patience=1, validation=0)


def test_without_held_out_text_the_last_parameters_are_the_model(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(validation=0, evaluate_every=5)
    start = begin(task)
    records, sink = run(task, start)
    assert all(record.best and record.loss is None for record in of_kind(records, EvaluationRecord))
    assert of_kind(records, EvaluationRecord)[-1].step == start.progress.step
    assert sink.parameters is not None
    for name, array in sink.parameters.items():
        np.testing.assert_array_equal(array, start.parameters[name])


def test_the_clock_can_end_a_run(make_task: MakeTask, begin: Begin, ticks: Any) -> None:
    task = make_task(epochs=None, minutes=2.0)
    records, _ = run(task, begin(task), clock=ticks)
    finish = records[-1]
    assert isinstance(finish, FinishRecord)
    assert finish.reason == "minutes"
    assert finish.seconds >= 120
    steps = of_kind(records, StepRecord)
    assert steps[-1].progress == 1.0
    assert steps[-2].seconds < 120
    rates = [record.learning_rate for record in steps]
    assert rates[-1] < 0.2 * max(rates)


def test_the_last_evaluation_has_its_time_within_the_minutes(
    make_task: MakeTask, begin: Begin, ticks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*args: Any, **options: Any) -> Iterator[tuple[float, int]]:
        ticks.now += 20.0
        yield from stream_nats(*args, **options)

    monkeypatch.setattr(loop_module, "stream_nats", slow)
    task = make_task(epochs=None, minutes=3.0, evaluate_every=10)
    records, _ = run(task, begin(task), clock=ticks)
    finish = records[-1]
    assert isinstance(finish, FinishRecord)
    assert finish.reason == "minutes"
    assert 150 < finish.seconds < 190  # 20 to 30 seconds late without that
    assert of_kind(records, StepRecord)[-1].progress == 1.0


def test_where_measuring_takes_longest_half_of_the_time_is_left_to_learn(
    make_task: MakeTask, begin: Begin, ticks: Any
) -> None:
    task = make_task(epochs=None, minutes=1.0, validation=4000)
    records, _ = run(task, begin(task), clock=ticks)
    last = of_kind(records, StepRecord)[-1]
    assert last.seconds >= 30
    assert last.progress == 1.0


def test_a_long_evaluation_tells_how_far_it_is(make_task: MakeTask, begin: Begin, ticks: Any) -> None:
    task = make_task(epochs=1)
    records, _ = run(task, begin(task), clock=ticks)
    told = of_kind(records, MeasuringRecord)
    assert told
    assert {record.total for record in told} == {len(task.validation)}
    assert all(0 < record.done <= record.total for record in told)


def test_a_part_of_the_held_out_text_is_measured_and_said(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(epochs=1, max_validation_symbols=30)
    (record,) = of_kind(run(task, begin(task))[0], EvaluationRecord)
    part = measured_part(task.validation, 30, document=False)
    assert record.measured_characters == part.characters < task.validation.characters
    whole = make_task(epochs=1)
    (record,) = of_kind(run(whole, begin(whole))[0], EvaluationRecord)
    assert record.measured_characters == whole.validation.characters


def test_checkpoints_come_with_the_clock(make_task: MakeTask, begin: Begin, ticks: Any) -> None:
    task = make_task(checkpoint_seconds=20.0)
    records, _ = run(task, begin(task), clock=ticks)
    times = [record.seconds for record in of_kind(records, CheckpointRecord)]
    assert len(times) > 3
    assert all(b - a < 30 for a, b in itertools.pairwise(times))


def test_a_checkpoint_comes_after_all_records_of_its_step(make_task: MakeTask, begin: Begin) -> None:
    def shout(moment: Moment) -> list[SampleRecord]:
        return [SampleRecord(step=moment.step, epoch=moment.epoch, prompt="", temperature=1.0, text="!")]

    task = make_task(checkpoint_seconds=0.0, evaluate_every=4, epochs=1, callbacks=[shout])
    records, _ = run(task, begin(task))
    order = [StepRecord, EvaluationRecord, SampleRecord, CheckpointRecord, FinishRecord]
    keys = [(record.step, order.index(type(record))) for record in records]
    assert keys == sorted(keys)
    assert len(of_kind(records, SampleRecord)) == len(of_kind(records, EvaluationRecord))
    assert len(of_kind(records, CheckpointRecord)) == len(of_kind(records, StepRecord))


def test_a_stop_before_any_evaluation_leaves_a_model(make_task: MakeTask, begin: Begin, stop_at: Any) -> None:
    task = make_task()
    start = begin(task)
    _, sink = run(task, start, stop_requested=stop_at(2))
    assert sink.parameters is not None
    assert sink.evaluation is not None
    assert sink.evaluation.bits_per_character is None
    np.testing.assert_array_equal(sink.parameters["output.kernel"], start.parameters["output.kernel"])


def test_a_finished_run_just_says_so(make_task: MakeTask, begin: Begin) -> None:
    task = make_task(epochs=1)
    records, sink = run(task, begin(task))
    assert sink.checkpoint is not None
    again, _ = run(task, sink.checkpoint)
    assert again == records[-1:]


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
