"""A sweep as a picture: bits per character against time, and against parameters.

One colour and one mark for each cell; the best configuration is drawn strong, the others faint. Each
curve and mark shows its configuration under the pointer.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from unspool._errors import spelled
from unspool._pictures.canvas import Canvas, Point
from unspool._pictures.colours import BLUE, GREEN, GREY, ORANGE
from unspool._pictures.panel import Panel
from unspool._pictures.scale import Scale
from unspool._sweeping.results import Run, Sweep, SweepOutcome
from unspool._sweeping.space import label, varying

MARKS = {"rnn": ("diamond", GREEN), "lstm": ("circle", BLUE), "gru": ("square", ORANGE)}
SHOWN = 0.9  # share of the values on the vertical axis; the worst values are above the picture
BITS = "bits per character"

Drawn = tuple[SweepOutcome, str, bool]  # with its label, and whether it is drawn strong


def draw_sweep(sweep: Sweep) -> str:
    """Return both panels as an SVG document.

    Args:
        sweep: The result of a sweep.
    """
    named = varying([outcome.configuration for outcome in sweep.outcomes])
    # The better ones are on top of the others.
    drawn = [(each, _tip(each, named), each is sweep.best) for each in reversed(sweep.outcomes)]
    note = f"best: {label(sweep.best.configuration, named)} (drawn strong)" if sweep.best else ""
    seen = f"Bits per character against time and against parameters. {sweep.verdict}"
    canvas = Canvas(f"Sweep of {spelled(Path(sweep.description).name)}", note=note, description=seen)
    cells = {str(outcome.configuration["cell"]): _mark(outcome) for outcome in sweep.outcomes}
    stopped = "" if all(outcome.complete for outcome in sweep.outcomes) else "stopped early"
    signs = [(shape, colour, cell) for cell, (shape, colour) in sorted(cells.items())]
    canvas.legend([*signs, ("cross", GREY, stopped)])
    _against_time(canvas, drawn)
    _against_parameters(canvas, [each for each in drawn if each[0].complete])
    return canvas.svg()


def mean_curve(runs: Sequence[Run]) -> list[Point]:
    """Return the mean curve of several trainings, evaluation by evaluation, as long as the shortest."""
    points = zip(*(run.curve for run in runs), strict=False)
    return [(fmean(x for x, _ in each), fmean(y for _, y in each)) for each in points]


def _against_time(canvas: Canvas, outcomes: Sequence[Drawn]) -> None:
    curves = [mean_curve(outcome.complete or outcome.runs) for outcome, _, _ in outcomes]
    points = [point for curve in curves for point in curve]
    across, up = Scale.over((x for x, _ in points), zero=True), _better([y for _, y in points])
    panel = Panel(canvas, across, up, names=("seconds of learning", BITS))
    for (outcome, tip, strong), curve in zip(outcomes, curves, strict=True):
        colour = _mark(outcome)[1]
        panel.curve(curve, colour, width=3 if strong else 1.3, faint=not strong, tip=tip)
        if curve and not outcome.complete:
            panel.mark("cross", curve[-1], colour)


def _against_parameters(canvas: Canvas, complete: Sequence[Drawn]) -> None:
    outcomes = [outcome for outcome, _, _ in complete]
    places = [(each.parameters or 1, each.bits_per_character or 0.0, each.spread or 0.0) for each in outcomes]
    up = _better([end for _, bits, spread in places for end in (bits - spread, bits + spread)])
    across = Scale.logarithm((size for size, _, _ in places), margin=0.1)
    panel = Panel(canvas, across, up, names=("parameters", BITS), height=232)
    for (size, bits, spread), (outcome, tip, strong) in zip(places, complete, strict=True):
        shape, colour = _mark(outcome)
        panel.span((size, bits - spread), (size, bits + spread), colour)
        panel.mark(shape, (size, bits), colour, size=7 if strong else 4, tip=tip)


def _better(values: Sequence[float]) -> Scale:
    """Return a scale for the better part of values, so that a few bad values do not flatten the rest."""
    ordered = sorted(filter(math.isfinite, values))
    return Scale.over(ordered[: math.ceil(SHOWN * (len(ordered) - 1)) + 1], margin=0.08)


def _mark(outcome: SweepOutcome) -> tuple[str, str]:
    """Return the shape and the colour of a cell, which can be recognized without colours too."""
    return MARKS.get(str(outcome.configuration["cell"]), ("square", GREY))


def _tip(outcome: SweepOutcome, named: Sequence[str]) -> str:
    bits = outcome.bits_per_character
    figure = outcome.state if bits is None else f"{bits:.4f}"
    return f"{label(outcome.configuration, named)}: {figure}"
