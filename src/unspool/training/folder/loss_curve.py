"""The loss curve as a small SVG picture that reads well on light and on dark pages."""

import math
from collections.abc import Sequence
from html import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 48, 52
POINTS = 256  # of the training curve, at most twice as many

# The first colours can be read on white and on black, for viewers that know no dark mode.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #757575 }
  .title { font-size: 15px; font-weight: 600 }
  .grid { stroke: #888; stroke-opacity: 0.3 } .axis { stroke: #888 }
  .training { stroke: #3d86d6; fill: none } .validation { stroke: #d9691c; fill: none }
  .dot { fill: #d9691c; stroke: none }
  @media (prefers-color-scheme: light) { text { fill: #333 } }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


class ThinnedCurve:
    """Keep a curve of any length in few points: each is the mean of equally many neighbours."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._pending: list[Point] = []
        self._width = 1

    def add(self, x: float, y: float) -> None:
        """Add the next point."""
        self._pending.append((x, y))
        if len(self._pending) == self._width:
            self._points.append(_mean(self._pending))
            self._pending = []
        if len(self._points) == 2 * POINTS:
            self._points = [_mean(self._points[i : i + 2]) for i in range(0, len(self._points), 2)]
            self._width *= 2

    def points(self) -> list[Point]:
        """Give the points so far; the last may be the mean of fewer neighbours."""
        return [*self._points, _mean(self._pending)] if self._pending else list(self._points)


def _mean(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


class LossCurve:
    """Collect bits per character over the steps and draw them."""

    def __init__(self) -> None:
        self._training = ThinnedCurve()
        self._validation: list[Point] = []

    def add_training(self, step: int, bits_per_character: float) -> None:
        """Add what a step measured."""
        self._training.add(step, bits_per_character)

    def add_validation(self, step: int, bits_per_character: float) -> None:
        """Add what an evaluation measured."""
        self._validation.append((step, bits_per_character))

    def svg(self, title: str) -> str:
        """Draw both curves with their axes and a legend.

        Args:
            title: Stands above the picture.

        Returns:
            An SVG document.
        """
        return draw(title, self._training.points(), self._validation)


def ticks(low: float, high: float, count: int) -> list[float]:
    """Choose round numbers from `low` to `high`, about `count` of them: steps of 1, 2 or 5 times 10^k."""
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def draw(
    title: str,
    training: Sequence[Point],
    validation: Sequence[Point],
    *,
    names: tuple[str, str] = ("training", "validation"),
) -> str:
    """Draw two curves of bits per character over steps; either may be empty.

    Args:
        title: Stands above the picture.
        training: The first curve.
        validation: The second, with a dot at each point, unless they are too many for it.
        names: What the legend calls them.
    """
    dots = validation if len(validation) < POINTS else ()
    values = [y for _, y in (*training, *validation)] or [0.0, 1.0]
    x_high = max([x for x, _ in (*training, *validation)], default=1.0) or 1.0
    margin = 0.05 * (max(values) - min(values)) or 0.5
    y_low, y_high = max(0.0, min(values) - margin), max(values) + margin

    def place(point: Point) -> tuple[float, float]:
        x = LEFT + point[0] / x_high * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (point[1] - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    parts = [
        *(_horizontal(place((0, y))[1], f"{y:g}") for y in ticks(y_low, y_high, 6)),
        *(_vertical(place((x, y_low))[0], f"{x:,.0f}") for x in ticks(0, x_high, 6) if x == int(x)),
        _line("axis", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM),
        _curve("training", 1.5, [place(point) for point in training]),
        _curve("validation", 2, [place(point) for point in validation]),
        *(f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>' for x, y in map(place, dots)),
        *_labels(title),
        *_legend(bool(training), bool(validation), names),
    ]
    return _document(title, parts)


def _document(title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>\n"])


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def _horizontal(y: float, label: str) -> str:
    line = _line("grid", LEFT, y, WIDTH - RIGHT, y)
    return f'{line}<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'


def _vertical(x: float, label: str) -> str:
    base = HEIGHT - BOTTOM
    line = _line("axis", x, base, x, base + 5)
    return f'{line}<text x="{x}" y="{base + 20}" text-anchor="middle">{label}</text>'


def _curve(kind: str, width: float, points: Sequence[Point]) -> str:
    joined = " ".join(f"{x},{y}" for x, y in points)
    return f'<polyline class="{kind}" stroke-width="{width}" stroke-linejoin="round" points="{joined}"/>'


def _labels(title: str) -> list[str]:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return [
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">step</text>',
        f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">'
        "bits per character</text>",
    ]


def _legend(training: bool, validation: bool, names: tuple[str, str]) -> list[str]:
    shown = [
        (kind, name)
        for kind, name, there in zip(("training", "validation"), names, (training, validation), strict=True)
        if there
    ]
    starts = [WIDTH - RIGHT - 110 * (len(shown) - i) for i in range(len(shown))]
    return [
        f'<line class="{kind}" stroke-width="2.5" x1="{x}" y1="20" x2="{x + 24}" y2="20"/>'
        f'<text x="{x + 32}" y="24">{name}</text>'
        for (kind, name), x in zip(shown, starts, strict=True)
    ]
