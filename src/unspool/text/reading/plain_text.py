"""Plain text: each line a record, or all of it one document."""

from collections.abc import Iterator

from unspool.text.reading.columns import Rows
from unspool.text.reading.decoding import FilePlace, lines_of, pieces_of, text_blocks
from unspool.text.reading.read_options import ReadOptions
from unspool.text.records import Record, normalized


def read_text(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read plain text: each line that is more than white space a record, or all of it as one document.

    A document keeps its empty lines; it and very long lines come in pieces of about a million characters.
    """
    if options.document:
        for piece, ends in pieces_of(text_blocks(place)):
            yield Record(normalized(piece, options.normalization), ends=ends)
        return
    whole = True
    for line, ends in lines_of(text_blocks(place)):
        if not whole or (line and not line.isspace()):
            yield Record(normalized(line, options.normalization), ends=ends)
            whole = ends


def write_text(rows: Rows) -> bytes:
    """Write the column ``text`` of rows, a line each."""
    return "".join(f"{row['text'] or ''}\n" for row in rows).encode()
