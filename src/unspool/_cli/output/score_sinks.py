"""The sinks for the rows of ``unspool score``: lines, JSON, a file, colours on the screen, a picture.

To add a kind of file, give its suffix a line in `FILES`.
"""

import csv
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from unspool._cli.output.new_files import whole_file
from unspool._cli.output.printing import json_for_stdout
from unspool._cli.output.score_rows import Row
from unspool._screen.wording import counted, one_line

Write = Callable[[Row], object]

LISTS = ("symbols", "bits", "spans", "replaced")
SECONDS_BETWEEN = 0.1
ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # made once, since it is slow


@contextmanager
def line_sink() -> Iterator[Write]:
    """Print a line for each text: its figures and the text itself, with tabs between."""

    def write(row: Row) -> None:
        sys.stdout.write(f"{figures(row)}\t{one_line(row['text'])}\n")

    yield write


def figures(row: Row) -> str:
    """Return the figures of a row in short, with tabs between."""
    shown = fixed(row["bits_per_character"])
    if "log_likelihood_ratio" in row:
        shown += f"\t{fixed(row['against_bits_per_character'])}\t{row['log_likelihood_ratio']:+.3f}"
    if "percentile" in row:
        least = "≥" if row["lower_bound"] else ""
        shown += f"\t{least}{guess(row)}\t{row['percentile']:.4g}%"
    return shown


def fixed(value: float | None) -> str:
    """Return a figure in words; a text without a known symbol has none."""
    return "-" if value is None else f"{value:.4f}"


def guess(row: Row) -> str:
    """Return a guess number in words, as a power of two if it is too large for a float."""
    if row["guess_number"] is None:
        return f"2^{row['log2_guess_number']:.0f}"
    return f"{row['guess_number']:.4g}"


@contextmanager
def json_sink(columns: Sequence[str], *, lists: bool) -> Iterator[Write]:
    """Print one JSON document, a list with an object for each text, as the texts come."""
    names = [*columns, *(LISTS if lists else ())]
    separator = "[\n  "

    def write(row: Row) -> None:
        nonlocal separator
        sys.stdout.write(separator + json_for_stdout(as_json(row, names)))
        separator = ",\n  "

    yield write
    print("[]" if separator.startswith("[") else "\n]")


def jsonl_writer(file: TextIO, columns: Sequence[str]) -> Write:
    """Write a JSON object a line."""
    return lambda row: file.write(as_json(row, columns) + "\n")


def as_json(row: Row, columns: Sequence[str]) -> str:
    """Return some columns of a row as a JSON object."""
    return ENCODE({name: row[name] for name in columns})


def csv_writer(file: TextIO, columns: Sequence[str]) -> Write:
    """Write columns with commas between."""
    return _columns(csv.writer(file, lineterminator="\n"), columns)


def tsv_writer(file: TextIO, columns: Sequence[str]) -> Write:
    """Write columns with tabs between."""
    return _columns(csv.writer(file, delimiter="\t", lineterminator="\n"), columns)


def _columns(rows: Any, columns: Sequence[str]) -> Write:
    return lambda row: rows.writerow([row[name] for name in columns])


FILES: dict[str, Callable[[TextIO, Sequence[str]], Write]] = {
    ".csv": csv_writer,
    ".tsv": tsv_writer,
    ".jsonl": jsonl_writer,
}
SEPARATORS = {".csv": ",", ".tsv": "\t"}  # of the kinds that begin with the names of the columns


@contextmanager
def file_sink(path: Path, columns: Sequence[str], *, lists: bool, begins: bool = True) -> Iterator[Write]:
    """Write a file that gets its name when it is complete.

    Args:
        path: The file.
        columns: The names of its columns.
        lists: Whether it has the figures of each symbol too.
        begins: Whether the file begins with the names, if its kind has them.
    """
    kind, names = path.suffix.lower(), [*columns, *(LISTS if lists else ())]
    with whole_file(path) as file:
        if begins and kind in SEPARATORS:
            file.write(SEPARATORS[kind].join(names) + "\n")
        yield FILES[kind](file, names)


@contextmanager
def svg_sink(path: Path, title: str) -> Iterator[Write]:
    """Collect texts and draw them all; too many are an error as soon as possible."""
    from unspool._evaluation.surprisal_svg import MOST_CHARACTERS, surprisal_svg
    from unspool._storage import atomic_write

    rows = []
    characters = 0

    def write(row: Row) -> None:
        nonlocal characters
        rows.append(surprisal_from(row))
        characters += len(row["text"])
        if characters > MOST_CHARACTERS:
            surprisal_svg(rows)  # raises if there are too many

    yield write
    atomic_write(path, surprisal_svg(rows, title=title))


@contextmanager
def screen_sink() -> Iterator[Write]:
    """Print each text in the colours of its surprisal."""
    from unspool._cli.output.surprisal_screen import SurprisalScreen

    screen = SurprisalScreen()
    screen.legend()
    yield lambda row: screen.show(surprisal_from(row))


def surprisal_from(row: Row) -> Any:
    """Return the surprisal of a text from its row."""
    import numpy as np

    from unspool._evaluation.surprisal import Surprisal

    return Surprisal(
        text=row["text"],
        symbols=tuple(row["symbols"]),
        bits=np.array(row["bits"], np.float32),
        spans=np.array(row["spans"], np.int64).reshape(-1, 2),
        replaced=np.array(row["replaced"], np.bool_),
        bits_per_character=row["bits_per_character"],
    )


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show the number and the rate of scored texts and characters on standard error.

    Args:
        shown: Whether standard error is a terminal.
    """
    if not shown:
        yield lambda texts, characters: None
        return
    from unspool._screen.drawing import task_line

    began, drawn = time.monotonic(), 0.0
    with task_line("scoring …", bar=False) as tell:

        def seen(texts: int, characters: int) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now - drawn >= SECONDS_BETWEEN:
                drawn = now
                rate = characters / max(now - began, 1e-3)
                read = f"{counted(texts, 'text')}, {characters:,} characters"
                tell(f"{read}, {rate:,.0f} characters/s", None, None)

        yield seen
