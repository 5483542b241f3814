"""A text as cells of a grid, each a character with its surprisal, for pictures and terminals."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EOS = "<eos>"  # the name of the end of a text among its symbols
Reading = Literal["known", "replaced", "dropped", "end"]

LEVELS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)  # bits at which a new colour begins; none below the first
LINE_END, TAB, END, NO_PICTURE = "⏎", "⇥", "∎", "\ufffd"
JOINERS = "\u200c\u200d"  # the second joins two emojis into one
FLAG_LETTERS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))  # two of them make one flag
LONGEST_CLUSTER = 32


class MeasuredText(Protocol):
    """A text with the surprisal of each of its tokens; `unspool._evaluation.surprisal.Surprisal` is one."""

    @property
    def text(self) -> str:
        """Return the text."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return its tokens, by their spelling."""
        ...

    @property
    def bits(self) -> NDArray[np.float32]:
        """Return the surprisal of each token.  # (N,)."""
        ...

    @property
    def spans(self) -> NDArray[np.int64]:
        """Return where each token begins and ends in the text.  # (N, 2)."""
        ...

    @property
    def replaced(self) -> NDArray[np.bool_]:
        """Return which tokens replace an unknown symbol of the text.  # (N,)."""
        ...

    @property
    def bits_per_character(self) -> float | None:
        """Return all bits over the characters."""
        ...


@dataclass(frozen=True, slots=True)
class GridCell:
    """One character as people see it, with its combining marks.

    Args:
        shown: The characters to show; they cannot control a terminal, and XML can store them.
        width: Number of columns, 1 or 2.
        bits: Total surprisal of the tokens that it belongs to; None if it was dropped.
        reading: How the model read it: "known", "replaced" by another symbol, or "dropped"; "end" is the end
            of the text.
        label: A description of the character and its surprisal, in words.
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
        """Return the number of its colour: 0 for the least surprising, and for dropped characters."""
        return 0 if self.bits is None else sum(self.bits >= least for least in LEVELS)


def cells_of(surprisal: MeasuredText) -> list[GridCell]:
    """Return the cells of a text; the last is the end of the text, if the end counts."""
    owners: list[list[int]] = [[] for _ in surprisal.text]  # the tokens that each character belongs to
    for number, (begin, end) in enumerate(surprisal.spans.tolist()):
        for token_numbers in owners[begin:end]:
            token_numbers.append(number)
    bits = surprisal.bits.tolist()
    cells = [
        _cell(surprisal, begin, end, list(dict.fromkeys(chain(*owners[begin:end]))), bits)
        for begin, end in _clusters(surprisal.text)
    ]
    if len(surprisal.spans) and surprisal.symbols[-1] == EOS and _is_empty(surprisal.spans[-1].tolist()):
        cells.append(GridCell(END, 1, bits[-1], "end", f"end of the text, {bits[-1]:.2f} bits"))
    return cells


def rows_of(cells: Sequence[GridCell], columns: int) -> list[list[GridCell]]:
    """Break cells into rows of at most `columns`: at line ends, and at spaces if possible."""
    rows: list[list[GridCell]] = [[]]
    for cell in cells:
        while rows[-1] and sum(c.width for c in rows[-1]) + cell.width > columns:  # the rest may be full, too
            spaces = [place for place, c in enumerate(rows[-1], start=1) if c.shown == " "]
            cut = spaces[-1] if spaces else len(rows[-1])
            rows.append(rows[-1][cut:])
            del rows[-2][cut:]
        rows[-1].append(cell)
        if cell.ends_line:
            rows.append([])
    return [row for row in rows if row]


def visual_order(row: Sequence[GridCell], *, right_to_left: bool) -> list[GridCell]:
    """Return cells in the order from left to right in which they are shown.

    Runs of a right-to-left script are reversed, which is the main part of the Unicode Bidirectional Algorithm
    (UAX #9). Its embeddings and mirrored brackets are ignored.
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
    """Return whether the first letter of a text belongs to a right-to-left script."""
    sides = (unicodedata.bidirectional(character) for character in text)
    return next((side for side in sides if side in ("L", "R", "AL")), "L") != "L"


def _cell(text: MeasuredText, begin: int, end: int, owners: list[int], bits: list[float]) -> GridCell:
    cluster = text.text[begin:end]
    name = _name(cluster)
    if not owners:
        label = f"{name}, not known and dropped"
        return GridCell(_shown(cluster), _width(cluster), None, "dropped", label, cluster == "\n")
    total = sum(bits[owner] for owner in owners)
    replaced = bool(text.replaced[owners].any())
    symbol = "".join(text.symbols[owner] for owner in owners)
    names = (f"{name}, read as {_name(symbol)}" if replaced else _name(symbol)) + f", {total:.2f} bits"
    reading: Reading = "replaced" if replaced else "known"
    return GridCell(_shown(cluster), _width(cluster), total, reading, names, cluster == "\n")


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each character as people see it: a letter with its combining marks."""
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
    """Return a cluster in a harmless form: control characters become pictures or a replacement mark."""
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
    """Return the name of a symbol in a label: the symbol if it is readable, else its code points."""
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
