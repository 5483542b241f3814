"""A training in the output of a notebook's cell: facts, figures and samples, changed in place."""

import time
from types import TracebackType
from typing import Any, Self

from unspool._progress.latest import Latest
from unspool._progress.plan_lines import plan_lines
from unspool._progress.record_lines import (
    counts_line,
    end_line,
    evaluation_line,
    measuring_line,
    sample_line,
)
from unspool._screen.wording import size
from unspool._training.announcement import Announcement
from unspool._training.records import FinishRecord, StepRecord, StopRecord, TrainingRecord
from unspool._views.html import Cell, Share, html_table, together

SECONDS_BETWEEN = 0.25
LABEL = 9  # characters of a line of the plan before its words


class NotebookProgress:
    """A display of epoch, time left, loss, held-out loss and the latest samples, which stays at the end."""

    def __init__(self) -> None:
        self._latest = Latest()
        self._reading = "reading the corpus …"
        self._drawn = float("-inf")
        self._output: Any = None  # what changes the output of the cell

    def __enter__(self) -> Self:
        """Start the display."""
        from IPython.display import display

        self._output = display(self._bundle(), raw=True, display_id=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last state, which stays."""
        self._draw()

    def read(self, done: int, total: int) -> None:
        """Show how much of the corpus has been read."""
        self._reading = f"reading the corpus: {size(done)} of {size(total)}"
        self._draw(at_most_every=SECONDS_BETWEEN)

    def start(self, plan: Announcement) -> None:
        """Show the facts about the training before its first step."""
        self._latest.plan = plan
        self._draw()

    def show(self, record: TrainingRecord) -> None:
        """Process a record; redraw if a quarter of a second has passed."""
        self._latest.add(record)
        self._draw(at_most_every=0.0 if isinstance(record, FinishRecord | StopRecord) else SECONDS_BETWEEN)

    def _draw(self, *, at_most_every: float = 0.0) -> None:
        now = time.monotonic()
        if now - self._drawn >= at_most_every:
            self._drawn = now
            self._output.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        """Return the display in both forms that a notebook may show."""
        plan = self._latest.plan
        if plan is None:
            return {"text/plain": self._reading, "text/html": html_table((), [], notes=[self._reading])}
        lines = plan_lines(plan)
        return {"text/plain": "\n".join([*lines, *self._lines()]), "text/html": self._html(lines)}

    def _lines(self) -> list[str]:
        """Return the latest evaluation and its samples in plain text, and the end."""
        latest = self._latest
        epochs = None if latest.plan is None else latest.plan.training.epochs
        evaluation = [] if latest.evaluation is None else [evaluation_line(latest.evaluation, epochs)]
        return [*evaluation, *map(sample_line, latest.samples), *self._notes()]

    def _notes(self) -> list[str]:
        latest = self._latest
        measuring = [] if latest.measuring is None else [measuring_line(latest.measuring)]
        counts = [] if latest.counts is None else [counts_line(latest.counts)]
        end = None if latest.end is None else end_line(latest.end, latest.plan)
        return measuring if end is None else [end, *counts]

    def _html(self, lines: list[str]) -> str:
        latest = self._latest
        parts = [html_table((), [(line[:LABEL].strip(), line[LABEL:]) for line in lines])]
        if latest.step is not None:
            parts.append(self._bar(latest.step))
            names, figures = zip(*self._figures(latest.step), strict=True)
            parts.append(html_table(names, [figures]))
        if latest.samples:
            rows = [(f"{each.temperature:g}", each.beginning + each.text) for each in latest.samples]
            parts.append(html_table(("temperature", "sample"), rows))
        return together(*parts, html_table((), [], notes=self._notes()))

    def _bar(self, step: StepRecord) -> str:
        left = "" if self._latest.end is not None else f"{self._latest.time_left} left"
        row = (self._latest.epoch, Share(step.progress), f"{step.progress:.0%}", left)
        return html_table((), [row])

    def _figures(self, step: StepRecord) -> list[tuple[str, Cell]]:
        """Return the name and the value of each figure."""
        evaluation = self._latest.evaluation
        figures: list[tuple[str, Cell]] = [
            ("loss", step.loss),
            ("bits per character", step.bits_per_character),
            ("characters per second", round(step.characters_per_second)),
        ]
        if evaluation is not None and evaluation.bits_per_character is not None:
            best = " (best)" if evaluation.best else ""
            figures.append((f"held out, bits per character{best}", evaluation.bits_per_character))
        if evaluation is not None and evaluation.exact is not None:
            figures.append(("answered exactly", evaluation.exact))
        return figures
