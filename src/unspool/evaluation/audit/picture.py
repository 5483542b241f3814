"""The lengths of copied spans as a small SVG picture that reads well on light and on dark pages."""

from collections.abc import Sequence
from html import escape

from unspool.evaluation.audit.lengths import edges_for, histogram

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 64, 52

# The first colours can be read on white and on black, for viewers that know no dark mode.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #757575 }
  .title { font-size: 15px; font-weight: 600 }
  .axis { stroke: #888 } .generated { fill: #3d86d6 } .held-out { fill: #d9691c }
  @media (prefers-color-scheme: light) { text { fill: #333 } }
  @media (prefers-color-scheme: dark) { text { fill: #ddd } }
"""


def draw_lengths(title: str, generated: Sequence[int], held_out: Sequence[int]) -> str:
    """Draw two histograms of copied lengths side by side.

    Args:
        title: Stands above the picture.
        generated: Longest copied span of each generated text, in characters.
        held_out: The same of each held-out text; may be empty.

    Returns:
        An SVG document.
    """
    edges = edges_for(generated, held_out)
    drawn = {"generated": histogram(generated, edges), "held-out": histogram(held_out, edges)}
    highest = max(max(shares) for shares in drawn.values()) or 1.0
    base, step = HEIGHT - BOTTOM, (WIDTH - LEFT - RIGHT) / len(edges)
    parts = [f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}"/>']
    for side, (name, shares) in enumerate(drawn.items()):
        for place, share in enumerate(shares):
            height = share / highest * (base - TOP)
            x = LEFT + step * (place + 0.1 + 0.4 * side)
            parts.append(
                f'<rect class="{name}" x="{x:.1f}" y="{base - height:.1f}" width="{0.4 * step:.1f}" '
                f'height="{height:.1f}"><title>{share:.1%}</title></rect>'
            )
    every = -(-len(edges) // 8)
    for place, edge in list(enumerate(edges))[::every]:
        parts.append(f'<text x="{LEFT + step * place:.1f}" y="{base + 18}">{edge}</text>')
    return _document(title, [*parts, *_labels(title, highest)])


def _labels(title: str, highest: float) -> list[str]:
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        f'<text x="{LEFT - 8}" y="{TOP + 5}" text-anchor="end">{highest:.0%}</text>',
        f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">longest span that stands in the training '
        "text, in characters</text>",
        f'<rect class="generated" x="{LEFT}" y="36" width="12" height="12"/>'
        f'<text x="{LEFT + 18}" y="47">generated texts</text>',
        f'<rect class="held-out" x="{LEFT + 150}" y="36" width="12" height="12"/>'
        f'<text x="{LEFT + 168}" y="47">held-out real texts</text>',
    ]


def _document(title: str, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'width="{WIDTH}" height="{HEIGHT}" role="img">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", *parts, "</svg>\n"])
