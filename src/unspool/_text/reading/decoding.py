r"""Bytes -> text, a block at a time: gzip, encodings, byte order marks and line ends.

Only a few blocks are in memory, however large the file is. Only ``\n``, ``\r\n`` and a lone
``\r`` end a line, and all three come out as ``\n``; U+2028 and its like are ordinary characters.
"""

import codecs
import io
import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import numpy as np

from unspool._errors import CorpusError
from unspool._text.reading.damage import DamageSigns
from unspool._text.reading.encodings import SAMPLE, candidates, marked_encoding, zeros_speak_for
from unspool._text.reading.places import FilePlace, Meter, refuse_unreadable

BLOCK = 1 << 20  # bytes read at once; with smaller blocks, threads wait for each other more often
PIECE = 1 << 20  # characters of a piece of a long text
LONGEST_UNCUT = 16 * PIECE  # characters without a place to cut; no real text has as many
LEAST_TO_JUDGE = 64  # bytes that are needed to judge by their zeros whether they are text
LINE_END = 10  # the line feed, as a byte
GZIP_MAGIC = b"\x1f\x8b"
CONTROL = re.compile("[\x00-\x08]")
UTF_8 = "utf-8"
WRAPPED_GZIP = 16 + zlib.MAX_WBITS  # makes zlib expect the header and the checksum of gzip

STRANGE_STARTS = {
    b"PK\x03\x04": "it looks like a zip archive or an office file: export it as plain text or CSV",
    b"BZh": "it looks like bzip2: unpack it first, or use gzip",
    b"\xfd7zXZ": "it looks like xz: unpack it first, or use gzip",
    b"\x28\xb5\x2f\xfd": "it looks like zstd: unpack it first, or use gzip",
    b"%PDF": "it looks like PDF: convert it to plain text first",
    b"PAR1": "it looks like Parquet: say format='parquet' (--format parquet)",
    b"ARROW1": "it looks like Feather: say format='feather' (--format feather)",
    b"\x89PNG": "it looks like a picture",
}


def text_blocks(place: FilePlace) -> Iterator[str]:
    r"""Read a place as text.

    Gzip data is recognized by its first two bytes, which no UTF-8 text begins with, so it can also come
    through standard input.

    Args:
        place: The file or standard input.

    Yields:
        Pieces of text of any length, with ``\n`` line ends and without a byte order mark.

    Raises:
        CorpusError: If the place cannot be opened, has a byte that its encoding does not have, or has broken
            gzip data.
    """
    with refuse_unreadable(place.name), place.open() as file:
        blocks = _read_blocks(file, place.meter)
        first = next(blocks, b"")
        if first.startswith(GZIP_MAGIC):
            yield from _decode(place, _gunzip(place.name, first, blocks))
        elif place.gzipped and first:
            hint = "take .gz off its name if it is plain text"
            raise CorpusError(place.name, expected="gzip data", got=repr(first[:4]), hint=hint)
        else:
            yield from _decode(place, chain([first], blocks))


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


def _decode(place: FilePlace, blocks: Iterator[bytes]) -> Iterator[str]:
    """Decode text and unify the line ends; say what looks damaged."""
    block = next(blocks, b"")
    encoding = place.encoding or marked_encoding(block) or UTF_8
    blocks = chain([block], blocks)
    signs, begun = DamageSigns(), False
    utf8 = encoding == UTF_8
    decoded = _decode_utf8(place, blocks, signs) if utf8 else _decode_other(place, blocks, encoding, signs)
    for text in decoded:
        if text:
            yield text if begun else text.removeprefix("\ufeff")
            begun = True
    place.notes.warn_of(signs.sentences(place.name))


def _decode_utf8(place: FilePlace, blocks: Iterator[bytes], signs: DamageSigns) -> Iterator[str]:
    """Decode UTF-8 and look for damage; the error for a wrong byte names its line and offset."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")(), translate=True)
    bytes_read, lines_read, after_return = 0, 0, False
    block = next(blocks, b"")
    start, foreign, before = block[:8], False, b""
    _refuse_zeros(place.name, block)
    while True:
        bytes_read += len(block)
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            line = lines_read + _line_ends(error.object[: error.start], after_return) + 1
            offset = bytes_read - len(error.object) + error.start
            foreign = foreign or not error.object[: error.start].isascii()
            # at the end of the file, the decoder has but the last bytes
            around = error.object if block else before
            at = len(around) - len(error.object) + error.start
            wrong = WrongByte(error, around, at, foreign=foreign)
            raise wrong.refusal(f"{place.name}, line {line}, byte {offset}", start) from None
        lines_read += _line_ends(block, after_return)
        after_return = block.endswith(b"\r")
        plain = text.isascii()
        foreign = foreign or not plain
        if not plain or "\x1b" in text:
            signs.look(text, block)
        yield text
        if not block:
            return
        before = block[-SAMPLE:]
        block = next(blocks, b"")


def _decode_other(
    place: FilePlace, blocks: Iterator[bytes], encoding: str, signs: DamageSigns
) -> Iterator[str]:
    """Decode text of any encoding and look for damage; the error for a wrong byte names its line."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    lines_read, begun = 0, False
    for block in chain(blocks, [b""]):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeError as error:
            before, got = b"", str(error)
            if isinstance(error, UnicodeDecodeError):
                before = error.object[: error.start]
                got = f"0x{error.object[error.start]:02X} ({error.reason})"
            line = lines_read + before.decode(encoding, "replace").count("\n") + 1
            hint = "choose another --encoding, in Python encoding=..., or leave it out for UTF-8"
            raise CorpusError(f"{place.name}, line {line}: not {encoding}", got=got, hint=hint) from None
        if not begun:
            _refuse_binary(place.name, block, text)
        begun = begun or bool(text)
        lines_read += text.count("\n")
        if not text.isascii():
            signs.look(text, None)
        yield text


def _refuse_binary(name: str, first: bytes, text: str) -> None:
    """Refuse a file that is not text, though its encoding has every byte."""
    _refuse_zeros(name, text.encode("utf-8", "replace"))
    kind = _strange_start(first)
    if kind is not None and CONTROL.search(text):
        raise CorpusError(name, expected="text", got=repr(first[:8]), hint=kind)


def _refuse_zeros(name: str, first: bytes) -> None:
    """Refuse valid UTF-8 that is not text: UTF-16 without its mark, or a device full of zeros."""
    zeros = first.count(0)
    if len(first) >= LEAST_TO_JUDGE and 4 * zeros >= len(first):
        got = f"{zeros:,} bytes of zero among the first {len(first):,}"
        raise CorpusError(name, expected="text", got=got, hint=_strange_start(first) or _zeros_hint(first))


def _zeros_hint(data: bytes) -> str:
    """Return what to do about bytes of which many are zero."""
    likely = zeros_speak_for(data)
    if likely is None:
        return "it looks like a binary file"
    return (
        f"it looks like UTF-16 without a byte order mark: --encoding {likely}, in Python encoding={likely!r}"
    )


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


@dataclass(frozen=True)
class WrongByte:
    """A byte that is not UTF-8.

    Args:
        error: The error of the decoder.
        around: The bytes around it.
        place: Its place in them.
        foreign: Whether there are other characters than ASCII before it, which were UTF-8.
    """

    error: UnicodeDecodeError
    around: bytes
    place: int
    foreign: bool

    def refusal(self, where: str, start: bytes) -> CorpusError:
        """Return the error for the byte.

        Args:
            where: Its place in the file, for messages.
            start: The first bytes of the file.
        """
        got = f"0x{self.around[self.place]:02X} ({self.error.reason})"
        return CorpusError(f"{where}: not UTF-8", got=got, hint=_strange_start(start) or self._advice())

    def _advice(self) -> str:
        """Return what to do about the bytes, from the evidence in them."""
        if 0 in self.around:
            return _zeros_hint(self.around)
        if self.foreign:
            return "the text before it is UTF-8: look at this place, which is damaged or of another encoding"
        likely = candidates(self.around, self.place)
        if not likely:
            return "say what it is: --encoding NAME, in Python encoding=..., any text encoding of Python"
        read = " or ".join(f"--encoding {name} reads {excerpt!r}" for name, excerpt in likely)
        return f"{read}; in Python encoding={likely[0][0]!r}"


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
