"""Tables in HTML for notebooks: plain elements in the colours of the page, with everything escaped.

There is no script, no style sheet and no address in them, and no colour but the page's own, so that they can
be read on dark and on light pages. A text may be anything that a model wrote or a user gave: markup is
escaped, control characters and those that change the writing direction are shown, and formulas are not
typeset.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from unspool._screen.wording import safe

LONGEST_TEXT = 600  # characters of a cell
MOST_ROWS = 20
NOTHING = "–"

NOT_TYPESET = "tex2jax_ignore mathjax_ignore"  # what Jupyter's typesetting of formulas passes over
CELL = "padding:2px 10px;vertical-align:top"
LEFT = f"{CELL};text-align:left;white-space:pre-wrap;overflow-wrap:anywhere"
RIGHT = f"{CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"
BAR = "background:currentColor;opacity:0.4;height:0.8em;min-width:1px"
TRACK = f"{LEFT};min-width:12em"


@dataclass(frozen=True)
class Share:
    """A cell with a bar.

    Args:
        value: The length of the bar as a share of the column, from 0 to 1.
    """

    value: float


@dataclass(frozen=True)
class Marked:
    """A cell with a text of which some parts are underlined.

    Args:
        text: The text.
        spans: The first character of each part and the one after its last, in order and apart.
        tip: The words that are shown to a pointer on a part.
    """

    text: str
    spans: Sequence[tuple[int, int]]
    tip: str


Cell: TypeAlias = str | int | float | Share | Marked | None


def html_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: str = "",
    count: int | None = None,
    notes: Iterable[str] = (),
) -> str:
    """Return a table as HTML.

    Args:
        heads: The names of the columns; none for no line of names.
        rows: The rows, of which at most `MOST_ROWS` are shown: texts, numbers, bars.
        title: The words above the table.
        count: Number of all rows, to say how many are left out; None if all are shown.
        notes: Sentences below the table.
    """
    shown = [list(row) for row, _ in zip(rows, range(MOST_ROWS), strict=False)]
    columns: list[tuple[Cell, ...]] = list(zip(*shown, strict=True)) if shown else [() for _ in heads]
    numbers = [bool(cells) and all(map(_is_number, cells)) for cells in columns]
    styles = [RIGHT if number else LEFT for number in numbers]
    head = "".join(
        _element("th", escape(safe(name)), style) for name, style in zip(heads, styles, strict=False)
    )
    lines = [f"<thead><tr>{head}</tr></thead>"] if heads else []
    lines += ["<tbody>", *map(_row, shown), "</tbody>"]
    left_out = 0 if count is None else count - len(shown)
    below = [*notes, *([f"… {left_out:,} more"] if left_out > 0 else [])]
    above = [f"<div><b>{escape(safe(title))}</b></div>"] if title else []
    table = ["<table>", *lines, "</table>"] if shown else []
    inside = [*above, *table, *(f"<div>{escape(safe(note))}</div>" for note in below)]
    return "\n".join([f'<div class="{NOT_TYPESET}">', *inside, "</div>"])


def together(*parts: str) -> str:
    """Return several pieces of HTML, one below the other."""
    return "\n".join(["<div>", *parts, "</div>"])


def _row(cells: Iterable[Cell]) -> str:
    return f"<tr>{''.join(map(_cell, cells))}</tr>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Share):
        width = max(0.0, min(1.0, cell.value))
        return _element("td", f'<div style="{BAR};width:{width:.1%}"></div>', TRACK)
    if isinstance(cell, Marked):
        return _element("td", "".join(_pieces(cell)), LEFT, ' dir="auto"')
    if isinstance(cell, str):
        return _element("td", _text(cell), LEFT, ' dir="auto"')
    return _element("td", spelled_number(cell), RIGHT)


def spelled_number(number: float | None) -> str:
    """Return a number as people read it, with a dash for one that is not known."""
    if number is None:
        return NOTHING
    if isinstance(number, bool):
        return "yes" if number else "no"
    return f"{number:,}" if isinstance(number, int) else f"{number:,.4g}"


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, int | float)


def _pieces(cell: Marked) -> Iterator[str]:
    place, tip = 0, escape(safe(cell.tip))
    for begin, last in cell.spans:
        end = min(last, LONGEST_TEXT)
        if begin < end:
            yield escape(safe(cell.text[place:begin]))
            yield f'<u title="{tip}"><b>{escape(safe(cell.text[begin:end]))}</b></u>'
            place = end
    yield escape(safe(cell.text[place:LONGEST_TEXT])) + _left_out(cell.text)


def _text(text: str) -> str:
    return escape(safe(text[:LONGEST_TEXT])) + _left_out(text)


def _left_out(text: str) -> str:
    return f"… ({len(text):,} characters)" if len(text) > LONGEST_TEXT else ""


def _element(tag: str, content: str, style: str, more: str = "") -> str:
    return f'<{tag} style="{style}"{more}>{content}</{tag}>'
