"""A measured machine as an SVG picture: useful operations beside the machine's own rate, and writing."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from unspool.benchmarking.bench import OURS, PEER_FLOAT32, Bench, MeasuredSpeed, rate_precision
from unspool.benchmarking.turns import Spread, figure

WIDTH = 760
LEFT, RIGHT = 190, 170  # names stand on the left of the bars, figures on the right
BAR, GAP, HEADING = 14, 8, 34

# The first colours can be read on white and on black, for viewers that know no dark mode.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #757575 }
  .title { font-size: 15px; font-weight: 600 } .note { font-size: 12px }
  .own { fill: #3d86d6 } .peer { fill: #d9691c } .machine { fill: #8a8a8a }
  .spread, .peak { stroke: #888; stroke-width: 1.5 } .peak { stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: light) { text { fill: #333 } .spread { stroke: #222 } }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } .spread { stroke: #eee } }
"""


@dataclass(frozen=True)
class Bar:
    """One bar.

    Args:
        kind: "own", "peer" or "machine": its colour.
        value: Its length, median and ends.
        words: What stands after it.
    """

    kind: str
    value: Spread
    words: str


Row = tuple[str, Sequence[Bar]]


def draw_bench(found: Bench) -> str:
    """Draw both panels.

    Args:
        found: What was measured.

    Returns:
        An SVG document.
    """
    title = f"unspool {found.machine.versions.get('unspool', '')} on {found.machine.processor}"
    threads = "1 thread" if found.machine.threads == 1 else f"{found.machine.threads} threads"
    terms = f"{threads}, {found.machine.kernels} kernels, {found.machine.precision}; " + ", ".join(
        f"{name} {version}" for name, version in found.machine.versions.items() if name in ("numpy", "torch")
    )
    parts, y = [], 24
    parts.append(f'<text class="title" x="16" y="{y}">{escape(title)}</text>')
    parts.append(f'<text class="note" x="16" y="{y + 20}">{escape(terms)}</text>')
    y += 40
    for name, rows, peak in panels(found):
        drawn, y = _panel(name, rows, peak, y)
        parts += drawn
    parts += _legend(y + 16)
    height = y + 32
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>\n"])


def panels(found: Bench) -> list[tuple[str, list[Row], float | None]]:
    """List the panels: heading, rows, and where the machine's rate is drawn."""
    products: list[Row] = [
        (f"{rate.contender}, {rate.size}", [_product_bar(rate.precision, rate.gflops)])
        for rate in found.products
    ]
    rate = rate_precision(found.machine.precision)
    trained: list[Row] = [
        (_name(speed), _bars(speed, speed.operations / 1e9, _training_words)) for speed in found.training
    ]
    written: list[Row] = [(_name(speed), _bars(speed, 1.0, _writing_words)) for speed in found.generation]
    return [
        (f"Products and training, useful GFLOP/s; dashed: the machine's rate in {rate}",
         [*products, *trained], found.peak_gflops[rate]),
        ("Writing, characters a second (logarithmic)", written, None),
    ]  # fmt: skip


def _name(speed: MeasuredSpeed) -> str:
    return f"{speed.cell}, {speed.hidden_size} units, {speed.batch_size} ×"


def _product_bar(precision: str, value: Spread) -> Bar:
    return Bar("machine", value, f"{figure(value.median)} {precision}")


def _training_words(speed: MeasuredSpeed, contender: str, value: Spread) -> str:
    share = f", {100 * speed.share:.0f} %" if contender == OURS else ""
    way = " float32" if contender == PEER_FLOAT32 else ""
    return f"{figure(value.median)}{way}{share}"


def _writing_words(_speed: MeasuredSpeed, _contender: str, value: Spread) -> str:
    return figure(value.median)


def _bars(
    speed: MeasuredSpeed, factor: float, words: Callable[[MeasuredSpeed, str, Spread], str]
) -> list[Bar]:
    scaled = {
        name: Spread(factor * each.median, factor * each.low, factor * each.high, each.rounds)
        for name, each in speed.characters_per_second.items()
    }
    return [
        Bar("own" if name == OURS else "peer", value, words(speed, name, value))
        for name, value in scaled.items()
    ]


def _panel(name: str, rows: Sequence[Row], peak: float | None, top: int) -> tuple[list[str], int]:
    """Draw a panel, linear up to the greatest value where it has a peak, else logarithmic; give its end."""
    values = [bar.value for _, bars in rows for bar in bars]
    high, low = max(value.high for value in values), min(value.low for value in values)
    span = WIDTH - LEFT - RIGHT

    def length(value: float) -> float:
        if peak is not None:
            return round(span * value / high, 1)
        return round(span * (0.1 + 0.9 * math.log(value / low) / (math.log(high / low) or 1.0)), 1)

    parts = [f'<text class="title" x="16" y="{top + 20}">{escape(name)}</text>']
    y = top + HEADING
    for label, bars in rows:
        middle = y + BAR * len(bars) / 2 + 4
        parts.append(f'<text x="{LEFT - 8}" y="{middle:g}" text-anchor="end">{escape(label)}</text>')
        for bar in bars:
            parts += _bar(bar, y, length)
            y += BAR
        y += GAP
    if peak is not None:
        x = LEFT + length(peak)
        parts.append(
            f'<line class="peak" x1="{x:g}" y1="{top + HEADING - 4}" x2="{x:g}" y2="{y - GAP + 4}"/>'
        )
    return parts, y


def _bar(bar: Bar, y: int, length: Callable[[float], float]) -> list[str]:
    ends = [LEFT + length(value) for value in (bar.value.low, bar.value.high)]
    middle = y + BAR / 2
    return [
        f'<rect class="{bar.kind}" x="{LEFT}" y="{y + 1}" width="{length(bar.value.median):g}" '
        f'height="{BAR - 2}"/>',
        f'<line class="spread" x1="{ends[0]:g}" y1="{middle:g}" x2="{ends[1]:g}" y2="{middle:g}"/>',
        f'<text class="note" x="{ends[1] + 6:g}" y="{middle + 4:g}">{escape(bar.words)}</text>',
    ]


def _legend(y: int) -> list[str]:
    named = (("own", "unspool, with its share of the machine's rate"), ("peer", "PyTorch"),
             ("machine", "a product of matrices"))  # fmt: skip
    parts, x = [], 16
    for kind, words in named:
        parts.append(f'<rect class="{kind}" x="{x}" y="{y - 10}" width="12" height="12"/>')
        parts.append(f'<text class="note" x="{x + 18}" y="{y}">{escape(words)}</text>')
        x += 60 + 7 * len(words)
    return parts
