"""The loss curve of a training as a picture."""

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from unspool._pictures.canvas import Canvas, Point
from unspool._pictures.colours import BLUE, ORANGE
from unspool._pictures.panel import Panel
from unspool._pictures.scale import Scale
from unspool._training.records import EvaluationRecord, StepRecord

POINTS = 256  # least number of points of a long training curve; this many single dots would be too many
NAMES = ("step", "bits per character")


class ThinnedCurve:
    """A curve of any length in few points: each is the mean of the same number of neighbours.

    Args:
        points: Least number of points of a long curve; at most twice as many are kept.
    """

    def __init__(self, points: int = POINTS) -> None:
        self._least = points
        self._points: list[Point] = []
        self._pending: list[Point] = []
        self._width = 1

    def add(self, x: float, y: float) -> None:
        """Add the next point."""
        self._pending.append((x, y))
        if len(self._pending) == self._width:
            self._points.append(_mean(self._pending))
            self._pending = []
        if len(self._points) == 2 * self._least:
            self._points = [_mean(self._points[i : i + 2]) for i in range(0, len(self._points), 2)]
            self._width *= 2

    def points(self) -> list[Point]:
        """Return the points so far; the last one may be the mean of fewer neighbours."""
        return [*self._points, _mean(self._pending)] if self._pending else list(self._points)


def _mean(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


class LossCurve:
    """The bits per character over the steps, collected to be drawn."""

    def __init__(self) -> None:
        self._training = ThinnedCurve()
        self._validation: list[Point] = []

    def add_training(self, step: int, bits_per_character: float) -> None:
        """Add the measurement of a step."""
        self._training.add(step, bits_per_character)

    def add_validation(self, step: int, bits_per_character: float) -> None:
        """Add the measurement of an evaluation."""
        self._validation.append((step, bits_per_character))

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a line of metrics.jsonl, if it has a measurement."""
        kind, bits = line.get("kind"), line.get("bits_per_character")
        if kind == StepRecord.kind and bits is not None:
            self.add_training(line["step"], bits)
        elif kind == EvaluationRecord.kind and bits is not None:
            self.add_validation(line["step"], bits)

    def svg(self, title: str) -> str:
        """Return both curves with axes and a legend.

        Args:
            title: The title above the picture.

        Returns:
            An SVG document.
        """
        return draw(title, self._training.points(), self._validation)


def draw(title: str, training: Sequence[Point], validation: Sequence[Point]) -> str:
    """Return bits per character over steps as an SVG document; the best evaluation is marked.

    Args:
        title: The title above the picture.
        training: The curve of the steps; may be empty.
        validation: The evaluations; may be empty.
    """
    measured = [point for point in validation if math.isfinite(point[1])]
    best = min(measured, key=itemgetter(1), default=None)
    best_words = f"best {best[1]:,.3f} at step {best[0]:,.0f}" if best else ""
    canvas = Canvas(title, description=f"Bits per character over the steps of a training; {best_words}")
    entries = [("line", BLUE, "training" * bool(training)), ("line", ORANGE, "validation" * bool(validation))]
    canvas.legend([*entries, ("ring", ORANGE, best_words)])
    points = [*training, *validation]
    across = Scale.over((x for x, _ in points), zero=True, whole=True)
    panel = Panel(canvas, across, Scale.over((y for _, y in points), margin=0.05), names=NAMES)
    panel.curve(training, BLUE)
    panel.curve(validation, ORANGE, width=2)
    for point in measured if len(measured) < POINTS else ():
        panel.mark("circle", point, ORANGE, size=3, tip=f"step {point[0]:,.0f}: {point[1]:.3f}")
    if best:
        panel.mark("ring", best, ORANGE, size=7)
    return canvas.svg()
