"""One training of a sweep: it runs to its next evaluation, tells what it measured, and waits to be asked on.

Time is counted fairly: the clock of the budget stands still while the held-out text is measured and while the
training waits, so every training learns for the same time, however long its evaluations take.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from unspool.engines import make_engine
from unspool.errors import DivergenceError
from unspool.evaluation.streams import evaluate_stream
from unspool.network.config import NetworkConfig
from unspool.network.parameters import count_parameters, initialize
from unspool.text.streams.stream import TokenStream
from unspool.training.checkpoint_sink import MemorySink
from unspool.training.checkpoints import RunProgress
from unspool.training.config import TrainingConfig
from unspool.training.loop import train_loop
from unspool.training.records import EvaluationRecord, StepRecord
from unspool.training.task import TrainingTask, fresh_start

NEVER = 10**9  # steps between the loop's own evaluations, seconds between its checkpoints


@dataclass(frozen=True, eq=False)
class SweepCorpus:
    """Hold the texts that every training of a sweep learns from and is measured with.

    Args:
        training: What is learnt from.
        validation: What is held out, the same for every training.
        eos_id: The id of `<eos>`.
        document: Whether it is one document.
    """

    training: TokenStream
    validation: TokenStream
    eos_id: int
    document: bool


@dataclass(frozen=True, kw_only=True)
class Job:
    """Describe one training.

    Args:
        number: What the training is called between those who speak of it.
        network: The network, its vocab_size set.
        training: How to train; the budget stands beside it.
        minutes: Minutes of learning; None where `symbols` is set.
        symbols: Symbols to read.
        evaluations: Measurements of the held-out text, evenly over the budget.
    """

    number: int
    network: NetworkConfig
    training: TrainingConfig
    minutes: float | None
    symbols: int | None
    evaluations: int


@dataclass(frozen=True, kw_only=True)
class TrialReport:
    """Tell what a training has reached.

    Args:
        part: Which of the evaluations it is, from 1.
        done: Whether the budget is spent.
        bits_per_character: Of the held-out text.
        parameters: Parameters of the network.
        steps: Steps made.
        characters: Characters read.
        seconds: Time spent learning.
        evaluation_seconds: Time spent on evaluations beside it.
    """

    part: int
    done: bool
    bits_per_character: float
    parameters: int
    steps: int
    characters: int
    seconds: float
    evaluation_seconds: float


@dataclass(frozen=True)
class Diverged:
    """Tell that the loss of a training stopped being finite, and how."""

    message: str


Event = TrialReport | Diverged


class BudgetClock:
    """Tell the loop how much of the budget is spent: seconds of learning, or symbols read.

    Args:
        progress: The loop's, which counts the symbols.
        by_symbols: Whether symbols count rather than seconds.
        clock: Seconds, from anywhere.
    """

    def __init__(
        self, progress: RunProgress, *, by_symbols: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._progress, self._by_symbols, self._clock = progress, by_symbols, clock
        self._started: float | None = None
        self.paused_seconds = 0.0

    def __call__(self) -> float:
        """Read the clock, which starts when it is first read."""
        return float(self._progress.symbols) if self._by_symbols else self.seconds

    @property
    def seconds(self) -> float:
        """Give the seconds since the start without the pauses."""
        now = self._clock()
        self._started = now if self._started is None else self._started
        return now - self._started - self.paused_seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stand still."""
        began = self._clock()
        try:
            yield
        finally:
            self.paused_seconds += self._clock() - began


def run_trial(
    job: Job, corpus: SweepCorpus, *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[Event]:
    """Train until the budget is spent.

    Args:
        job: What to train.
        corpus: On what.
        clock: Seconds, from anywhere.

    Yields:
        A Report after every evaluation, the last one with `done`; the time until the next is asked for does
        not count. Or at last that it diverged.
    """
    trial = _Trial(job, corpus, clock)
    try:
        yield from trial.reports()
    except DivergenceError as error:
        yield Diverged(str(error))


class _Trial:
    """Hold what a training needs between two reports."""

    def __init__(self, job: Job, corpus: SweepCorpus, clock: Callable[[], float]) -> None:
        self.job = job
        config = budgeted(job)
        self.task = TrainingTask(
            engine=make_engine(
                config.engine, job.network, threads=config.threads, precision=config.precision
            ),
            training=corpus.training,
            validation=corpus.validation,
            eos_id=corpus.eos_id,
            document=corpus.document,
            config=config,
        )
        self.start = fresh_start(self.task, initialize(job.network, config.seed))
        self.spent = BudgetClock(self.start.progress, by_symbols=job.minutes is None, clock=clock)
        self.seconds = self.evaluation_seconds = 0.0

    def reports(self) -> Iterator[TrialReport]:
        """Train, and measure whenever another part of the budget is spent; the loop measures at its end."""
        parts, reached, step = self.job.evaluations, 0, None
        for record in train_loop(self.task, self.start, sink=MemorySink(), clock=self.spent):
            if isinstance(record, StepRecord):
                step, self.seconds = record, self.spent.seconds
                part = int(record.progress * parts)
                if reached < part < parts:
                    reached, report = part, self.report(record, part, self.measure())
                    with self.spent.paused():
                        yield report
            elif isinstance(record, EvaluationRecord) and step is not None:
                self.evaluation_seconds += self.spent.seconds - self.seconds
                yield self.report(step, parts, record.bits_per_character or 0.0)

    def measure(self) -> float:
        """Give the bits per character of the held-out text.

        Raises:
            DivergenceError: If they are not finite.
        """
        paused = self.spent.paused_seconds
        task = self.task
        with self.spent.paused():
            found = evaluate_stream(
                task.engine,
                self.start.model,
                task.validation,
                eos_id=task.eos_id,
                document=task.document,
            )
        self.evaluation_seconds += self.spent.paused_seconds - paused
        if not math.isfinite(found.bits_per_character):
            raise DivergenceError(f"the held-out text has no finite loss at step {self.start.progress.step}")
        return found.bits_per_character

    def report(self, step: StepRecord, part: int, bits: float) -> TrialReport:
        """Describe where the training stands."""
        return TrialReport(
            part=part,
            done=part == self.job.evaluations,
            bits_per_character=bits,
            parameters=count_parameters(self.job.network),
            steps=step.step,
            characters=step.characters,
            seconds=self.seconds,
            evaluation_seconds=self.evaluation_seconds,
        )


def budgeted(job: Job) -> TrainingConfig:
    """Give the training its budget in the loop's words: `minutes` of its clock, which may count symbols."""
    units = 60 * job.minutes if job.symbols is None and job.minutes is not None else job.symbols or 0
    return replace(
        job.training,
        epochs=None,
        minutes=units / 60,
        patience=None,
        evaluate_every=NEVER,
        checkpoint_seconds=NEVER,
    )
