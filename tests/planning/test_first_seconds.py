"""The plan of `--minutes` is checked in the first seconds; a run that was planned wrongly begins again."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import unspool
from unspool import _pipeline
from unspool._network.config import NetworkConfig
from unspool._planning.first_seconds import CHECKED, FAR_OFF, FirstSeconds, PlanMissedError, revised
from unspool._planning.rule import core_weights, needed_symbols
from unspool._running.resuming import resume_training
from unspool._training.announcement import Announcement
from unspool._training.config import TrainingConfig
from unspool._training.folder import run_folder
from unspool._training.records import CheckpointRecord, FinishRecord, StepRecord, TrainingRecord

from .test_choosing import LINES, Machine, looked_at, plan


def two_minutes(**options: Any) -> unspool.TrainingPlan:
    """Plan two minutes on much text, which is read once for all tests."""
    with mock.patch("unspool._planning.choosing.look_at", return_value=looked_at()):
        return plan(minutes=2, **options)


def steps(speed: float, *, up_to: float, apart: float = 0.1) -> Iterator[StepRecord]:
    """Yield the records of a run that reads so many characters a second, and evaluates half of the time."""
    for step in range(1, round(up_to / apart / 2) + 1):
        yield StepRecord(
            step=step, epoch=1, progress=0.0, loss=1.0, bits_per_character=1.0, learning_rate=0.1,
            grad_norm=1.0, characters=round(step * apart * speed), characters_per_second=speed,
            seconds=2 * step * apart,
        )  # fmt: skip


@pytest.mark.parametrize("times", [1 / 8, 8.0])
def test_a_plan_that_is_far_off_is_made_again_by_the_same_rule(times: float) -> None:
    machine = Machine()
    first = two_minutes(measure=machine)
    assert first.best is not None
    speed = times * first.best.speed
    better = revised(first, speed=speed, seconds=6.0)
    assert better is not None
    assert (better.network.hidden_size < first.network.hidden_size) is (times < 1)
    left = 60 * (better.training.minutes or 0)
    assert better.best is not None
    evaluating = better.best.budget.evaluation - first.best.budget.evaluation
    assert left == pytest.approx(60 * (first.training.minutes or 0) - 6 - evaluating)
    real = times * 1e10 / core_weights(better.network)
    assert needed_symbols(better.network) <= real * left
    larger = [each for each in machine.seen if each.hidden_size > better.network.hidden_size]
    assert times * 1e10 / core_weights(larger[0]) * 0.8 * left < needed_symbols(larger[0])
    assert better.training.validation_fraction == first.training.validation_fraction
    assert better.training.learning_rate != first.training.learning_rate
    assert f"{first.network.hidden_size}" in better.reasons[0]
    assert f"{better.network.hidden_size} units" in better.reasons[0]


@pytest.mark.parametrize("times", [1.01 / FAR_OFF, 1.0, 0.99 * FAR_OFF])
def test_a_plan_that_is_nearly_right_stays(times: float) -> None:
    first = two_minutes()
    assert first.best is not None
    assert revised(first, speed=times * first.best.speed, seconds=6.0) is None


def test_what_reading_really_took_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    first = two_minutes()  # by a clock that stands still, so reading was to take no time
    minutes = first.training.minutes or 0
    assert first.after_reading(30.0).training.minutes == pytest.approx(minutes - 0.5)
    assert first.after_reading(600.0).training.minutes == pytest.approx(0.2), "a tenth is left to learn"
    assert unspool.TrainingPlan(first.network, first.training).after_reading(9.0).training == first.training
    original = _pipeline.encode_corpus

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return original(*arguments, **options)

    monkeypatch.setattr(_pipeline, "encode_corpus", slow)
    short = plan(LINES, minutes=0.05, training={"threads": 1})
    model = unspool.train(LINES, plan=short, progress=False)
    assert model.training["minutes"] <= (short.training.minutes or 0) - 0.5 / 60


@pytest.mark.parametrize("given", [{"hidden_size": 128}, {"cell": "gru", "hidden_size": 64}])
def test_a_size_that_was_given_stays(given: dict[str, Any]) -> None:
    first = two_minutes(network=given)
    assert first.best is not None
    assert revised(first, speed=first.best.speed / 50, seconds=6.0) is None


def test_where_not_even_the_smallest_could_learn_the_run_goes_on() -> None:
    first = two_minutes()
    assert revised(first, speed=1e-3, seconds=6.0) is None


@pytest.mark.parametrize("slow", [False, True])
def test_it_is_checked_once_after_its_share_of_the_time_without_evaluations(slow: bool) -> None:
    first = two_minutes()
    assert first.best is not None
    share = CHECKED * 60 * (first.training.minutes or 0)
    check = FirstSeconds(first, symbols_per_character=1.0)
    speed = first.best.speed / (8 if slow else 1)
    seen = 0.0
    with pytest.raises(PlanMissedError) if slow else nullcontext() as caught:
        for record in steps(speed, up_to=2 * share):
            seen = record.seconds
            check(record)
            check(CheckpointRecord(step=record.step, seconds=record.seconds))
    if caught is None:
        for late in steps(1.0, up_to=3 * share):
            check(late)  # it is not checked again
        return
    assert caught.value.plan.network.hidden_size < first.network.hidden_size
    assert share <= seen < share + 0.21


def far_too_fast(networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float) -> list[float]:
    """Return speeds that no machine has; the smallest network is said to be a thousand times as fast."""
    return [1e15 if network.hidden_size == 32 else 1e12 for network in networks]


def far_too_slow(networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float) -> list[float]:
    """Return speeds that every machine exceeds many times."""
    return [2e3 for _ in networks]


OPTIONS: dict[str, Any] = {"training": {"threads": 1, "checkpoint_seconds": 0.0}}


def stop_at(step: int) -> Callable[[TrainingRecord], None]:
    """Return a watcher that stops a run after a step."""

    def stop(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == step:
            raise KeyboardInterrupt

    return stop


def stopping_at_the_second(name: str) -> Callable[..., None]:
    """Return an `atomic_write` that is killed when it writes a file for the second time."""
    original, written = run_folder.atomic_write, list[str]()

    def write(path: Path, *content: Any) -> None:
        written.append(path.name)
        if written.count(name) == 2:
            raise KeyboardInterrupt
        original(path, *content)

    return write


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def test_a_run_begins_again_and_its_folder_is_that_of_the_second_plan(tmp_path: Path) -> None:
    first = unspool.plan_training(LINES, minutes=0.03, measure=far_too_fast, **OPTIONS)
    plans: list[Announcement] = []
    records: list[TrainingRecord] = []
    out = tmp_path / "run"
    model = unspool.train(LINES, plan=first, out=out, on_start=plans.append, on_record=records.append)
    wrong, right = plans
    assert wrong.network.hidden_size == first.network.hidden_size > right.network.hidden_size
    assert "symbols a second, not 1,000,000,000,000 as planned: begun again with" in str(right.note)
    assert wrong.note is None
    assert model.network == right.network
    stored = json.loads((out / "config.json").read_text("utf-8"))
    assert stored["network"]["hidden_size"] == right.network.hidden_size
    assert stored["training"]["minutes"] == right.training.minutes < (first.training.minutes or 0)
    change, *rest = lines(out)
    assert (change["kind"], change["step"]) == ("change", 0)
    assert change["changes"]["hidden_size"] == [first.network.hidden_size, right.network.hidden_size]
    numbers = [line["step"] for line in rest if line["kind"] == "step"]
    assert numbers == list(range(1, len(numbers) + 1)), "no step of the first plan is left"
    last = records[-1]
    assert isinstance(last, FinishRecord)
    assert last.step == numbers[-1]
    again: list[Announcement] = []
    resume_training(out, records=unspool.Records.of(LINES), on_start=again.append)
    assert again[0].network == right.network
    assert again[0].first_step == last.step


@pytest.mark.parametrize("moment", ["before the check", "while it begins again", "after it"])
def test_a_killed_run_goes_on_with_the_plan_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    first = unspool.plan_training(LINES, minutes=0.5, measure=far_too_slow, **OPTIONS)
    out, plans = tmp_path / "run", list[Announcement]()
    runs = {"before the check": 1, "after it": 2}

    def stop(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == 3 and len(plans) == runs.get(moment):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment == "while it begins again":
            patch.setattr(run_folder, "atomic_write", stopping_at_the_second(run_folder.CONFIG))
        with pytest.raises(KeyboardInterrupt):
            unspool.train(LINES, plan=first, out=out, on_start=plans.append, on_record=stop)
    stored = json.loads((out / "config.json").read_text("utf-8"))["network"]["hidden_size"]
    assert (stored == first.network.hidden_size) is (moment != "after it")
    again: list[Announcement] = []
    with pytest.raises(KeyboardInterrupt):
        resume_training(out, records=unspool.Records.of(LINES), on_start=again.append, on_record=stop_at(9))
    assert [each.network.hidden_size for each in again] == [stored], "a resumed run does not choose again"
    assert again[0].first_step == (0 if moment == "while it begins again" else 2)
    numbers = [line["step"] for line in lines(out) if line["kind"] == "step"]
    assert numbers == list(range(1, 10))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"plan": 3}, "plan must be"),
        ({"minutes": 1}, "minutes must be left out beside plan"),
        ({"network": NetworkConfig()}, "network must be left out beside plan"),
        ({"hidden_size": 8}, "options must be left out beside plan"),
        ({"resume": True, "out": "run"}, "plan must be left out with resume"),
    ],
    ids=str,
)
def test_a_plan_stands_alone(options: dict[str, Any], match: str) -> None:
    with pytest.raises(unspool.ConfigError, match=match):
        unspool.train(LINES, **{"plan": plan(), **options})


def test_it_can_be_unpacked_and_printed() -> None:
    network, training, reasons = chosen = plan()
    assert (network, training, reasons) == (chosen.network, chosen.training, chosen.reasons)
    assert len(repr(chosen)) < 4000
    assert chosen == unspool.TrainingPlan(network, training, reasons)
