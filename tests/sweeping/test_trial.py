"""One training: it spends its budget, evenly measured, and evaluations cost it nothing."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

import unspool
from unspool._sweeping.trial import BudgetClock, Diverged, Event, Job, SweepCorpus, TrialReport, run_trial
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._training.checkpoints import RunProgress

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
TEXTS = [f"{a} {b} {c}" for a in WORDS for b in WORDS[:4] for c in WORDS[4:]]
SYMBOLS = 64 * 40  # forty steps


@pytest.fixture(scope="module")
def corpus() -> SweepCorpus:
    encoded = encode_corpus(Records.of(TEXTS), EncodingRecipe(validation_fraction=0.1))
    return SweepCorpus(encoded.training, encoded.validation, encoded.tokenizer.eos_id, document=False)


def job(**changes: object) -> Job:
    training = unspool.TrainingConfig(batch_size=4, sequence_length=16, threads=1, learning_rate=0.02)
    network = unspool.NetworkConfig(hidden_size=8, vocab_size=17)
    usual = Job(number=0, network=network, training=training, minutes=None, symbols=SYMBOLS, evaluations=4)
    return replace(usual, **changes)  # type: ignore[arg-type]


def reports(events: Iterator[Event]) -> list[TrialReport]:
    return [event for event in events if isinstance(event, TrialReport)]


def test_a_budget_of_symbols_is_spent_and_measured_evenly(corpus: SweepCorpus) -> None:
    found = reports(run_trial(job(), corpus))
    assert [report.part for report in found] == [1, 2, 3, 4]
    steps = [report.steps for report in found]  # an epoch's last window may be shorter
    assert [abs(step - even) <= 1 for step, even in zip(steps, (10, 20, 30, 40), strict=True)] == [True] * 4
    assert [report.done for report in found] == [False, False, False, True]
    assert found[-1].bits_per_character < found[0].bits_per_character
    assert 0 < found[-1].characters < SYMBOLS


def test_a_budget_of_symbols_gives_the_same_bits_again(corpus: SweepCorpus) -> None:
    def bits(seed: int) -> list[float]:
        same = job(training=replace(job().training, seed=seed))
        return [report.bits_per_character for report in reports(run_trial(same, corpus))]

    assert bits(0) == bits(0)
    assert bits(0) != bits(1)


def test_an_average_is_what_is_measured(corpus: SweepCorpus) -> None:
    averaged = job(training=replace(job().training, ema=0.9))
    pairs = zip(reports(run_trial(job(), corpus)), reports(run_trial(averaged, corpus)), strict=True)
    assert all(one.bits_per_character != other.bits_per_character for one, other in pairs)


class Ticking:
    """A clock on which reading the time takes a hundredth of a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def test_waiting_costs_no_time(corpus: SweepCorpus) -> None:
    def steps(wait: float) -> int:
        clock = Ticking()
        last = 0
        for event in run_trial(job(minutes=0.05, symbols=None), corpus, clock=clock):
            clock.now += wait
            last = event.steps if isinstance(event, TrialReport) else 0
        return last

    assert steps(0) > 5
    assert abs(steps(1000) - steps(0)) <= 1  # rounding


def test_measuring_costs_no_time(corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspool._sweeping import trial

    clock, measure = Ticking(), trial.evaluate_stream

    def slow(*arguments: object, **options: object) -> object:
        clock.now += 100
        return measure(*arguments, **options)  # type: ignore[arg-type]

    budget = job(minutes=0.05, symbols=None)
    quick = reports(run_trial(budget, corpus, clock=Ticking()))
    monkeypatch.setattr(trial, "evaluate_stream", slow)
    found = reports(run_trial(budget, corpus, clock=clock))
    assert [report.steps for report in found] == [report.steps for report in quick]
    assert found[-1].seconds == pytest.approx(3.0, abs=0.2)
    assert found[-1].evaluation_seconds >= 300


def test_a_diverged_training_says_so(corpus: SweepCorpus) -> None:
    wild = replace(job().training, learning_rate=3e38, clip_norm=None, optimizer="sgd")
    events = list(run_trial(job(training=wild), corpus))
    assert isinstance(events[-1], Diverged)
    assert "learning_rate" in events[-1].message or "finite" in events[-1].message


def test_the_clock_counts_seconds_or_symbols() -> None:
    progress = RunProgress()
    by_symbols = BudgetClock(progress, by_symbols=True, clock=Ticking())
    progress.symbols = 7
    assert by_symbols() == 7.0
    clock = BudgetClock(progress, by_symbols=False, clock=Ticking())
    assert clock() == pytest.approx(0.0)
    with clock.paused():
        pass
    assert clock() == pytest.approx(0.02)
