"""The small parts of a training, each worked out by hand: speed, patience, limits, advice, what is said."""

import errno
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unspool._errors import ArtifactError, ConfigError
from unspool._text.tokenizers.registry import CharTokenizer
from unspool._training import announcement, loop
from unspool._training.announcement import plan_of
from unspool._training.callbacks import TEMPERATURES, SamplingCallback, sampling_callback, saved_sampling
from unspool._training.changes import changes_since, fixed_part, with_limits_left
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import RunProgress, read_progress, save_checkpoint, write_error
from unspool._training.config import TrainingConfig
from unspool._training.early_stopping import note_evaluation, out_of_patience
from unspool._training.loop import _Run, train_loop
from unspool._training.optimizers import arrays_of
from unspool._training.records import EvaluationRecord, MeasuringRecord
from unspool._training.speed import StepSpeed


def test_a_speed_forgets_older_steps_bit_by_bit() -> None:
    speed = StepSpeed()
    assert speed.rate == 0.0
    speed.add(100, 2.0)
    assert speed.rate == 50.0
    speed.add(10, 1.0)
    assert speed.rate == pytest.approx((0.95 * 100 + 10) / (0.95 * 2 + 1))


@pytest.mark.parametrize("decides", [True, False])
def test_an_evaluation_is_better_if_it_is_lower_or_nothing_decides(decides: bool) -> None:
    progress = RunProgress()
    told = []
    for step, bits in enumerate([3.0, 3.0, 2.5, 2.6, 2.6], start=1):
        progress.step = step
        better = note_evaluation(progress, bits, decides=decides)
        told.append((better, progress.best, progress.best_step, progress.evaluations_without_gain))
    if decides:
        assert told == [(True, 3.0, 1, 0), (False, 3.0, 1, 1), (True, 2.5, 3, 0), (False, 2.5, 3, 1),
                        (False, 2.5, 3, 2)]  # fmt: skip
    else:
        assert [better for better, *_ in told] == [True] * 5
        assert told[-1] == (True, 2.6, 5, 0)
    assert note_evaluation(progress, None, decides=decides)
    assert (progress.best, progress.best_step, progress.evaluations_without_gain) == (None, 5, 0)


def test_patience_ends_with_the_last_of_its_evaluations() -> None:
    progress = RunProgress(evaluations_without_gain=2)
    assert [out_of_patience(progress, patience) for patience in (None, 1, 2, 3)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("value", "kept"),
    [(0.5, 0.5), (1, 1), (1.0, 1), (8.0, 8), (0, None), (1.5, None), (-1, None), ("1", None)],
)
def test_evaluations_come_after_whole_steps_or_a_share(value: Any, kept: float | None) -> None:
    if kept is None:
        with pytest.raises(
            ConfigError, match="evaluate_every must be a whole number ≥ 1, or a share of the run"
        ):
            TrainingConfig(evaluate_every=value)
    else:
        every = TrainingConfig(evaluate_every=value).evaluate_every
        assert (every, type(every)) == (kept, type(kept))


def test_arrays_are_counted_for_the_memory() -> None:
    counts = {name: arrays_of(TrainingConfig(optimizer=name)) for name in ("adamw", "adam", "rmsprop", "sgd")}
    assert counts == {"adamw": 4, "adam": 4, "rmsprop": 3, "sgd": 3}
    assert arrays_of(TrainingConfig(optimizer="sgd", ema=0.5)) == 4


def used_up(name: str, done: str, limit: str, enough: str) -> str:
    return (
        f"{name} of the run: expected more than the {done} that are done: they count from the start of the "
        f"run, got {limit}; resume with --{name} {enough}"
    )


LIMITS: list[tuple[dict[str, Any], set[str], dict[str, float], str | None, Any]] = [
    # what is asked for, what of it is new, what is done, why it had ended, and what is left or said
    ({"epochs": 4}, {"epochs"}, {"epochs": 3.0, "minutes": 1.0}, "epochs", {"epochs": 4, "minutes": None}),
    ({"epochs": 3}, {"learning_rate"}, {"epochs": 3.0, "minutes": 1.0}, "epochs",
     used_up("epochs", "3", "3", "6")),
    ({"epochs": 2}, {"epochs"}, {"epochs": 9.5, "minutes": 1.0}, "epochs",
     used_up("epochs", "9.5", "2", "10")),
    ({"epochs": None, "minutes": 2.0}, {"minutes"}, {"epochs": 3.0, "minutes": 2.5}, "minutes",
     used_up("minutes", "2.5", "2", "5")),
    ({"epochs": 3, "minutes": 2.0}, {"minutes"}, {"epochs": 3.0, "minutes": 1.0}, "epochs",
     {"epochs": None, "minutes": 2.0}),
    ({"epochs": 5, "minutes": 2.0}, {"epochs"}, {"epochs": 3.0, "minutes": 2.0}, "minutes",
     {"epochs": 5, "minutes": None}),
    ({"epochs": 5, "minutes": 2.0}, {"epochs"}, {"epochs": 3.0, "minutes": 1.9}, "minutes",
     {"epochs": 5, "minutes": None}),  # it had ended by the clock, a little before
    ({"epochs": 5, "minutes": 2.0}, {"epochs"}, {"epochs": 3.0, "minutes": 1.9}, None,
     {"epochs": 5, "minutes": 2.0}),
    ({"epochs": None, "minutes": 2.0}, {"epochs"}, {"epochs": 3.0, "minutes": 2.0}, "minutes",
     used_up("minutes", "2", "2", "4")),
    ({"epochs": 5}, {"patience"}, {"epochs": 4.9, "minutes": 1.0}, "patience", {"minutes": None}),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "changed", "done", "finished", "left"), LIMITS)
def test_what_is_left_of_the_limits_of_a_changed_run(
    asked: dict[str, Any], changed: set[str], done: dict[str, float], finished: str | None, left: Any
) -> None:
    config = TrainingConfig(**asked)
    if isinstance(left, str):
        with pytest.raises(ConfigError) as caught:
            with_limits_left(config, changed, done, finished=finished)
        assert str(caught.value) == left
    else:
        assert with_limits_left(config, changed, done, finished=finished) == replace(config, **left)


def test_what_a_run_may_change_is_told_from_what_is_fixed() -> None:
    before = {"network": {"dropout": 0.1, "cell": "gru"}, "training": {"epochs": 3, "seed": 0}, "corpus": "x"}
    after = {"network": {"dropout": 0.2, "cell": "rnn"}, "training": {"epochs": 3, "seed": 1, "patience": 2}}
    assert changes_since(before, after) == {"dropout": (0.1, 0.2)}
    assert fixed_part(before) == {"network": {"cell": "gru"}, "training": {"seed": 0}, "corpus": "x"}


@pytest.mark.parametrize(
    ("error", "size", "message"),
    [
        (
            OSError(errno.ENOSPC, "No space left"), 2_340_000,
            "cannot write TMP/f: expected a writable disk with 2.3 MB free, got No space left; free some "
            "disk space and resume: an earlier checkpoint is kept",
        ),
        (
            OSError("odd"), 10,
            "cannot write TMP/f: expected a writable disk with 0.1 MB free, got odd; free some disk space "
            "and resume: an earlier checkpoint is kept",
        ),
        *(
            (
                OSError(number, "No"), 10,
                "cannot write TMP/f: expected permission to write there, got No; choose another folder, or "
                "change its permissions",
            )
            for number in (errno.EACCES, errno.EPERM, errno.EROFS)
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file"), 10,
            "cannot write TMP/f: expected a writable disk with 0.1 MB free, got No such file; free some disk "
            "space and resume: an earlier checkpoint is kept",
        ),
    ],
)  # fmt: skip
def test_what_could_not_be_written_is_said(tmp_path: Path, error: OSError, size: int, message: str) -> None:
    said = write_error(tmp_path / "f", size, error)
    assert isinstance(said, ArtifactError)
    assert str(said) == message.replace("TMP", str(tmp_path))
    if isinstance(error, FileNotFoundError):
        gone = tmp_path / "gone" / "f"
        assert str(write_error(gone, size, error)) == (
            f"cannot write {gone}: its folder is gone; it was removed or renamed while something was written "
            "to it: start the run anew"
        )


def test_how_far_a_run_has_come_is_read(tmp_path: Path, make_task: Any, begin: Any) -> None:
    path = tmp_path / "run" / "last.safetensors"
    assert read_progress(path) == RunProgress()
    start = begin(make_task())
    start.progress.step, start.progress.seconds, start.progress.finished = 7, 1.5, "epochs"
    save_checkpoint(path, start)
    assert read_progress(path) == start.progress
    with pytest.raises(ArtifactError, match="its folder is gone"):
        save_checkpoint(tmp_path / "no" / "such" / "last.safetensors", start)  # only its own folder is made
    copied = start.copy()
    copied.progress.step = 8
    next(iter(copied.parameters.values()))[:] = 0
    copied.state[:] = 1
    assert start.progress.step == 7
    assert next(iter(start.parameters.values())).any()
    assert not start.state.any()


def running(task: Any, start: Any, clock: Any = lambda: 0.0) -> _Run:
    return _Run(task, start, MemorySink(), lambda: None, clock)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"clip_norm": 1.0, "warmup_fraction": 0.05}, ""),
        ({"clip_norm": None, "warmup_fraction": 0.1}, ", or clip_norm 1 (it was None)"),
        ({"clip_norm": 1.5, "warmup_fraction": 0.1}, ", or clip_norm 1 (it was 1.5)"),
        ({"warmup_fraction": 0.04}, ", or a longer warm-up (warmup_fraction was 0.04)"),
        (
            {"clip_norm": None, "warmup_fraction": 0.0},
            ", or clip_norm 1 (it was None), or a longer warm-up (warmup_fraction was 0)",
        ),
    ],
)
def test_the_advice_is_what_has_not_been_done(
    make_task: Any, begin: Any, values: dict[str, Any], advice: str
) -> None:
    task = make_task(**values)
    run = running(task, begin(task))
    assert run.advice() == f"a lower learning_rate (it was 0.01){advice}"
    assert str(run.ruined("loss")) == (
        f"the loss is not finite after step 0; the last checkpoint is kept; start again with {run.advice()}"
    )
    assert str(run.diverged("loss", float("nan"))) == (
        f"the loss is nan at step 1; the state after step 0 is saved; start again with {run.advice()}"
    )
    assert run.sink.checkpoint is not None  # type: ignore[attr-defined]


def test_time_is_set_aside_for_the_last_evaluation(make_task: Any, begin: Any) -> None:
    task = make_task(epochs=None, minutes=2.0)
    run = running(task, begin(task))
    assert run.seconds_to_learn() == 120.0  # nothing is known yet
    run.speed.add(len(run.measured.ids), 30.0)  # measuring takes half as long as learning
    assert run.seconds_to_learn() == pytest.approx(105.0)
    run.measuring_seconds = 20.0
    assert run.seconds_to_learn() == 100.0
    run.measuring_seconds = 500.0
    assert run.seconds_to_learn() == 60.0  # at most a half
    run.progress.seconds = 30.0
    assert run.share(10**9) == 0.5  # steps do not count
    assert run.reason_to_end() is None
    run.progress.seconds = 60.0
    assert (run.share(0), run.reason_to_end()) == (1.0, "minutes")
    by_steps = make_task(epochs=3)
    run = running(by_steps, begin(by_steps))
    total = 3 * by_steps.lanes().windows_per_epoch
    assert run.share(total / 4) == 0.25
    assert run.share(2 * total) == 1.0
    run.progress.step = total - 1
    assert run.reason_to_end() is None
    run.progress.step = total
    assert run.reason_to_end() == "epochs"


def test_a_long_evaluation_tells_how_far_it_is_once_a_second(
    make_task: Any, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**6))
    monkeypatch.setattr("unspool._evaluation.streams.BATCH_SYMBOLS", 30)  # several parts
    task = make_task(epochs=1)
    records = list(train_loop(task, begin(task), sink=MemorySink(), clock=lambda: next(ticks) * 0.3))
    told = [record for record in records if isinstance(record, MeasuringRecord)]
    evaluation = next(record for record in records if isinstance(record, EvaluationRecord))
    assert told
    assert [record.done for record in told] == sorted({record.done for record in told})
    assert {record.total for record in told} == {len(task.validation.ids)}
    assert {record.step for record in told} == {evaluation.step}
    assert evaluation.measured_characters == task.validation.characters
    quick = train_loop(task, begin(task), sink=MemorySink(), clock=lambda: 0.0)
    assert not any(isinstance(record, MeasuringRecord) for record in quick)


def test_as_many_answers_are_asked_for_as_are_measured(
    make_task: Any, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(loop, "answered_exactly", lambda *_, **options: [asked.append(options), 0.25][1])
    task = make_task(epochs=1)
    records = list(train_loop(task, begin(task), sink=MemorySink()))
    assert asked == [{"eos_id": task.eos_id, "most": 1000}]
    assert [record.exact for record in records if isinstance(record, EvaluationRecord)] == [0.25]


def test_nothing_held_out_is_none_and_the_last_is_the_best(make_task: Any, begin: Any) -> None:
    task = make_task(epochs=1, validation=0)
    evaluation = next(
        r for r in train_loop(task, begin(task), sink=MemorySink()) if isinstance(r, EvaluationRecord)
    )
    assert (evaluation.loss, evaluation.bits_per_character, evaluation.perplexity) == (None, None, None)
    assert (evaluation.best, evaluation.measured_characters, evaluation.exact) == (True, None, None)
    assert evaluation.training_loss > 0
    with pytest.raises(ConfigError) as caught:
        make_task(patience=1, validation=0)
    assert str(caught.value) == (
        "patience needs held-out text, and there is none; set validation_fraction, or leave patience out"
    )


ENCODED: Any = SimpleNamespace(
    tokenizer=CharTokenizer(tuple("ab ")), source_tokenizer=None,
    training=SimpleNamespace(num_records=3, characters=20, ids=range(23)),
    validation=SimpleNamespace(characters=7),
    unknown=5, note="from the cache", split=SimpleNamespace(sentence="few texts"), schema="a schema",
)  # fmt: skip


def test_samples_are_those_that_were_asked_for_or_the_usual_ones() -> None:
    usual = sampling_callback(ENCODED, None, None)
    assert usual == SamplingCallback(
        tokenizer=ENCODED.tokenizer, prompts=("",), temperatures=(0.3, 0.8, 1.0), max_new_tokens=80, seed=0
    )
    assert TEMPERATURES == (0.3, 0.8, 1.0)
    chosen = sampling_callback(ENCODED, ["a"], [0.5])
    assert chosen is not None
    assert (chosen.prompts, chosen.temperatures) == (("a",), (0.5,))
    assert sampling_callback(ENCODED, [], None) is None
    assert sampling_callback(ENCODED, None, []) is None
    assert saved_sampling(ENCODED, {"samples": {"prompts": ["a"], "temperatures": [0.5]}}) == chosen
    for data in (
        {},
        {"samples": None},
        {"samples": {"prompts": ["a"]}},
        {"samples": {"temperatures": [1.0]}},
    ):
        assert saved_sampling(ENCODED, data) is None


def test_an_announcement_has_every_fact(monkeypatch: pytest.MonkeyPatch, make_task: Any) -> None:
    network, training = make_task().engine.config, TrainingConfig(precision="bf16")
    monkeypatch.setattr(announcement, "missing_bf16", lambda precision: f"no {precision}")
    run: Any = SimpleNamespace(
        path=Path("run"), network=network, training=training, data={"precision": "float32"},
        remark="a remark", begun_anew="begun anew", changes={"epochs": (3, 4), "dropout": (0.1, 0.2)},
    )  # fmt: skip
    corpus: Any = SimpleNamespace(description="names.txt")
    told = plan_of(run, corpus, ENCODED, 9, in_memory=False)
    assert (told.out, told.description, told.records, told.characters) == (Path("run"), "names.txt", 3, 20)
    assert (told.held_out_characters, told.unknown, told.vocab_size, told.first_step) == (7, 5, 5, 9)
    assert (told.network, told.training, told.schema) == (network, training, "a schema")
    assert (told.precision, told.missing) == ("float32", "no bf16")
    assert told.note == (
        "from the cache; few texts; a remark; begun anew; changed: epochs 3 → 4, dropout 0.1 → 0.2"
    )
    assert told.num_parameters > 1000
    quiet: Any = SimpleNamespace(**{**vars(ENCODED), "note": None, "split": None})
    run.remark = run.begun_anew = None
    run.changes, run.data = {}, {}
    told = plan_of(run, corpus, quiet, 0, in_memory=True)
    assert (told.out, told.note, told.precision) == (None, None, "float32")


def test_a_termination_after_an_interrupt_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a second Ctrl-C ends it at once: who terminates a process does so once."""
    from unspool._training.interrupts import stop_on_interrupt

    with stop_on_interrupt() as stop_requested:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert stop_requested()
    with stop_on_interrupt() as stop_requested:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_random_draws_of_a_state_are_apart_from_those_of_masks() -> None:
    from unspool._training.dropout import INPUTS, OUTPUTS, RECURRENT, _random
    from unspool._training.state_dropout import forget_some

    draws = [_random(kind, 3, 5).random(8) for kind in (OUTPUTS, RECURRENT, INPUTS)]
    philox = np.random.Generator(
        np.random.Philox(key=np.array([3, 5], np.uint64), counter=np.array([2**63, 0, 0, 0], np.uint64))
    )
    state = np.ones((1, 1, 8, 2), np.float32)
    kept = forget_some(state, 0.5, seed=3, step=5)[0, 0, :, 0] == 1
    np.testing.assert_array_equal(kept, philox.random(8) >= 0.5)
    assert len({draw.tobytes() for draw in draws}) == 3
    assert (state == 1).all()
    assert not forget_some(state, 1.0, seed=3, step=5).any()
    assert forget_some(state, 0.0, seed=3, step=5).all()
