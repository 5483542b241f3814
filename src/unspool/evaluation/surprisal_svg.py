"""Texts coloured by surprisal as one SVG picture that reads well on light and on dark pages."""

from collections.abc import Iterator, Sequence
from html import escape

from unspool.configuration import check
from unspool.evaluation.character_grid import (
    LEVELS,
    NO_PICTURE,
    GridCell,
    MeasuredText,
    cells_of,
    reads_right_to_left,
    rows_of,
    visual_order,
)

MOST_CHARACTERS = 50_000  # of all texts: a viewer has to hold an element for each
COLUMNS = 80
COLUMN, ROW, GAP = 10, 24, 8  # pixels: of a cell, and between two texts
LEFT, RIGHT, TOP, BOTTOM = 88, 24, 92, 16
WIDTH = LEFT + COLUMNS * COLUMN + RIGHT

# From level 1 on: the colour of the box, and of the text in it (4.5 : 1 at the least).
COLOURS = (
    ("#bcd9cb", "#000000"), ("#b5d28c", "#000000"), ("#e6d368", "#000000"), ("#f0b04c", "#000000"),
    ("#ec8443", "#000000"), ("#c93a2b", "#ffffff"), ("#8c1a5b", "#ffffff"),
)  # fmt: skip

# The first colour of the text can be read on white and on black, for viewers that know no dark mode.
# Every rule is of this picture alone, since a notebook puts several into one page.
STYLE = """
  .surprisal text { font: 13px system-ui, sans-serif; fill: #757575 }
  .surprisal .title { font-size: 15px; font-weight: 600 }
  .surprisal .c text { text-anchor: middle; white-space: pre;
    font: 16px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono", monospace }
  .surprisal .figure { text-anchor: end }
  .surprisal .mark { stroke: #888; stroke-width: 1.5 } .surprisal .replaced { stroke-dasharray: 2 2 }
  @media (prefers-color-scheme: light) { .surprisal text { fill: #333 } }
  @media (prefers-color-scheme: dark) { .surprisal text { fill: #ddd } }
""" + "".join(
    f"  .surprisal .b{level} rect {{ fill: {box} }} .surprisal .b{level} text {{ fill: {ink} }}\n"
    for level, (box, ink) in enumerate(COLOURS, start=1)
)


def surprisal_svg(surprisals: Sequence[MeasuredText], *, title: str | None = None) -> str:
    """Draw texts, one below the other, each character coloured by its surprisal.

    Characters stand in a grid, wide ones in two columns and marks on what they mark; hovering over one
    tells its figure. Scripts that are written from right to left stand in that order, their letters apart.

    Args:
        surprisals: The texts.
        title: Stands above the picture; None for a plain one.

    Returns:
        An SVG document.

    Raises:
        ConfigError: If the texts have more than `MOST_CHARACTERS` characters.
    """
    count = sum(len(one.text) for one in surprisals)
    within = f"texts of {MOST_CHARACTERS:,} characters at the most; choose some (--top N)"
    check("surprisals", f"{count:,} characters", within, count <= MOST_CHARACTERS)
    top = TOP
    parts: list[str] = []
    for one in surprisals:
        rows = rows_of(cells_of(one), COLUMNS) or [[]]
        parts += _text(one, rows, top)
        top += len(rows) * ROW + GAP
    noun = "text" if len(surprisals) == 1 else "texts"
    name = title or f"MeasuredText of {len(surprisals):,} {noun}"
    name = "".join(character if character.isprintable() else NO_PICTURE for character in name)
    return _document(name, _description(surprisals), [*_legend(name), *parts], top + BOTTOM)


def _text(one: MeasuredText, rows: Sequence[Sequence[GridCell]], top: int) -> Iterator[str]:
    figure = "–" if one.bits_per_character is None else f"{one.bits_per_character:.2f}"
    yield f'<text class="figure" x="{LEFT - 14}" y="{top + 17}">{figure}</text>'
    right_to_left = reads_right_to_left(one.text)
    for number, row in enumerate(rows):
        column = COLUMNS - sum(cell.width for cell in row) if right_to_left else 0
        for cell in visual_order(row, right_to_left=right_to_left):
            yield _cell(cell, LEFT + column * COLUMN, top + number * ROW)
            column += cell.width


def _cell(cell: GridCell, x: int, y: int) -> str:
    width = cell.width * COLUMN
    box = f'<rect x="{x}" y="{y}" width="{width}" height="{ROW - 2}"/>' if cell.level else ""
    character = (
        "" if cell.shown == " " else f'<text x="{x + width / 2:g}" y="{y + 17}">{escape(cell.shown)}</text>'
    )
    return (
        f'<g class="c b{cell.level}"><title>{escape(cell.label)}</title>{box}{character}'
        f"{_mark(cell, x, y, width)}</g>"
    )


def _mark(cell: GridCell, x: int, y: int, width: int) -> str:
    """Strike out what was dropped, and underline what was read as something else."""
    if cell.reading not in ("dropped", "replaced"):
        return ""
    height = y + (12 if cell.reading == "dropped" else ROW - 4)
    return f'<line class="mark {cell.reading}" x1="{x}" y1="{height}" x2="{x + width}" y2="{height}"/>'


def _legend(title: str) -> Iterator[str]:
    yield f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>'
    yield f'<text x="{LEFT}" y="60">bits per symbol</text>'
    edges = [0.0, *LEVELS]
    for level, least in enumerate(edges):
        x = LEFT + 120 + level * 64
        label = f"{least:g}–{edges[level + 1]:g}" if level < len(LEVELS) else f"≥ {least:g}"
        box = f'<rect x="{x}" y="44" width="58" height="{ROW}"/>' if level else ""
        yield f'<g class="c b{level}">{box}<text x="{x + 29}" y="61">{label}</text></g>'
    yield f'<text class="figure" x="{LEFT - 14}" y="60">bits/char</text>'


def _description(surprisals: Sequence[MeasuredText]) -> str:
    figures = [one.bits_per_character for one in surprisals if one.bits_per_character is not None]
    mean = f", {sum(figures) / len(figures):.2f} on average" if figures else ""
    return (
        "Each character stands on a colour that tells how surprising it is to the model, from none (below 1 "
        "bit) to dark purple (12 bits or more). The figure on the left of each text is its bits per "
        f"character{mean}. Symbols that were read as another one are underlined, dropped ones struck out."
    )


def _document(title: str, description: str, parts: Sequence[str], height: int) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" class="surprisal">'
    )
    names = f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
    return "\n".join([head, names, f"<style>{STYLE}</style>", *filter(None, parts), "</svg>\n"])
