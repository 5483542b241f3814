"""A text as cells of a grid, each a character with its surprisal, for pictures and terminals."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EOS = "<eos>"  # how the end of a text is shown among its symbols
Reading = Literal["known", "replaced", "dropped", "end"]

LEVELS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)  # bits where a new colour begins; below the first there is none
LINE_END, TAB, END, NO_PICTURE = "⏎", "⇥", "∎", "\ufffd"
JOINERS = "\u200c\u200d"  # the second makes one emoji of two
FLAG_LETTERS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two of them are one flag
LONGEST_CLUSTER = 32


class MeasuredText(Protocol):
    """A text with the surprisal of each of its symbols; `unspool.evaluation.surprisal.Surprisal` is one."""

    @property
    def text(self) -> str:
        """The text."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """Its symbols."""
        ...

    @property
    def bits(self) -> NDArray[np.float32]:
        """The surprisal of each symbol.  # (N,)."""
        ...

    @property
    def spans(self) -> NDArray[np.int64]:
        """Where each symbol begins and ends in the text.  # (N, 2)."""
        ...

    @property
    def replaced(self) -> NDArray[np.bool_]:
        """Whether another symbol was read in its place.  # (N,)."""
        ...

    @property
    def bits_per_character(self) -> float | None:
        """All bits over the characters."""
        ...


@dataclass(frozen=True, slots=True)
class GridCell:
    """Hold one character as people see it, with the marks that stand on it.

    Args:
        shown: What to write; it cannot steer a terminal and XML can hold it.
        width: Columns that it takes, 1 or 2.
        bits: Surprisal of the symbols that it belongs to, together; None where it was dropped.
        reading: How the model read it: as it is, as another symbol, or not at all; or the end of the text.
        label: What it is and how surprising, in words.
        ends_line: Whether a new line begins after it.
    """

    shown: str
    width: int
    bits: float | None
    reading: Reading
    label: str
    ends_line: bool = False

    @property
    def level(self) -> int:
        """Give the number of its colour: 0 for the least surprising, and for what was dropped."""
        return 0 if self.bits is None else sum(self.bits >= least for least in LEVELS)


def cells_of(surprisal: MeasuredText) -> list[GridCell]:
    """Lay a text out as cells; the last is the end of the text where that was asked for."""
    owners: list[list[int]] = [[] for _ in surprisal.text]  # the symbols that each character belongs to
    for number, (begin, end) in enumerate(surprisal.spans.tolist()):
        for owned in owners[begin:end]:
            owned.append(number)
    bits = surprisal.bits.tolist()
    cells = [
        _cell(surprisal, begin, end, list(dict.fromkeys(chain(*owners[begin:end]))), bits)
        for begin, end in _clusters(surprisal.text)
    ]
    if len(surprisal.spans) and surprisal.symbols[-1] == EOS and _is_empty(surprisal.spans[-1].tolist()):
        cells.append(GridCell(END, 1, bits[-1], "end", f"end of the text, {bits[-1]:.2f} bits"))
    return cells


def rows_of(cells: Sequence[GridCell], columns: int) -> list[list[GridCell]]:
    """Break cells into rows: where a line ends, and at spaces so that none is wider than `columns`."""
    rows: list[list[GridCell]] = [[]]
    for cell in cells:
        if rows[-1] and sum(c.width for c in rows[-1]) + cell.width > columns:
            spaces = [place for place, c in enumerate(rows[-1], start=1) if c.shown == " "]
            cut = spaces[-1] if spaces else len(rows[-1])
            rows.append(rows[-1][cut:])
            del rows[-2][cut:]
        rows[-1].append(cell)
        if cell.ends_line:
            rows.append([])
    return [row for row in rows if row]


def visual_order(row: Sequence[GridCell], *, right_to_left: bool) -> list[GridCell]:
    """Put cells in the order in which they stand from left to right.

    Runs of a script that is written from right to left are turned around, which is the heart of the
    Unicode Bidirectional Algorithm (UAX #9); its embeddings and mirrored brackets are left aside.
    """
    base = "R" if right_to_left else "L"
    strong = [_direction(cell) for cell in row]
    sides: list[str] = []
    for place, side in enumerate(strong):
        before = sides[-1] if sides else base
        after = next((s for s in strong[place:] if s != "N"), base)
        sides.append(side if side != "N" else before if before == after else base)
    runs: list[tuple[str, list[GridCell]]] = []
    for cell, side in zip(row, sides, strict=True):
        if not runs or runs[-1][0] != side:
            runs.append((side, []))
        runs[-1][1].append(cell)
    ordered = reversed(runs) if right_to_left else runs
    return [cell for side, run in ordered for cell in (reversed(run) if side == "R" else run)]


def reads_right_to_left(text: str) -> bool:
    """Tell whether the first letter of a text is of a script that is written from right to left."""
    sides = (unicodedata.bidirectional(character) for character in text)
    return next((side for side in sides if side in ("L", "R", "AL")), "L") != "L"


def _cell(text: MeasuredText, begin: int, end: int, read: list[int], bits: list[float]) -> GridCell:
    written = text.text[begin:end]
    name = _name(written)
    if not read:
        label = f"{name}, not known and dropped"
        return GridCell(_shown(written), _width(written), None, "dropped", label, written == "\n")
    total = sum(bits[owner] for owner in read)
    replaced = bool(text.replaced[read].any())
    symbol = "".join(text.symbols[owner] for owner in read)
    names = (f"{name}, read as {_name(symbol)}" if replaced else _name(symbol)) + f", {total:.2f} bits"
    reading: Reading = "replaced" if replaced else "known"
    return GridCell(_shown(written), _width(written), total, reading, names, written == "\n")


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each character as people see it begins and ends: marks stay on what they mark."""
    begin = 0
    for place in range(1, len(text)):
        if not _joins(text[begin:place], text[place]):
            yield begin, place
            begin = place
    if text:
        yield begin, len(text)


def _joins(cluster: str, character: str) -> bool:
    if len(cluster) == LONGEST_CLUSTER or unicodedata.category(cluster[-1]) == "Cc":
        return False
    if character in JOINERS:
        return True
    if cluster[-1] == JOINERS[1] or "\U0001f3fb" <= character <= "\U0001f3ff":
        return unicodedata.category(cluster[0]) == "So"  # parts of one emoji
    if character in FLAG_LETTERS:
        return len(cluster) == 1 and cluster in FLAG_LETTERS
    jamo = "\u1160" <= character <= "\u11ff"
    return jamo or unicodedata.category(character) in ("Mn", "Me", "Mc")


def _shown(cluster: str) -> str:
    """Write a cluster so that it can do no harm: control characters as pictures or a mark."""
    if cluster in ("\n", "\r"):
        return LINE_END
    if cluster == "\t":
        return TAB
    first = cluster[0]
    category = unicodedata.category(first)
    if category == "Cc" and ord(first) < 0x20:
        return chr(0x2400 + ord(first))
    if first == "\x7f":
        return "\u2421"
    if category in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"):
        return NO_PICTURE
    return " " if category == "Zs" and len(cluster) == 1 else cluster if category[0] != "M" else "◌" + cluster


def _width(cluster: str) -> int:
    if cluster[0] in FLAG_LETTERS:
        return len(cluster)
    wide = any(unicodedata.east_asian_width(character) in "WF" for character in cluster)
    return 2 if wide or "\ufe0f" in cluster else 1


def _name(symbol: str) -> str:
    """Name a symbol in a label: as it is where that can be read, else by its numbers."""
    if symbol.isprintable() and not symbol.isspace() and unicodedata.category(symbol[0])[0] != "M":
        return f"“{symbol}”"
    return {" ": "space", "\n": "line end", "\t": "tab"}.get(
        symbol, " ".join(f"U+{ord(character):04X}" for character in symbol)
    )


def _direction(cell: GridCell) -> str:
    side = unicodedata.bidirectional(cell.shown[0])
    return "R" if side in ("R", "AL") else "L" if side in ("L", "EN", "AN") else "N"


def _is_empty(span: list[int]) -> bool:
    return span[0] == span[1]
