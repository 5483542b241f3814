"""A training in plain lines, for logs and pipes: no colours, no control codes."""

import sys
import time
from types import TracebackType
from typing import Self

from unspool._progress.plan_lines import finish_line, plan_lines
from unspool._screen.connections import fitted
from unspool._screen.wording import duration, one_line, size
from unspool._training.announcement import Announcement
from unspool._training.records import (
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    TrainingRecord,
)

SECONDS_BETWEEN = 10.0


class PlainProgress:
    """A display with a line for every evaluation and sample, and one every ten seconds in between."""

    def __init__(self) -> None:
        self._spoken = 0.0
        self._read = time.monotonic()
        self._epochs = ""

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
        self._epochs = f"/{plan.training.epochs}" if plan.training.epochs else ""
        for line in plan_lines(plan):
            _write(line)

    def show(self, record: TrainingRecord) -> None:
        """Print a record, if it is time for it."""
        if isinstance(record, StepRecord):
            if record.seconds - self._spoken < SECONDS_BETWEEN:
                return
            self._spoken = record.seconds
            _write(self._step(record))
        elif isinstance(record, MeasuringRecord):
            if time.monotonic() - self._read >= SECONDS_BETWEEN:
                self._read = time.monotonic()
                _write(f"measuring the held-out text: {record.done:,} of {record.total:,} symbols")
        elif isinstance(record, EvaluationRecord):
            self._spoken = record.seconds
            _write(self._evaluation(record))
        elif isinstance(record, SampleRecord):
            _write(f"  {record.temperature:g}: {one_line(record.beginning + record.text)}")
        elif isinstance(record, FinishRecord):
            _write(finish_line(record))

    def _step(self, record: StepRecord) -> str:
        return (
            f"epoch {record.epoch}{self._epochs}, step {record.step:,}, {record.progress:.0%}: "
            f"{record.bits_per_character:.3f} bits/character, "
            f"{record.characters_per_second:,.0f} characters/s"
        )

    def _evaluation(self, record: EvaluationRecord) -> str:
        held_out = ""
        if record.bits_per_character is not None:
            best = " (best so far)" if record.best else ""
            held_out = f", {record.bits_per_character:.3f} on held-out text{best}"
        if record.exact is not None:
            held_out += f", {record.exact:.1%} answered exactly"
        return (
            f"epoch {record.epoch}{self._epochs}, step {record.step:,}, {duration(record.seconds)}: "
            f"{record.training_bits_per_character:.3f} bits/character in training{held_out}"
        )


def _write(line: str) -> None:
    print(fitted(line, sys.stderr, indent=9), file=sys.stderr, flush=True)
