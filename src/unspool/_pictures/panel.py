"""A panel with two axes, on which curves, marks, bars and spans are drawn."""

import math
from collections.abc import Sequence

from unspool._pictures.canvas import MARGIN, TITLE, Canvas, Point, box, element, hint, line, mark, text
from unspool._pictures.lettering import cut, text_width
from unspool._pictures.scale import Scale

EDGE = 8  # pixels that a mark on an axis may extend beyond it


class Panel:
    """A panel below the content of a canvas.

    Args:
        canvas: The canvas to draw on.
        across: The scale from left to right.
        up: The scale from bottom to top.
        names: The names of the two axes.
        height: Length of the vertical axis in pixels.
    """

    def __init__(
        self, canvas: Canvas, across: Scale, up: Scale, *, names: tuple[str, str], height: float = 264
    ) -> None:
        marks = up.fitting(height, lambda label: 18, apart=38)
        left = MARGIN + 10 + max([text_width(label) for _, label in marks], default=0.0)
        right, top = canvas.width - MARGIN - 8, canvas.bottom + 38
        base, width = top + height, right - left
        self._across, self._up = across, up
        self._left, self._width, self._base, self._height = left, width, base, height
        canvas.add(text(MARGIN, top - 14, cut(names[1], canvas.width - 2 * MARGIN, TITLE), "heading"))
        for value, label in marks:
            y = base - height * up.share(value)
            canvas.add(line("grid", (left, y), (right, y)), text(left - 8, y + 4.5, label, "end"))
        for value, label in across.fitting(width, lambda label: text_width(label) + 24, apart=70):
            x = left + width * across.share(value)
            middle = min(x, canvas.width - 2 - text_width(label) / 2)
            canvas.add(line("axis", (x, base), (x, base + 5)), text(middle, base + 20, label, "middle"))
        canvas.add(line("axis", (left, base), (right, base)))
        canvas.add(text(left + width / 2, base + 42, cut(names[0], width), "middle"))
        window = (left - EDGE, top - EDGE, width + 2 * EDGE, height + 2 * EDGE)
        self._draw = canvas.window(*window).append
        canvas.bottom = base + 54

    def curve(
        self, points: Sequence[Point], colour: str, *, width: float = 1.5, faint: bool = False, tip: str = ""
    ) -> None:
        """Draw a line through points, with a gap at a point that is not finite.

        Args:
            points: The points, in order.
            colour: The colour of the line.
            width: Width of the line in pixels.
            faint: Whether the line is half transparent.
            tip: The words that are shown to a pointer on it.
        """
        path, pen = "", "M"
        for point in points:
            finite = all(map(math.isfinite, point))
            if finite:
                x, y = self.place(*point)
                path += f"{pen}{x:.1f} {y:.1f}" + "h0" * (pen == "M")  # a point alone is a dot
            pen = "L" if finite else "M"
        kind = "curve faint" if faint else "curve"
        self._draw(element("path", hint(tip), class_=kind, stroke=colour, stroke_width=width, d=path))

    def mark(self, shape: str, point: Point, colour: str, *, size: float = 4.0, tip: str = "") -> None:
        """Draw a mark at a point.

        Args:
            shape: A key of `FILLED` or of `STRUCK` in `canvas`.
            point: The middle of the mark, in values of the axes.
            colour: The colour of the mark.
            size: Half the width of the mark, in pixels.
            tip: The words that are shown to a pointer on it.
        """
        self._draw(mark(shape, self.place(*point), colour, size=size, tip=tip))

    def bar(self, begin: float, end: float, value: float, colour: str, *, tip: str = "") -> None:
        """Draw a bar from the base up to a value.

        Args:
            begin: The start of the bar on the horizontal axis.
            end: The end of the bar on the horizontal axis.
            value: The height of the bar on the vertical axis.
            colour: The colour of the bar.
            tip: The words that are shown to a pointer on it.
        """
        (left, top), (right, _) = self.place(begin, value), self.place(end, value)
        self._draw(box((left, top), right - left, self._base - top, colour, tip))

    def span(self, begin: Point, end: Point, colour: str = "currentColor", *, kind: str = "span") -> None:
        """Draw a straight line between two points.

        Args:
            begin: The start of the line.
            end: The end of the line.
            colour: The colour of the line.
            kind: A class of the style sheet.
        """
        self._draw(line(kind, self.place(*begin), self.place(*end), colour))

    def place(self, x: float, y: float) -> Point:
        """Return the place of a point on the canvas."""
        across, up = self._across.share(x), self._up.share(y)
        return self._left + across * self._width, self._base - up * self._height
