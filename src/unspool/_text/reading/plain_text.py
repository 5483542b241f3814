"""Plain text: each line is a record, or the whole file is one document."""

from collections.abc import Iterator

from unspool._text.reading.columns import Rows
from unspool._text.reading.decoding import lines_of, pieces_of, text_blocks
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.separated import read_separated
from unspool._text.records import Record, normalized


def read_text(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read plain text: each line that is more than white space as a record, or the file as one document.

    With `record_separator` in the options, this stands between the records; see `read_separated`. A document
    keeps its empty lines. A document or a very long line is read in pieces of about a million characters.
    """
    if options.record_separator is not None:
        yield from read_separated(place, options)
        return
    if options.document:
        for piece, ends in pieces_of(text_blocks(place)):
            yield Record(normalized(piece, options.normalization), ends=ends)
        return
    whole = True
    long = (
        f"{place.name}: a line of more than a million characters is one text (--document or --split cut it)"
    )
    for line, ends in lines_of(text_blocks(place)):
        if not whole or (line and not line.isspace()):
            yield Record(normalized(line, options.normalization), ends=ends)
            whole = ends
            if not ends:
                place.notes.say(long)


def write_text(rows: Rows) -> bytes:
    """Return the column ``text`` of rows as plain text, one row a line."""
    return "".join(f"{row['text'] or ''}\n" for row in rows).encode()
