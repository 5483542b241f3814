"""What is read in an uploaded text."""

import time
import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from unspool._errors import CorpusError, InputError
from unspool._planning.mode import read_as_it_looks
from unspool._text.opening import as_records
from unspool._text.reading.decoding import BLOCK, GZIP_MAGIC, WRAPPED_GZIP
from unspool._text.reading.read_options import Column, Columns, ReadOptions
from unspool._text.reading.sources import SOURCES, columns_of_file
from unspool._text.records import Record, Records, normalized

MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 6, 40, 240  # of the first rows that are shown
ROWS_AHEAD = 50  # rows by which the column with the texts is guessed
TIME_TO_COUNT = 8.0  # seconds
TOGETHER = 1 << 16  # characters whose symbols are counted together
NORMALIZATION: Final = "NFC"
OF_READING = ("document", "header", "encoding")  # wishes that are options of `read_records` as they stand


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How a text is to be read, as far as somebody said so.

    Args:
        column: The column with the texts; None for the one that looks like it.
        label: The column that steers the texts, or None.
        document: Whether it is one document; None to decide by its look.
        header: Whether the first row names the columns; None to decide by its look.
        encoding: The encoding; None for UTF-8, or what a mark says.
        tokenizer: What one symbol is: a key of `TOKENIZERS`.
        minutes: The time for which a plan is made; None for no plan.
    """

    column: str | None = None
    label: str | None = None
    document: bool | None = None
    header: bool | None = None
    encoding: str | None = None
    tokenizer: str = "char"
    minutes: float | None = None

    def options(self) -> dict[str, Any]:
        """Return the options of `read_records`, without the columns."""
        return {name: value for name in OF_READING if (value := getattr(self, name)) is not None}


@dataclass
class Counts:
    """What is counted in a text.

    Args:
        texts: Number of texts.
        characters: Number of characters, as they are learnt.
        longest: Characters of the longest text.
        changed: Number of texts that the Unicode form changes.
        symbols: The different characters.
        complete: Whether all of it was counted in the time.
    """

    texts: int = 0
    characters: int = 0
    longest: int = 0
    changed: int = 0
    symbols: set[str] = field(default_factory=set)
    complete: bool = True


def what_was_read(path: Path, wishes: Wishes, *, most_bytes: int) -> dict[str, Any]:
    """Read a file, and return what stands in it, in plain JSON types.

    Args:
        path: The file.
        wishes: How it is to be read.
        most_bytes: Greatest size of a packed file once it is unpacked.

    Raises:
        InputError: If it cannot be read.
    """
    refuse_unpacked(path, most_bytes)
    reading = wishes.options()
    form, columns = columns_of_file(path, ReadOptions(**{**reading, "document": False}))
    rows = _first_rows(path, columns, reading)
    column, why = _text_column(columns, rows, wishes)
    if columns:
        reading |= {"text": column} | ({} if wishes.label is None else {"context": wishes.label})
    records, how = read_as_it_looks(partial(as_records, path), reading)
    counts, notes = _counted(path, {**reading, "document": records.document}, TIME_TO_COUNT)
    shown = [_cell(name) for name in columns[:MOST_COLUMNS]]
    return {
        "format": form,
        "packed": path.suffix == ".gz",
        "columns": shown,
        "column": None if column is None else str(column),
        "column_because": why,
        "header": _has_names(columns) if SOURCES[form].delimited else None,
        "rows": [row[:MOST_COLUMNS] for row in rows[:MOST_ROWS]] if columns else _first_texts(records),
        "document": records.document,
        "how": how,
        "texts": counts.texts,
        "characters": counts.characters,
        "longest": counts.longest,
        "symbols": len(counts.symbols),
        "normalization": NORMALIZATION,
        "normalized": counts.changed,
        "complete": counts.complete,
        "notes": notes,
    }


def refuse_unpacked(path: Path, most: int) -> None:
    """Refuse a file that gzip has packed, if it has more bytes than allowed once it is unpacked.

    Raises:
        CorpusError: If it has; a broken one is left to its reader.
    """
    with path.open("rb") as file:
        block, count = file.read(BLOCK), 0
        if not block.startswith(GZIP_MAGIC):
            return
        engine = zlib.decompressobj(WRAPPED_GZIP)
        try:
            while block:
                count += len(engine.decompress(block, BLOCK))
                if count > most:
                    expected = f"at most {most:,} bytes once it is unpacked"
                    raise CorpusError(f"{path.name} is too large", expected=expected)
                block = engine.unconsumed_tail or engine.unused_data or file.read(BLOCK)
                if engine.eof and block:
                    engine = zlib.decompressobj(WRAPPED_GZIP)
        except zlib.error:
            return


def _first_rows(path: Path, columns: Columns, reading: Mapping[str, Any]) -> list[list[str]]:
    """Return the cells of the first rows that are not blank; none of a file without columns."""
    if not columns:
        return []
    chosen = list(columns[:MOST_COLUMNS])
    options = {name: value for name, value in reading.items() if name != "document"}
    records = as_records(path, {**options, "text": chosen, "context": chosen})
    names = [name if isinstance(name, str) else f"column_{name}" for name in chosen]
    ahead = islice(iter(records), ROWS_AHEAD)
    return [[_cell(record.context.get(name, "")) for name in names] for record in ahead]


def _first_texts(records: Records) -> list[list[str]]:
    """Return the beginnings of the first texts, each as a row of one cell."""
    first: list[Record] = list(islice(iter(records), 1 if records.document else MOST_ROWS))
    longest = MOST_ROWS * LONGEST_CELL if records.document else LONGEST_CELL
    return [[_cell(record.text, longest)] for record in first]


def _cell(value: object, longest: int = LONGEST_CELL) -> str:
    text = str(value)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _has_names(columns: Columns) -> bool:
    return any(isinstance(column, str) for column in columns)


def _text_column(
    columns: Columns, rows: Sequence[Sequence[str]], wishes: Wishes
) -> tuple[Column | None, str | None]:
    """Return the column with the texts, and why: "chosen", "named", "only" or "longest"."""
    if wishes.column is not None:
        return wishes.column, "chosen"
    free = [column for column in columns if str(column) != wishes.label]
    if not free:
        return None, None
    if "text" in free:
        return "text", "named"
    if len(columns) == 1:
        return columns[0], "only"
    places = {column: number for number, column in enumerate(columns[:MOST_COLUMNS])}
    lengths = {column: sum(len(row[places[column]]) for row in rows) for column in free if column in places}
    return max(lengths, key=lambda column: lengths[column]), "longest"


def _counted(path: Path, reading: Mapping[str, Any], seconds: float) -> tuple[Counts, list[dict[str, Any]]]:
    """Count what stands in a file, for some seconds at most; also return what its reader says of it."""
    records = as_records(path, {**reading, "normalization": None})
    counts, waiting, length, size = Counts(), [], 0, 0
    end = time.monotonic() + seconds
    for record in records:
        text = record.text
        if not unicodedata.is_normalized(NORMALIZATION, text):
            counts.changed += 1
            text = normalized(text, NORMALIZATION)
        length += len(text)
        if record.ends:
            counts.texts, counts.longest, length = counts.texts + 1, max(counts.longest, length), 0
        counts.characters += len(text)
        waiting.append(text)
        size += len(text)
        if size > TOGETHER:
            counts.symbols.update("".join(waiting))
            waiting, size = [], 0
            if time.monotonic() > end:
                counts.complete = False
                break
    counts.symbols.update("".join(waiting))
    counts.texts += bool(length)
    counts.longest = max(counts.longest, length)
    if not counts.texts:
        raise CorpusError(f"{path.name}: no text found", expected="at least one text that is not blank")
    notes = records.notes.ended()
    return counts, [{"sentence": sentence, "warning": warning} for sentence, warning in notes.items()]


def problem_of(error: InputError | MemoryError) -> str:
    """Return in a sentence why a file cannot be read."""
    if isinstance(error, MemoryError):
        return "reading it needs more memory than a text may take here"
    return str(error)
