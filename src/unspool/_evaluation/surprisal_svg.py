"""One picture of texts, coloured by surprisal."""

from collections.abc import Iterator, Sequence

from unspool._configuration import check
from unspool._evaluation.character_grid import (
    LEVELS,
    GridCell,
    MeasuredText,
    cells_of,
    reads_right_to_left,
    rows_of,
    visual_order,
)
from unspool._pictures.canvas import Canvas, box, element, hint, line, text
from unspool._screen.wording import counted

MOST_CHARACTERS = 50_000  # in all texts: a viewer needs memory for an element for each
COLUMNS = 80
COLUMN, ROW, GAP = 10, 24, 8  # pixels: width and height of a cell, space between two texts
LEFT, RIGHT = 88, 24
WIDTH = LEFT + COLUMNS * COLUMN + RIGHT
FIGURE = LEFT - 14  # right end of a text's number
KEY = 64  # pixels of one level in the legend


def surprisal_svg(surprisals: Sequence[MeasuredText], *, title: str | None = None) -> str:
    """Return texts as an SVG document, one below the other, each character coloured by its surprisal.

    Characters stand in a grid: wide ones take two columns, and combining marks stay on their letter. The
    pointer on a character shows its number. Right-to-left scripts are shown in that order, with separate
    letters.

    Args:
        surprisals: The texts.
        title: The title above the picture; None for a general one.

    Raises:
        ConfigError: If the texts have more than `MOST_CHARACTERS` characters.
    """
    count = sum(len(one.text) for one in surprisals)
    within = f"texts of {MOST_CHARACTERS:,} characters at the most; choose some (--top N)"
    check("surprisals", counted(count, "character"), within, count <= MOST_CHARACTERS)
    name = title or f"Surprisal of {counted(len(surprisals), 'text')}"
    canvas = Canvas(name, description=_description(surprisals), width=WIDTH)
    canvas.add(*_legend(canvas.bottom + 10))
    canvas.bottom += ROW + 2 * GAP + 10
    for one in surprisals:
        rows = rows_of(cells_of(one), COLUMNS) or [[]]
        canvas.add(*_text(one, rows, canvas.bottom))
        canvas.bottom += len(rows) * ROW + GAP
    canvas.bottom += GAP
    return canvas.svg()


def _text(one: MeasuredText, rows: Sequence[Sequence[GridCell]], top: float) -> Iterator[str]:
    figure = "–" if one.bits_per_character is None else f"{one.bits_per_character:.2f}"
    yield text(FIGURE, top + 17, figure, "end")
    right_to_left = reads_right_to_left(one.text)
    for number, row in enumerate(rows):
        column = COLUMNS - sum(cell.width for cell in row) if right_to_left else 0
        for cell in visual_order(row, right_to_left=right_to_left):
            yield _cell(cell, LEFT + column * COLUMN, top + number * ROW)
            column += cell.width


def _cell(cell: GridCell, x: float, y: float) -> str:
    width = cell.width * COLUMN
    parts = [hint(cell.label)]
    if cell.level:
        parts.append(box((x, y), width, ROW - 2))
    if cell.shown != " ":
        parts.append(text(x + width / 2, y + 17, cell.shown, "code"))
    if cell.reading == "dropped":
        parts.append(line("span", (x, y + 12), (x + width, y + 12)))
    elif cell.reading == "replaced":
        parts.append(line("span dotted", (x, y + ROW - 4), (x + width, y + ROW - 4)))
    return element("g", "".join(parts), class_=f"heat{cell.level}")


def _legend(top: float) -> Iterator[str]:
    yield text(FIGURE, top + 17, "bits/char", "end")
    yield text(LEFT, top + 17, "bits per symbol")
    for level, least in enumerate((0.0, *LEVELS)):
        x = LEFT + 120 + level * KEY
        label = f"{least:g}–{LEVELS[level]:g}" if level < len(LEVELS) else f"≥ {least:g}"
        sample = box((x, top), KEY - 6, ROW) if level else ""
        words = text(x + (KEY - 6) / 2, top + 17, label, "middle")
        yield element("g", sample + words, class_=f"heat{level}")


def _description(surprisals: Sequence[MeasuredText]) -> str:
    figures = [one.bits_per_character for one in surprisals if one.bits_per_character is not None]
    mean = f", {sum(figures) / len(figures):.2f} on average" if figures else ""
    return (
        "Each character stands on a colour that tells how surprising it is to the model, from none (below 1 "
        "bit) to dark purple (12 bits or more). The figure on the left of each text is its bits per "
        f"character{mean}. Symbols that were read as another one are underlined, dropped ones struck out."
    )
