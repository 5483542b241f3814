"""The lengths of copied spans as a picture."""

from collections.abc import Sequence

from unspool._evaluation.audit.lengths import edges_for, histogram
from unspool._pictures.canvas import Canvas
from unspool._pictures.colours import BLUE, ORANGE
from unspool._pictures.panel import Panel
from unspool._pictures.scale import Scale
from unspool._screen.wording import counted

NAMES = ("characters of the longest span that a text shares with the training text", "% of the texts")


def draw_lengths(title: str, generated: Sequence[int], held_out: Sequence[int]) -> str:
    """Return two histograms of copied lengths, side by side, as an SVG document.

    Args:
        title: The title above the picture.
        generated: Longest copied span of each generated text, in characters.
        held_out: Longest copied span of each held-out text, in characters; may be empty.
    """
    edges = edges_for(generated, held_out)
    width = edges[1] - edges[0] if len(edges) > 1 else 1
    samples = [("generated texts", BLUE, generated), ("held-out real texts", ORANGE, held_out)]
    drawn = [(name, colour, histogram(lengths, edges)) for name, colour, lengths in samples if lengths]
    canvas = Canvas(title, description="How much generated and real texts share with the training text.")
    canvas.legend([("box", colour, name) for name, colour, _ in drawn])
    percent = [100 * share for _, _, shares in drawn for share in shares]
    across = Scale(edges[0] - 0.5, edges[-1] + width - 0.5, whole=True)
    panel = Panel(canvas, across, Scale.over(percent, zero=True), names=NAMES, height=200)
    bar = 0.8 * width / max(1, len(drawn))
    for side, (name, colour, shares) in enumerate(drawn):
        for edge, share in zip(edges, shares, strict=True):
            begin = edge - 0.5 + 0.1 * width + bar * side
            lengths = counted(edge, "character") if width == 1 else f"{edge} to {edge + width - 1} characters"
            tip = f"{name}, {lengths}: {share:.1%}"
            panel.bar(begin, begin + bar, 100 * share, colour, tip=tip)
    return canvas.svg()
