"""A sweep as an SVG picture: bits per character against time, and against parameters.

One colour and one mark for each cell; the best configuration is drawn strong, the others faint, and every
curve and every mark names its configuration to the pointer that rests on it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean

from unspool.sweeping.results import Run, Sweep, SweepOutcome
from unspool.sweeping.space import label, varying
from unspool.training.folder.loss_curve import Point, ticks

WIDTH, HEIGHT = 720, 736
LEFT, RIGHT = 64, 24
PANELS = ((48, 340), (424, 684))  # top and bottom of each
COLOURS = {"rnn": "#2e9e6b", "lstm": "#3d86d6", "gru": "#d9691c"}
SHOWN = 0.9  # share of the values that the vertical axis must hold; what is worse lies above the picture

# The first colours can be read on white and on black, for viewers that know no dark mode.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #757575 }
  .title { font-size: 15px; font-weight: 600 } .note { font-size: 12px }
  .grid { stroke: #888; stroke-opacity: 0.3 } .axis { stroke: #888 }
  .curve { fill: none; stroke-linejoin: round; stroke-width: 1.3; stroke-opacity: 0.45 }
  .best { stroke-width: 3; stroke-opacity: 1 } .spread { stroke-width: 1.5 }
  @media (prefers-color-scheme: light) { text { fill: #333 } }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


@dataclass(frozen=True)
class Axis:
    """Place values on a line of the picture.

    Args:
        low: Value at the start.
        high: Value at the end, above the low one.
        start: Coordinate of the low value.
        end: Coordinate of the high value.
        logarithmic: Whether equal factors are equally far.
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Give the coordinate of a value."""
        scale: Callable[[float], float] = math.log if self.logarithmic else float
        share = (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return round(self.start + share * (self.end - self.start), 1)

    def marks(self) -> list[float]:
        """Choose round values to write beside it."""
        if not self.logarithmic:
            return ticks(self.low, self.high, 6)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        every = [factor * 10.0**power for power in powers for factor in (1, 2, 5)]
        return [value for value in every if self.low <= value <= self.high]


def draw_sweep(sweep: Sweep) -> str:
    """Draw both panels.

    Args:
        sweep: What was found out.

    Returns:
        An SVG document.
    """
    named = varying([outcome.configuration for outcome in sweep.outcomes])
    title = f"Sweep of {sweep.description}"
    ordered = list(reversed(sweep.outcomes))  # the better ones lie on top of the others
    parts = [
        *_frame(),
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        *_against_time(ordered, sweep.best, named),
        *_against_parameters(ordered, sweep.best, named),
        *_legend(sweep.outcomes),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>\n"])


def mean_curve(runs: Sequence[Run]) -> list[Point]:
    """Average the curves of several trainings, evaluation by evaluation; the shortest ends it."""
    points = zip(*(run.curve for run in runs), strict=False)
    return [(fmean(x for x, _ in each), fmean(y for _, y in each)) for each in points]


def _against_time(
    found: Sequence[SweepOutcome], best: SweepOutcome | None, named: Sequence[str]
) -> list[str]:
    top, bottom = PANELS[0]
    curves = {id(outcome): mean_curve(outcome.complete or outcome.runs) for outcome in found}
    points = [point for curve in curves.values() for point in curve]
    across = Axis(0, max((x for x, _ in points), default=1.0) or 1.0, LEFT, WIDTH - RIGHT)
    up = _values_axis([y for _, y in points], top, bottom)
    parts = _axes(across, up, PANELS[0], "seconds of learning", lambda value: f"{value:g}")
    for outcome in found:
        curve = [(across.place(x), up.place(y)) for x, y in curves[id(outcome)]]
        joined = " ".join(f"{x},{y}" for x, y in curve)
        kind, colour = "curve best" if outcome is best else "curve", _colour(outcome)
        parts.append(
            f'<polyline class="{kind}" stroke="{colour}" clip-path="url(#upper)" points="{joined}">'
            f"{_tip(outcome, named)}</polyline>"
        )
        if curve and not outcome.complete:
            parts.append(_cross(*curve[-1], colour))
    return parts


def _against_parameters(
    found: Sequence[SweepOutcome], best: SweepOutcome | None, named: Sequence[str]
) -> list[str]:
    top, bottom = PANELS[1]
    placed = [(each.parameters or 1, each.bits_per_character or 0.0, each) for each in found if each.complete]
    sizes = [size for size, _, _ in placed] or [1]
    across = Axis(min(sizes) / 1.3, max(sizes) * 1.3, LEFT, WIDTH - RIGHT, logarithmic=True)
    ends = [bits + sign * (each.spread or 0.0) for _, bits, each in placed for sign in (-1, 1)]
    up = _values_axis(ends, top, bottom)
    parts = _axes(across, up, PANELS[1], "parameters", lambda value: f"{value:,.0f}")
    for size, bits, outcome in placed:
        x, y, colour = across.place(size), up.place(bits), _colour(outcome)
        spread = outcome.spread or 0.0
        parts.append(
            f'<g clip-path="url(#lower)">{_tip(outcome, named)}'
            f'<line class="spread" stroke="{colour}" x1="{x}" x2="{x}" y1="{up.place(bits + spread)}" '
            f'y2="{up.place(bits - spread)}"/>{_mark(outcome, x, y, 7 if outcome is best else 4)}</g>'
        )
    if best is not None:
        name = escape(label(best.configuration, named))
        parts.append(f'<text class="note" x="{LEFT}" y="{top - 10}">the large mark: {name}</text>')
    return parts


def _values_axis(values: Sequence[float], top: int, bottom: int) -> Axis:
    """Span the better part of the values, so that a few bad ones do not press the rest flat."""
    ordered = sorted(values) or [0.0, 1.0]
    low, high = ordered[0], ordered[math.ceil(SHOWN * (len(ordered) - 1))]
    margin = 0.08 * (high - low) or 0.1
    return Axis(max(0.0, low - margin), high + margin, bottom, top)


def _frame() -> list[str]:
    boxes = zip(("upper", "lower"), PANELS, strict=True)
    return [
        f'<clipPath id="{name}"><rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{bottom - top}"/></clipPath>'
        for name, (top, bottom) in boxes
    ]


def _axes(
    across: Axis, up: Axis, panel: tuple[int, int], name: str, say: Callable[[float], str]
) -> list[str]:
    top, bottom = panel
    parts = []
    for value in up.marks():
        y = up.place(value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    for value in across.marks():
        x = across.place(value)
        parts.append(
            f'<line class="axis" x1="{x}" y1="{bottom}" x2="{x}" y2="{bottom + 5}"/>'
            f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{say(value)}</text>'
        )
    return [
        *parts,
        f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 40}" text-anchor="middle">{name}</text>',
        f'<text transform="translate(18 {(top + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        "bits per character</text>",
    ]


def _legend(found: Sequence[SweepOutcome]) -> list[str]:
    cells = {str(outcome.configuration["cell"]): outcome for outcome in reversed(found)}
    return [
        f"{_mark(outcome, WIDTH - RIGHT - 70 * (len(cells) - i) + 8, 20, 5)}"
        f'<text x="{WIDTH - RIGHT - 70 * (len(cells) - i) + 20}" y="24">{escape(cell)}</text>'
        for i, (cell, outcome) in enumerate(sorted(cells.items()))
    ]


def _colour(outcome: SweepOutcome) -> str:
    return COLOURS.get(str(outcome.configuration["cell"]), "#8a5cc2")


def _mark(outcome: SweepOutcome, x: float, y: float, r: float) -> str:
    """Draw a circle, a square or a diamond, so that cells are told apart without colours too."""
    colour, cell = _colour(outcome), outcome.configuration["cell"]
    if cell == "gru":
        return f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}" fill="{colour}"/>'
    if cell == "rnn":
        h = round(1.4 * r, 1)
        return f'<path d="M{x} {y - h:.1f} l{r} {h} l{-r} {h} l{-r} {-h} z" fill="{colour}"/>'
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{colour}"/>'


def _cross(x: float, y: float, colour: str) -> str:
    lines = f"M{x - 4:.1f} {y - 4:.1f} l8 8 m-8 0 l8 -8"
    return f'<path clip-path="url(#upper)" d="{lines}" stroke="{colour}" stroke-width="2"/>'


def _tip(outcome: SweepOutcome, named: Sequence[str]) -> str:
    bits = outcome.bits_per_character
    figure = outcome.state if bits is None else f"{bits:.4f}"
    return f"<title>{escape(label(outcome.configuration, named))}: {figure}</title>"
