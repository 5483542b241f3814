"""A training on a terminal: finished results scroll up, the current state changes in place below them."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from unspool._progress.plan_lines import finish_line, plan_lines
from unspool._screen.drawing import Display
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
        self._epochs: int | None = None
        self._began: tuple[float, float] | None = None  # progress and seconds at this process's first step
        self._step: StepRecord | None = None
        self._evaluation: EvaluationRecord | None = None
        self._samples: list[SampleRecord] = []
        self._measuring: MeasuringRecord | None = None
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
        self._epochs = plan.training.epochs
        for line in plan_lines(plan):
            label, rest = line[:9], line[9:]
            self._console.print(Text.assemble((label, "bold cyan"), rest))

    def show(self, record: TrainingRecord) -> None:
        """Process a record; redraw if there is something new and a tenth of a second has passed."""
        if not isinstance(record, SampleRecord):
            self._keep_a_sample()
        if isinstance(record, StepRecord):
            self._began = self._began or (record.progress, record.seconds)
            self._step = record
            self._draw(at_most_every=SECONDS_BETWEEN)
        elif isinstance(record, MeasuringRecord):
            self._measuring = record
            self._draw()
        elif isinstance(record, EvaluationRecord):
            self._measuring = None
            self._evaluation, self._samples, self._scrolled = record, [], False
            self._scroll(self._reached(record))
            self._draw()
        elif isinstance(record, SampleRecord):
            self._samples.append(record)
            self._draw(at_most_every=SECONDS_BETWEEN)
        elif isinstance(record, FinishRecord):
            self._scroll(Text(finish_line(record), "bold"))

    def _keep_a_sample(self) -> None:
        """Print one sample of each evaluation, so that the way from noise to text can be read later."""
        if self._samples and not self._scrolled:
            self._scrolled = True
            nearest = min(self._samples, key=lambda sample: abs(sample.temperature - KEPT_TEMPERATURE))
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
        if self._step is not None:
            parts += [self._bar(self._step), self._figures(self._step)]
        if self._measuring is not None:
            done, total = self._measuring.done, self._measuring.total
            parts.append(Text(f"measuring the held-out text: {done:,} of {total:,} symbols", "dim"))
        if self._samples:
            parts.append(self._latest())
        return Group(*parts)

    def _bar(self, step: StepRecord) -> RenderableType:
        """Return one line with the epoch, the bar, the share and the time left."""
        grid = Table.grid(padding=(0, 1), expand=True)
        for _ in range(4):
            grid.add_column(no_wrap=True)
        grid.columns[1].ratio = 1
        of = f"/{self._epochs}" if self._epochs else ""
        grid.add_row(
            Text(f"epoch {step.epoch}{of}", "bold"),
            ProgressBar(total=1.0, completed=step.progress),
            f"{step.progress:4.0%}",
            Text(f"{self._time_left(step)} left", "cyan"),
        )
        return grid

    def _time_left(self, step: StepRecord) -> str:
        """Return the time left, estimated from the steps of this process."""
        progress, seconds = self._began or (0.0, 0.0)
        done = step.progress - progress
        return duration((step.seconds - seconds) / done * (1 - step.progress)) if done > 0 else "-:--"

    def _figures(self, step: StepRecord) -> Text:
        figures = Text(no_wrap=True, overflow="ellipsis")
        figures.append("loss ", "dim").append(f"{step.loss:.3f}")
        figures.append("  bits/char ", "dim").append(f"{step.bits_per_character:.3f}", "bold")
        figures.append("  chars/s ", "dim").append(f"{step.characters_per_second:,.0f}")
        held_out = self._evaluation.bits_per_character if self._evaluation else None
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

    def _latest(self) -> RenderableType:
        """Return the samples of the latest evaluation, a line for each."""
        return Group(*map(self._sample_line, self._samples[:MOST_SAMPLES]))
