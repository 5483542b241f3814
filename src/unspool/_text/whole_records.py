"""Whole records of those that come in pieces."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from unspool._text.records import Record


def whole_records(records: Iterable[Record]) -> Iterator[Record]:
    """Yield whole records, also of records in pieces; the first piece has the context of the text."""
    pieces: list[Record] = []
    for record in records:
        if record.ends and not pieces:
            yield record
            continue
        pieces.append(record)
        if record.ends:
            yield _joined(pieces)
            pieces = []
    if pieces:
        yield _joined(pieces)


def _joined(pieces: list[Record]) -> Record:
    return replace(pieces[0], text="".join(piece.text for piece in pieces), ends=True)
