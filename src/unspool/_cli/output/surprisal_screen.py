"""Texts on a terminal in the colours of their surprisal, or with a digit below each character."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from unspool._evaluation.character_grid import LEVELS, GridCell, cells_of, rows_of
from unspool._pictures.colours import HEAT
from unspool._screen.drawing import output_console

if TYPE_CHECKING:
    from unspool._evaluation.surprisal import Surprisal

MARGIN = 9  # columns for the figure on the left
LEAST_COLUMNS = 20

# The colours of the letter and of its box, so that a text is readable on light and dark screens.
FULL = ("", *(f"{ink} on {box}" for box, ink in HEAT))
EIGHT = ("", "black on cyan", "black on cyan", "black on green", "black on yellow", "black on yellow",
         "white on red", "bold white on magenta")  # fmt: skip
MARKS = {"dropped": "strike dim", "replaced": "underline"}


class SurprisalScreen:
    """A printer of texts with the surprisal of each character.

    Args:
        console: The console; None for standard output. It has the colours of the terminal, and no colours if
            ``NO_COLOR`` is set or it is not a terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or output_console()
        system = self._console.color_system
        self._coloured = system is not None and not self._console.no_color
        self._styles = EIGHT if system in ("standard", "windows") else FULL
        self._columns = max(LEAST_COLUMNS, self._console.width - MARGIN - 1)

    def legend(self) -> None:
        """Print the meaning of the colours or the digits."""
        if not self._coloured:
            self._print(
                Text("bits/char  a digit is the whole bits of the character above it, 9 for 9 or more")
            )
            return
        line = Text("bits/char  bits per symbol ")
        for level, least in enumerate((0.0, *LEVELS)):
            most = f"–{LEVELS[level]:g}" if level < len(LEVELS) else "+"
            line.append(f" {least:g}{most} ", self._styles[level])
        self._print(line)

    def show(self, surprisal: "Surprisal") -> None:
        """Print a text in as many rows as it needs, its bits per character on the left."""
        value = surprisal.bits_per_character
        figure = "-" if value is None else f"{value:.2f}"
        for number, row in enumerate(rows_of(cells_of(surprisal), self._columns) or [[]]):
            margin = f"{figure if number == 0 else '':>{MARGIN - 2}}  "
            self._print(Text(margin).append_text(self._letters(row)))
            if not self._coloured:
                self._print(Text(" " * MARGIN + "".join(map(digit, row))))

    def _letters(self, row: list[GridCell]) -> Text:
        line = Text()
        for cell in row:
            style = f"{self._styles[cell.level]} {MARKS.get(cell.reading, '')}" if self._coloured else ""
            line.append(cell.shown, style.strip() or None)
        return line

    def _print(self, line: Text) -> None:
        self._console.print(line, soft_wrap=True)


def digit(cell: GridCell) -> str:
    """Return the digit of a cell's surprisal, in the width of the cell."""
    mark = "×" if cell.bits is None else str(min(9, int(cell.bits)))
    return f"{mark:<{cell.width}}"
