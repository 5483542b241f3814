r"""Bytes -> text, a block at a time: gzip, UTF-8, byte order marks and line ends.

Only a few blocks are in memory, however large the file is. Only ``\n``, ``\r\n`` and a lone
``\r`` end a line, and all three come out as ``\n``; U+2028 and its like are ordinary characters.
"""

import codecs
import io
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from unspool._errors import CorpusError

BLOCK = 1 << 20  # bytes read at once; with smaller blocks, threads wait for each other more often
PIECE = 1 << 20  # characters of a piece of a long text
LONGEST_UNCUT = 16 * PIECE  # characters without a place to cut; no real text has as many
LEAST_TO_JUDGE = 64  # bytes that are needed to judge by their zeros whether they are text
LINE_END = 10  # the line feed, as a byte
GZIP_MAGIC = b"\x1f\x8b"
WRAPPED_GZIP = 16 + zlib.MAX_WBITS  # makes zlib expect the header and the checksum of gzip

STRANGE_STARTS = {
    codecs.BOM_UTF16_LE: "it looks like UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)",
    codecs.BOM_UTF16_BE: "it looks like UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)",
    b"PK\x03\x04": "it looks like a zip archive or an office file: export it as plain text or CSV",
    b"BZh": "it looks like bzip2: unpack it first, or use gzip",
    b"\xfd7zXZ": "it looks like xz: unpack it first, or use gzip",
    b"\x28\xb5\x2f\xfd": "it looks like zstd: unpack it first, or use gzip",
    b"%PDF": "it looks like PDF: convert it to plain text first",
    b"PAR1": "it looks like Parquet: say format='parquet' (--format parquet)",
    b"ARROW1": "it looks like Feather: say format='feather' (--format feather)",
    b"\x89PNG": "it looks like a picture",
}


class Meter:
    """A counter of the bytes that are read from files.

    Attributes:
        done: Number of bytes read in this pass.
        total: Number of bytes of all files.
        report: Function that is called with `done` and `total` after each block, or None.
    """

    def __init__(self) -> None:
        self.done, self.total = 0, 0
        self.report: Callable[[int, int], None] | None = None

    def begin(self, total: int) -> None:
        """Begin a pass over `total` bytes."""
        self.done, self.total = 0, total

    def add(self, count: int) -> None:
        """Add the number of bytes read, and report it."""
        self.done += count
        if self.report is not None:
            self.report(min(self.done, self.total), self.total)


@dataclass(frozen=True)
class FilePlace:
    """A place that bytes can be read from: a file or standard input.

    Args:
        name: The name in messages: the path as the user wrote it.
        open: Function that opens the place for reading bytes.
        gzipped: Whether the suffix of the name is that of gzip data.
        meter: Counts the bytes that are read, or None.
    """

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    gzipped: bool = False
    meter: Meter | None = None


def file_place(path: Path, meter: Meter | None = None) -> FilePlace:
    """Return the place of a file."""
    return FilePlace(str(path), lambda: path.open("rb"), gzipped=path.suffix == ".gz", meter=meter)


def standard_input() -> FilePlace:
    """Return the place of standard input; it is an error to open it a second time."""
    spent = False

    def take() -> AbstractContextManager[BinaryIO]:
        nonlocal spent
        if spent or sys.stdin is None:
            problem = "it has been read already" if spent else "there is none"
            raise CorpusError("standard input can be read once", got=problem, hint="save it to a file first")
        spent = True
        return nullcontext(sys.stdin.buffer)

    return FilePlace("standard input", take)


@contextmanager
def refuse_unreadable(name: str) -> Iterator[None]:
    """Convert an error of the operating system about a file to a CorpusError."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CorpusError(f"{name} cannot be read", got=reason, hint="check its path and rights") from error


def text_blocks(place: FilePlace) -> Iterator[str]:
    r"""Read a place as text.

    Gzip data is recognized by its first two bytes, which no UTF-8 text begins with, so it can also come
    through standard input.

    Args:
        place: The file or standard input.

    Yields:
        Pieces of text of any length, with ``\n`` line ends and without a byte order mark.

    Raises:
        CorpusError: If the place cannot be opened, has a byte that is not UTF-8, or has broken gzip data.
    """
    with refuse_unreadable(place.name), place.open() as file:
        blocks = _read_blocks(file, place.meter)
        first = next(blocks, b"")
        if first.startswith(GZIP_MAGIC):
            yield from _decode(place.name, b"", _gunzip(place.name, first, blocks))
        elif place.gzipped and first:
            hint = "take .gz off its name if it is plain text"
            raise CorpusError(place.name, expected="gzip data", got=repr(first[:4]), hint=hint)
        else:
            yield from _decode(place.name, first, blocks)


def lines_of(blocks: Iterator[str], *, piece: int = PIECE) -> Iterator[tuple[str, bool]]:
    r"""Cut text into lines.

    Args:
        blocks: Text in blocks, with ``\n`` line ends.
        piece: Number of characters from which a line is yielded in pieces.

    Yields:
        A line without its line end and True, or a piece of a long line and False.
    """
    rest = ""
    for block in blocks:
        *whole, rest = (rest + block).split("\n")
        for line in whole:
            yield line, True
        while len(rest) >= piece and (cut := place_to_cut(rest)):
            yield rest[:cut], False
            rest = rest[cut:]
    if rest:
        yield rest, True


def pieces_of(blocks: Iterator[str], *, piece: int = PIECE) -> Iterator[tuple[str, bool]]:
    """Cut a document into pieces.

    A piece ends where a word begins, or at the start of a line if one is near. So words and runs of white
    space stay whole, and the normalized pieces together are the normalized document.

    Args:
        blocks: Text in blocks.
        piece: Number of characters of a piece; the last may be shorter, the others have half to twice as
            many.

    Yields:
        A piece, and whether the document ends with it; nothing if there is no text.
    """
    rest = ""
    for block in blocks:
        rest += block
        while len(rest) >= piece and (cut := place_to_cut(rest)):
            yield rest[:cut], False
            rest = rest[cut:]
    if rest:
        yield rest, True


def _read_blocks(file: BinaryIO, meter: Meter | None) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        if meter is not None:
            meter.add(len(block))
        yield block


def _gunzip(name: str, first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack gzip data, which may have several members in a row, a block at a time."""
    engine = zlib.decompressobj(WRAPPED_GZIP)
    block = first
    try:
        while block:
            if engine.eof and (block := block.lstrip(b"\0")):  # there may be zeros after the end
                engine = zlib.decompressobj(WRAPPED_GZIP)
            if not engine.eof:
                if text := engine.decompress(block, BLOCK):
                    yield text
                block = engine.unconsumed_tail or engine.unused_data
            block = block or next(blocks, b"")
        while text := b"" if engine.eof else engine.decompress(b"", BLOCK):
            yield text
    except zlib.error as error:
        raise CorpusError(
            f"{name}: broken gzip data", got=str(error), hint="copy or download it again"
        ) from None
    if not engine.eof:
        hint = "copy or download it again"
        raise CorpusError(f"{name}: broken gzip data", got="an end before the data is complete", hint=hint)


def _decode(name: str, first: bytes, blocks: Iterator[bytes]) -> Iterator[str]:
    """Decode UTF-8 and unify the line ends; the error for a wrong byte names its line and offset."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)
    bytes_read, lines_read, after_return, begun = 0, 0, False, False
    block = first or next(blocks, b"")
    start = block[:8]
    _refuse_zeros(name, block)
    while True:
        bytes_read += len(block)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line = lines_read + _line_ends(error.object[: error.start], after_return) + 1
            offset = bytes_read - len(error.object) + error.start
            raise _wrong_byte(name, line, offset, error, start) from None
        lines_read += _line_ends(block, after_return)
        after_return = block.endswith(b"\r")
        if text:
            yield text if begun else text.removeprefix("\ufeff")
            begun = True
        if not block:
            return
        block = next(blocks, b"")


def _refuse_zeros(name: str, first: bytes) -> None:
    """Refuse valid UTF-8 that is not text: UTF-16 without its mark, or a device full of zeros."""
    zeros = first.count(0)
    if len(first) >= LEAST_TO_JUDGE and 4 * zeros >= len(first):
        unknown = "it looks like UTF-16 without a byte order mark, or a binary file: save it as UTF-8"
        hint = _strange_start(first) or unknown
        got = f"{zeros:,} bytes of zero among the first {len(first):,}"
        raise CorpusError(name, expected="text", got=got, hint=hint)


def _line_ends(data: bytes, after_return: bool) -> int:
    split = after_return and data.startswith(b"\n")  # a line end in two blocks counts in the first
    # four times as fast as bytes.count
    ends = int(np.count_nonzero(np.frombuffer(data, np.uint8) == LINE_END))
    if b"\r" in data:
        ends += data.count(b"\r") - data.count(b"\r\n")
    return ends - split


def _strange_start(start: bytes) -> str | None:
    """Return a hint on the kind of file that begins like this, or None if it is unknown."""
    return next((hint for magic, hint in STRANGE_STARTS.items() if start.startswith(magic)), None)


def _wrong_byte(name: str, line: int, offset: int, error: UnicodeDecodeError, start: bytes) -> CorpusError:
    wrong = error.object[error.start]
    binary = "it looks like a binary file" if 0 in error.object else None
    hint = _strange_start(start) or binary or "save it as UTF-8 (from Latin-1: iconv -f ISO-8859-1 -t UTF-8)"
    what = f"{name}, line {line}, byte {offset}: not UTF-8"
    return CorpusError(what, got=f"0x{wrong:02X} ({error.reason})", hint=hint)


def place_to_cut(text: str) -> int | None:
    """Find a place to cut a long text so that each side can be read alone.

    The place is in the second half: the start of a line, or else the start of a word, or else a character
    that does not join the one before it.

    Returns:
        The number of characters before the place, or None if there is no such place yet.

    Raises:
        CorpusError: If more than 16 pieces of text have no place to cut.
    """
    last, least = len(text) - 1, len(text) // 2
    for mark in ("\n", " "):
        place = text.rfind(mark, least, last)
        while place >= 0 and text[place + 1].isspace():
            place = text.rfind(mark, least, place)
        if place >= 0:
            return place + 1
    nearest = (place for place in range(last, max(least, last - 4096), -1) if _stands_alone(text[place]))
    alone = next(nearest, None)
    if alone is None and len(text) > LONGEST_UNCUT:
        raise CorpusError(
            f"more than {LONGEST_UNCUT:,} characters that all join the one before",
            expected="text",
            hint="is it a file of another kind?",
        )
    return alone


def _stands_alone(character: str) -> bool:
    """Return whether no normalization form joins a character to the text before it or moves it there."""
    first = unicodedata.normalize("NFKD", character)[0]
    marks = unicodedata.category(first).startswith("M")
    jamo = "\u1100" <= first <= "\u11ff" and not "\uac00" <= character <= "\ud7a3"
    recent = "\U00010000" <= character < "\U0001f000"  # scripts whose vowel signs may count as letters
    return not (marks or jamo or recent or unicodedata.combining(first))
