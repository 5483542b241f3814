"""A panel with two axes, on which curves, marks, bars and spans are drawn."""

import math
from collections.abc import Sequence

from unspool.pictures.canvas import MARGIN, TITLE, Canvas, Point, box, element, hint, line, mark, text
from unspool.pictures.lettering import cut, text_width
from unspool.pictures.scale import Scale

EDGE = 8  # pixels by which a mark on an axis may reach beyond it


class Panel:
    """A panel below all that is on a canvas.

    Args:
        canvas: Where it is drawn.
        across: Scale from left to right.
        up: Scale from below.
        names: What the two axes show.
        height: Of the axis from below, in pixels.
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
        """Draw a line through points; it has a gap where one is not finite.

        Args:
            points: Its points, in order.
            colour: Its colour.
            width: Of the line, in pixels.
            faint: Whether what is below shines through.
            tip: What it says to a pointer on it.
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
        """Draw a mark at a point; the other arguments are those of `canvas.mark`."""
        self._draw(mark(shape, self.place(*point), colour, size=size, tip=tip))

    def bar(self, begin: float, end: float, value: float, colour: str, *, tip: str = "") -> None:
        """Draw a bar from the base up to a value, between two values of the axis across."""
        (left, top), (right, _) = self.place(begin, value), self.place(end, value)
        self._draw(box((left, top), right - left, self._base - top, colour, tip))

    def span(self, begin: Point, end: Point, colour: str = "currentColor", *, kind: str = "span") -> None:
        """Draw a straight line between two points; `kind` is a class of the style sheet."""
        self._draw(line(kind, self.place(*begin), self.place(*end), colour))

    def place(self, x: float, y: float) -> Point:
        """Return where on the canvas a point stands."""
        across, up = self._across.share(x), self._up.share(y)
        return self._left + across * self._width, self._base - up * self._height
