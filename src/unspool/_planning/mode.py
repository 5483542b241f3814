"""Decide from the beginning of a plain text whether it is lines or one document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from unspool._screen.wording import counted
from unspool._tables.corpus import table_records
from unspool._text.opening import Readable, as_records, held_out_records
from unspool._text.records import Records

LOOK = 1 << 18  # characters of the beginning that are examined
PARAGRAPHS = 0.05  # share of empty lines above which they separate paragraphs
LONG_LINE = 2_000  # mean characters of a line above which the text is one document


@dataclass(frozen=True)
class Mode:
    """The way in which a plain text is read.

    Args:
        document: Whether it is one document, rather than a text per line.
        reason: The reason, in a sentence without its full stop.
    """

    document: bool
    reason: str


def told_mode(text: str) -> Mode:
    """Return how a plain text is read, by its beginning.

    Empty lines separate paragraphs, verses and speeches, which continue each other; lists have none. A line
    of thousands of characters is a document by itself.

    Args:
        text: The beginning of the text, with its line ends.
    """
    lines = text[:LOOK].strip().split("\n")
    filled = [line for line in lines if line and not line.isspace()]
    empty = 1 - len(filled) / len(lines)
    mean = sum(map(len, filled)) / max(1, len(filled))
    length = counted(round(mean), "character")
    if filled and empty >= PARAGRAPHS:
        return Mode(True, f"one document, since {empty:.0%} of its lines are empty")
    if mean >= LONG_LINE:
        return Mode(True, f"one document, since its lines are long ({length} on average)")
    few = "few are" if empty else "none is"
    return Mode(False, f"a text per line, since its lines are short ({length}) and {few} empty")


def read_to_learn(
    records: Readable,
    validation: Readable | None,
    reading: Mapping[str, Any],
    decided: Mapping[str, Any] | None,
    *,
    look: bool,
    share: float | None = None,
) -> tuple[Records, Records | None, str | None]:
    """Return the texts to learn from, the held-out ones, and why they are one document.

    Args:
        records: The texts.
        validation: The held-out texts, which are read as those to learn from; None for none.
        reading: The options of `read_records`.
        decided: What an earlier part of the run decided on reading; None for a new run.
        look: Whether the look of a plain text decides between lines and document, unless `document` is given.
        share: Share of the rows of a table to hold out.
    """
    if (table := reading.get("table", False)) is not False:
        options = {name: value for name, value in reading.items() if name != "table"}
        return *table_records(records, table, options, fraction=share, validation=validation), None
    if isinstance(records, Records) or (decided is None and (not look or "document" in reading)):
        return as_records(records, reading), held_out_records(validation, reading), None
    if decided is not None:
        return read_to_learn(records, validation, {**decided, **reading}, None, look=False)
    corpus, how = read_as_it_looks(partial(as_records, records), reading)
    held_out = held_out_records(validation, {**reading, "document": corpus.document})
    return corpus, held_out, how.rstrip(".") if corpus.document else None


def read_as_it_looks(
    read: Callable[[Mapping[str, Any]], Records], reading: Mapping[str, Any]
) -> tuple[Records, str]:
    """Read a corpus that will be read twice; the look of a plain text decides between lines and document.

    Args:
        read: A function that returns the records of the corpus by options of `read_records`.
        reading: The options that the user gave; with `document` among them, nothing is decided.

    Returns:
        The records, and a sentence on how they are read and why.
    """
    records = read(reading)
    once = records.once
    if once:
        records = records.gathered()
    if "document" in reading:
        return records, f"Read as {kind(records)}, as given."
    if records.lines is None or once:
        return records, f"Read as {kind(records)}: use --document for one long document."
    whole = read({**reading, "document": True})
    mode = told_mode(next(iter(whole)).text)
    return whole if mode.document else records, f"Read as {mode.reason}."


def kind(records: Records) -> str:
    """Return the kind of the records in words."""
    return "one document" if records.document else "separate texts"
