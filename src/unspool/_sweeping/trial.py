"""One training of a sweep: it runs to its next evaluation, reports the result, and waits.

The clock of the budget stops during an evaluation and while the training waits. So every training learns for
the same time, however long its evaluations take.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from unspool._errors import DivergenceError
from unspool._evaluation.streams import evaluate_stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters, initialize
from unspool._text.streams.stream import TokenStream
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import RunProgress
from unspool._training.config import TrainingConfig
from unspool._training.loop import train_loop
from unspool._training.records import EvaluationRecord, StepRecord
from unspool._training.task import TrainingTask, engine_of, fresh_start

NEVER = 10**9  # steps between the loop's own evaluations, seconds between its checkpoints


@dataclass(frozen=True, eq=False)
class SweepCorpus:
    """The texts of a sweep, the same for every training.

    Args:
        training: The training texts.
        validation: The held-out texts.
        eos_id: The id of `<eos>`.
        document: Whether the texts are one document.
    """

    training: TokenStream
    validation: TokenStream
    eos_id: int
    document: bool


@dataclass(frozen=True, kw_only=True)
class Job:
    """The job of a worker: one training.

    Args:
        number: Number of the training.
        network: The network, its vocab_size set.
        training: The training configuration, without the budget.
        minutes: Minutes of learning; None if `symbols` is set.
        symbols: Number of tokens to read, or None.
        evaluations: Number of evaluations, evenly over the budget.
    """

    number: int
    network: NetworkConfig
    training: TrainingConfig
    minutes: float | None
    symbols: int | None
    evaluations: int


@dataclass(frozen=True, kw_only=True)
class TrialReport:
    """The report of a training after an evaluation.

    Args:
        part: Number of the evaluation, from 1.
        done: Whether the budget is spent.
        bits_per_character: Bits per character of the held-out text.
        parameters: Number of parameters of the network.
        steps: Number of steps.
        characters: Number of characters read.
        seconds: Time of learning.
        evaluation_seconds: Time of the evaluations.
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
    """The end of a training whose loss is not finite, with a message."""

    message: str


Event = TrialReport | Diverged


class BudgetClock:
    """A clock for the training loop that shows the spent budget: seconds of learning, or tokens read.

    Args:
        progress: The progress of the loop, which counts the tokens.
        by_symbols: Whether tokens count, not seconds.
        clock: Function that returns the time in seconds, from any starting point.
    """

    def __init__(
        self, progress: RunProgress, *, by_symbols: bool, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._progress, self._by_symbols, self._clock = progress, by_symbols, clock
        self._started: float | None = None
        self.paused_seconds = 0.0

    def __call__(self) -> float:
        """Return the spent budget; the clock starts at the first call."""
        return float(self._progress.symbols) if self._by_symbols else self.seconds

    @property
    def seconds(self) -> float:
        """The seconds since the start without the pauses."""
        now = self._clock()
        self._started = now if self._started is None else self._started
        return now - self._started - self.paused_seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the clock in a `with` block."""
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
        job: The training.
        corpus: The texts.
        clock: Function that returns the time in seconds, from any starting point.

    Yields:
        A TrialReport after every evaluation, the last one with `done`, or a final Diverged. The time between
        two reports outside of this function does not count.
    """
    trial = _Trial(job, corpus, clock)
    try:
        yield from trial.reports()
    except DivergenceError as error:
        yield Diverged(str(error))


class _Trial:
    """The state of a training between two reports."""

    def __init__(self, job: Job, corpus: SweepCorpus, clock: Callable[[], float]) -> None:
        self.job = job
        config = budgeted(job)
        self.task = TrainingTask(
            engine=engine_of(config, job.network),
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
        """Train, and evaluate after each part of the budget; the loop evaluates at its end."""
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
        """Return the bits per character of the held-out text.

        Raises:
            DivergenceError: If they are not finite.
        """
        paused = self.spent.paused_seconds
        task = self.task
        with self.spent.paused():
            evaluation = evaluate_stream(
                task.engine,
                self.start.model,
                task.validation,
                eos_id=task.eos_id,
                document=task.document,
            )
        self.evaluation_seconds += self.spent.paused_seconds - paused
        if not math.isfinite(evaluation.bits_per_character):
            raise DivergenceError(f"the held-out text has no finite loss at step {self.start.progress.step}")
        return evaluation.bits_per_character

    def report(self, step: StepRecord, part: int, bits: float) -> TrialReport:
        """Return the report after an evaluation.

        Args:
            step: The record of the last step.
            part: Number of the evaluation, from 1.
            bits: Bits per character of the held-out text.
        """
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
    """Return the training configuration with the budget as `minutes`, which may stand for tokens."""
    units = 60 * job.minutes if job.symbols is None and job.minutes is not None else job.symbols or 0
    return replace(
        job.training,
        epochs=None,
        minutes=units / 60,
        patience=None,
        evaluate_every=NEVER,
        checkpoint_seconds=NEVER,
    )
