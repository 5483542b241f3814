"""A stop in the middle of a step or of an evaluation: that work is lost, and the resumed run does it anew."""

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.training.test_loop import Begin, MakeTask, all_bytes, of_kind, run, timeless
from unspool._kernels.stop import StoppedError
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.interrupts import stop_on_interrupt
from unspool._training.loop import train_loop
from unspool._training.records import (
    CheckpointRecord,
    EvaluationRecord,
    FinishRecord,
    StepRecord,
    StopRecord,
)


class AbandonAt:
    """Make contexts, and abandon the work in the one of a number; count them all."""

    def __init__(self, number: int | None = None) -> None:
        self.number, self.count = number, 0

    @contextmanager
    def __call__(self) -> Iterator[None]:
        yield
        self.count += 1
        if self.count == self.number:
            raise StoppedError


@pytest.mark.parametrize("more", [{}, {"document": True, "state_reset": 0.1}, {"ema": 0.9, "patience": 1}])
def test_work_that_is_abandoned_anywhere_is_done_anew(
    make_task: MakeTask, begin: Begin, more: dict[str, Any]
) -> None:
    settings = {"evaluate_every": 5, "epochs": 2, **more}
    whole_start, counted = begin(make_task(**settings)), AbandonAt()
    whole, whole_sink = run(make_task(**settings), whole_start, abandoning=counted)
    assert counted.count > len(of_kind(whole, StepRecord)) + len(of_kind(whole, EvaluationRecord))
    for number in range(1, counted.count + 1):
        task = make_task(**settings)
        first, sink = run(task, begin(task), abandoning=AbandonAt(number))
        assert isinstance(first[-2], CheckpointRecord)
        assert isinstance(first[-1], StopRecord)
        assert sink.checkpoint is not None
        assert sink.parameters is not None  # there is a model to use
        steps = [record.step for record in of_kind(first, StepRecord)]
        assert sink.checkpoint.progress.step == len(steps)
        rest = list(train_loop(make_task(**settings), sink.checkpoint.copy(), sink=sink))
        assert isinstance(rest[-1], FinishRecord)
        assert timeless(first + rest) == timeless(whole)
        assert all_bytes(sink.checkpoint) == all_bytes(whole_start)
        assert whole_sink.parameters is not None
        for name, array in sink.parameters.items():
            assert array.tobytes() == whole_sink.parameters[name].tobytes()


def test_a_stop_in_the_last_evaluation_does_not_end_the_run(make_task: MakeTask, begin: Begin) -> None:
    task, counted = make_task(epochs=1), AbandonAt()
    whole, _ = run(task, begin(task), abandoning=counted)
    first, sink = run(task, begin(task), abandoning=AbandonAt(counted.count))
    assert not of_kind(first, EvaluationRecord)
    assert sink.checkpoint is not None
    assert sink.checkpoint.progress.unmeasured
    assert sink.checkpoint.progress.finished is None
    again, _ = run(task, sink.checkpoint.copy(), abandoning=AbandonAt(1))  # it is abandoned once more
    assert [type(record) for record in again] == [CheckpointRecord, StopRecord]
    rest, _ = run(task, sink.checkpoint.copy())
    assert [type(r) for r in rest] == [EvaluationRecord, CheckpointRecord, FinishRecord]
    assert timeless(rest) == timeless(whole)[-2:]


def interrupted(work: Callable[[], None], *, after: float) -> None:
    """Do some work, and interrupt the process once some seconds later; wait for the signal."""
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        work()
    finally:
        timer.join()


@pytest.mark.parametrize("seed", range(6))
def test_a_signal_at_any_moment_costs_no_bit(make_task: MakeTask, begin: Begin, seed: int) -> None:
    settings = {"epochs": 1, "network": {"hidden_size": 128}, "sequence_length": 40, "evaluate_every": 2}
    whole_start = begin(make_task(**settings))
    whole, _ = run(make_task(**settings), whole_start)
    records: list[Any] = []
    start, sink = begin(make_task(**settings)), MemorySink()

    def train() -> None:
        for record in train_loop(
            make_task(**settings), start, sink=sink, stop_requested=flag, abandoning=flag.abandoning
        ):
            records.append(record)

    with stop_on_interrupt() as flag:
        interrupted(train, after=random.Random(seed).uniform(0, 0.1))
    assert flag()
    assert sink.checkpoint is not None
    if isinstance(records[-1], StopRecord):  # otherwise the run was faster than the signal
        records += train_loop(make_task(**settings), sink.checkpoint.copy(), sink=sink)
    assert timeless(records) == timeless(whole)
    assert all_bytes(sink.checkpoint) == all_bytes(whole_start)
