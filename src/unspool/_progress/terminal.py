"""A training on a terminal: finished results scroll up, the current state changes in place below them."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from unspool._progress.latest import Latest
from unspool._progress.plan_lines import plan_lines
from unspool._progress.record_lines import counts_line, end_line, measuring_line
from unspool._screen.drawing import Display
from unspool._screen.wording import duration, one_line, size
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

SECONDS_BETWEEN = 0.1
KEPT_TEMPERATURE = 0.8
MOST_SAMPLES = 8  # samples of the latest evaluation in the changing part


class TerminalProgress:
    """A display of epoch, time left, speed, loss, held-out loss and the latest samples, updated in place.

    Args:
        console: The console to draw on; None for standard error.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._live = Display(console)
        self._console = self._live.console
        self._drawn = float("-inf")
        self._latest = Latest()
        self._scrolled = False  # whether one of the samples has scrolled up

    def __enter__(self) -> Self:
        """Start the display."""
        self._live.start()
        self._live.update(Text("reading the corpus …", "dim"), refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display: the changing part disappears, the lines that scrolled up stay."""
        self._live.stop()

    def read(self, done: int, total: int) -> None:
        """Show how much of the corpus has been read, at most ten times a second."""
        now = time.monotonic()
        if now - self._drawn >= SECONDS_BETWEEN:
            self._drawn = now
            text = f"reading the corpus: {size(done)} of {size(total)}, {done / max(1, total):.0%}"
            self._live.update(Text(text, "dim"), refresh=True)

    def start(self, plan: Announcement) -> None:
        """Print the facts about the training before its first step."""
        self._latest.plan = plan
        for line in plan_lines(plan):
            label, rest = line[:9], line[9:]
            self._console.print(Text.assemble((label, "bold cyan"), rest))

    def show(self, record: TrainingRecord) -> None:
        """Process a record; redraw if there is something new and a tenth of a second has passed."""
        if not isinstance(record, SampleRecord):
            self._keep_a_sample()
        self._latest.add(record)
        if isinstance(record, StepRecord | SampleRecord):
            self._draw(at_most_every=SECONDS_BETWEEN)
        elif isinstance(record, MeasuringRecord):
            self._draw()
        elif isinstance(record, EvaluationRecord):
            self._scrolled = False
            self._scroll(self._reached(record))
            self._draw()
        elif isinstance(record, CountsRecord):
            self._scroll(Text(counts_line(record)))
        elif isinstance(record, FinishRecord | StopRecord):
            line = end_line(record, self._latest.plan)
            if line is not None:
                self._scroll(Text(line, "bold"))

    def _keep_a_sample(self) -> None:
        """Print one sample of each evaluation, so that the way from noise to text can be read later."""
        samples = self._latest.samples
        if samples and not self._scrolled:
            self._scrolled = True
            nearest = min(samples, key=lambda sample: abs(sample.temperature - KEPT_TEMPERATURE))
            self._scroll(self._sample_line(nearest))

    def _scroll(self, line: Text) -> None:
        """Print one line above the changing part, cut to the width, which `print` itself does not do."""
        self._console.print(line, no_wrap=True, overflow="ellipsis")

    def _draw(self, *, at_most_every: float = 0.0) -> None:
        now = time.monotonic()
        if now - self._drawn >= at_most_every:
            self._drawn = now
            self._live.update(self._screen(), refresh=True)

    def _screen(self) -> RenderableType:
        parts: list[RenderableType] = []
        step, measuring = self._latest.step, self._latest.measuring
        if step is not None:
            parts += [self._bar(step), self._figures(step)]
        if measuring is not None:
            parts.append(Text(measuring_line(measuring), "dim"))
        if self._latest.samples:
            parts.append(Group(*map(self._sample_line, self._latest.samples[:MOST_SAMPLES])))
        return Group(*parts)

    def _bar(self, step: StepRecord) -> RenderableType:
        """Return one line with the epoch, the bar, the share and the time left."""
        grid = Table.grid(padding=(0, 1), expand=True)
        for _ in range(4):
            grid.add_column(no_wrap=True)
        grid.columns[1].ratio = 1
        grid.add_row(
            Text(self._latest.epoch, "bold"),
            ProgressBar(total=1.0, completed=step.progress),
            f"{step.progress:4.0%}",
            Text(f"{self._latest.time_left} left", "cyan"),
        )
        return grid

    def _figures(self, step: StepRecord) -> Text:
        figures = Text(no_wrap=True, overflow="ellipsis")
        figures.append("loss ", "dim").append(f"{step.loss:.3f}")
        figures.append("  bits/char ", "dim").append(f"{step.bits_per_character:.3f}", "bold")
        figures.append("  chars/s ", "dim").append(f"{step.characters_per_second:,.0f}")
        evaluation = self._latest.evaluation
        held_out = evaluation.bits_per_character if evaluation else None
        if held_out is not None:
            figures.append("  held out ", "dim").append(f"{held_out:.3f}", "bold green")
        return figures

    def _reached(self, record: EvaluationRecord) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"epoch {record.epoch}", "bold").append(f"  {duration(record.seconds)}")
        line.append("  bits/char ", "dim").append(f"{record.training_bits_per_character:.3f}")
        if record.bits_per_character is not None:
            style = "bold green" if record.best else "yellow"
            line.append("  held out ", "dim").append(f"{record.bits_per_character:.3f}", style)
            line.append(" best" if record.best else "", "green")
        if record.exact is not None:
            line.append("  exact ", "dim").append(f"{record.exact:.1%}")
        return line

    def _sample_line(self, record: SampleRecord) -> Text:
        line = Text.assemble((f"  {record.temperature:<4g}", "cyan"), no_wrap=True, overflow="ellipsis")
        return line.append(one_line(record.beginning), "bold").append(one_line(record.text))
