"""Rows of horizontal bars: names on the left, the numbers in their own column on the right."""

from collections.abc import Sequence
from dataclasses import dataclass

from unspool._pictures.canvas import MARGIN, NOTE, TITLE, Canvas, box, line, mark, text
from unspool._pictures.lettering import cut, text_width
from unspool._pictures.scale import Scale

NAMES, FIGURES = 0.3, 0.22  # shares of the width
BAR, GAP = 16, 8


@dataclass(frozen=True)
class Bar:
    """A bar with the spread of its value; a mark replaces the bar on a logarithmic scale.

    Args:
        colour: The colour of the bar.
        low: The start of the spread.
        value: The end of the bar.
        high: The end of the spread.
        words: The words beside it on the right.
    """

    colour: str
    low: float
    value: float
    high: float
    words: str


Row = tuple[str, Sequence[Bar]]


def ends(rows: Sequence[Row]) -> list[float]:
    """Return the start and the end of the spread of all bars."""
    return [end for _, bars in rows for bar in bars for end in (bar.low, bar.high)]


def draw_rows(
    canvas: Canvas, heading: str, rows: Sequence[Row], scale: Scale, *, rule: float | None = None
) -> None:
    """Draw rows of bars below the content of a canvas.

    Args:
        canvas: The canvas to draw on.
        heading: The words above the rows.
        rows: Name and bars of each row.
        scale: The scale of all bars, from left to right.
        rule: The value of a vertical dashed line, or None.
    """
    left, right = NAMES * canvas.width, (1 - FIGURES) * canvas.width
    top = canvas.bottom + 44
    base = top + sum(BAR * len(bars) + GAP for _, bars in rows)

    def place(value: float) -> float:
        return left + min(1.0, max(0.0, scale.share(value))) * (right - left)

    canvas.add(text(MARGIN, top - 16, cut(heading, canvas.width - 2 * MARGIN, TITLE), "heading"))
    for value, label in scale.fitting(right - left, lambda label: text_width(label, NOTE) + 12, apart=70):
        x = place(value)
        canvas.add(line("grid", (x, top - 4), (x, base)), text(x, base + 15, label, "note middle"))
    y = top
    for name, bars in rows:
        canvas.add(text(left - 8, y + BAR * len(bars) / 2 + 4.5, cut(name, left - 8 - MARGIN), "end"))
        for bar in bars:
            low, end, high = map(place, (bar.low, bar.value, bar.high))
            middle = y + BAR / 2
            solid = box((left, y + 2), end - left, BAR - 4, bar.colour)
            canvas.add(mark("circle", (end, middle), bar.colour, size=5) if scale.logarithmic else solid)
            words = cut(bar.words, canvas.width - MARGIN - right - 12, NOTE)
            canvas.add(line("span", (low, middle), (high, middle)))
            canvas.add(text(right + 12, middle + 4, words, "note"))
            y += BAR
        y += GAP
    canvas.add(line("axis", (left, top - 4), (left, base)))
    if rule is not None:
        canvas.add(line("rule", (place(rule), top - 4), (place(rule), base)))
    canvas.bottom = base + 20
