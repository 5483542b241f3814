"""Tables on standard output: drawn to the terminal's width, or tab-separated where there is no terminal."""

import sys
from collections.abc import Iterable, Sequence

from unspool._screen.connections import fitted
from unspool._screen.wording import one_line


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Sequence[int] = (),
    section: int | None = None,
) -> None:
    """Print a table.

    Args:
        headings: Names of the columns.
        rows: Cells as text.
        right: Numbers of the columns that are aligned on the right.
        section: Number of rows between two empty lines on a terminal; None for no empty lines.
    """
    if not sys.stdout.isatty():
        for row in [headings, *rows]:
            print("\t".join(map(one_line, row)))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from unspool._screen.drawing import output_console

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number in right else "left", overflow="fold")
    for number, row in enumerate(rows, start=1):
        ends = section is not None and number % section == 0
        table.add_row(*(Text(one_line(cell)) for cell in row), end_section=ends)
    output_console().print(table)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values, a line for each, the values in one column."""
    rows = list(facts)
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        print(fitted(f"{name:<{width}}  {one_line(value)}", sys.stdout, indent=width + 2))
