"""A training in plain lines, for logs and pipes: no colours, no control codes."""

import sys
import time
from types import TracebackType
from typing import Self

from unspool._progress.plan_lines import plan_lines
from unspool._progress.record_lines import (
    counts_line,
    end_line,
    evaluation_line,
    measuring_line,
    sample_line,
    step_line,
)
from unspool._screen.connections import fitted
from unspool._screen.wording import size
from unspool._training.announcement import Announcement
from unspool._training.records import (
    CountsRecord,
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
    TrainingRecord,
)

SECONDS_BETWEEN = 10.0


class PlainProgress:
    """A display with a line for every evaluation and sample, and one every ten seconds in between."""

    def __init__(self) -> None:
        self._spoken = 0.0
        self._read = time.monotonic()
        self._plan: Announcement | None = None
        self._epochs: int | None = None

    def __enter__(self) -> Self:
        """Start the display, which needs no preparation."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display, which leaves nothing to clean up."""

    def read(self, done: int, total: int) -> None:
        """Print every ten seconds how much of the corpus has been read."""
        if time.monotonic() - self._read >= SECONDS_BETWEEN:
            self._read = time.monotonic()
            _write(f"reading the corpus: {size(done)} of {size(total)}")

    def start(self, plan: Announcement) -> None:
        """Print the facts about the training before its first step."""
        self._plan, self._epochs = plan, plan.training.epochs
        for line in plan_lines(plan):
            _write(line)

    def show(self, record: TrainingRecord) -> None:
        """Print a record, if it is time for it."""
        if isinstance(record, StepRecord):
            if record.seconds - self._spoken < SECONDS_BETWEEN:
                return
            self._spoken = record.seconds
            _write(step_line(record, self._epochs))
        elif isinstance(record, MeasuringRecord):
            if time.monotonic() - self._read >= SECONDS_BETWEEN:
                self._read = time.monotonic()
                _write(measuring_line(record))
        elif isinstance(record, EvaluationRecord):
            self._spoken = record.seconds
            _write(evaluation_line(record, self._epochs))
        elif isinstance(record, SampleRecord):
            _write(sample_line(record))
        elif isinstance(record, CountsRecord):
            _write(counts_line(record))
        elif isinstance(record, FinishRecord | StopRecord):
            line = end_line(record, self._plan)
            if line is not None:
                _write(line)


def _write(line: str) -> None:
    print(fitted(line, sys.stderr, indent=9), file=sys.stderr, flush=True)
