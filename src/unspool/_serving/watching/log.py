"""The lines of a run's metrics.jsonl, read as they come.

The file grows while the run trains, is cut back when the run is resumed, and may be replaced or removed at
any time. A position in it is its offset with a hash of the bytes before: whoever comes back with one learns
whether what he has seen still stands there, after a restart of the server too.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from unspool._serving.watching.figures import Figures
from unspool._storage import open_regular
from unspool._training.folder.metrics import BEGIN

CHUNK = 1 << 20  # bytes that are read at once
LONGEST_LINE = 1 << 20
MOST_READ = 1 << 28  # bytes of a file that nobody has read yet: of a longer one the beginning is left out
TAIL = 256  # bytes before a position that are hashed
ENDLESS = 1 << 62
READ = json.JSONDecoder().raw_decode
REST = 0.002  # seconds between two chunks, in which others may work


@dataclass(frozen=True)
class Position:
    """A place between two lines of the file.

    Args:
        offset: Number of bytes before it.
        tail: Hash of the last of them.
    """

    offset: int = 0
    tail: str = ""

    def __str__(self) -> str:
        """Return it as one word."""
        return f"{self.offset}-{self.tail}"


START = Position()


def position_of(word: str) -> Position | None:
    """Return the position that a word says; None if it says none."""
    offset, _, tail = word.partition("-")
    if not (offset.isascii() and offset.isdecimal() and len(offset) < 16 and len(tail) <= 16):
        return None
    return Position(int(offset), tail)


@dataclass(frozen=True)
class News:
    """What is new in a file.

    Args:
        figures: The figures of the new lines, or of all.
        position: The position after them.
        anew: Whether these are the figures of the whole file, in place of all that was known.
    """

    figures: Figures
    position: Position
    anew: bool


class Log:
    """The figures of a run, brought up to date by reading what is new.

    Args:
        path: The file metrics.jsonl.

    Attributes:
        figures: The figures of all lines so far.
        position: The position after the last whole line.
        changed: When the file was last written to, in seconds since 1970; None if there is none.
        is_whole: Whether all was read that was there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] | None = None
        self.figures, self.position = Figures(), START
        self.changed: float | None = None
        self.is_whole = True

    @property
    def unread(self) -> int:
        """How many bytes there are that were not read."""
        stamp = stamp_of(self._path)
        return 0 if stamp is None else abs(stamp[1] - self.position.offset)

    def update(self, deadline: float = math.inf) -> News | None:
        """Read what is new; return None if nothing is.

        A file that is gone, or cannot be read, has no lines.

        Args:
            deadline: When to stop, by the monotonic clock; what is left is read the next time.
        """
        stamp = stamp_of(self._path)
        if stamp == self._stamp and self.is_whole:
            return None
        self._stamp, self.changed = stamp, None if stamp is None else stamp[0] / 1e9
        self.is_whole = True
        try:
            with open_regular(self._path) as file:
                news = self._read(file, deadline)
        except OSError:
            news = News(Figures(), START, anew=True)
        if news.anew and news.position == self.position == START:
            return None
        self.position = news.position
        if news.anew:
            self.figures = news.figures
        elif not news.figures.read:
            return None
        return news

    def _read(self, file: BinaryIO, deadline: float) -> News:
        follows = self.position != START and stands(file, self.position)
        offset = self.position.offset if follows else _first_line(file)
        fresh = Figures(self.figures if follows else None)
        for lines, end in _chunks(file, offset):
            offset = end
            for line in lines:
                _add(line, fresh, *([self.figures] if follows else []))
            if time.monotonic() >= deadline:
                self.is_whole = False
                break
        return News(fresh, Position(offset, _tail(file, offset)), anew=not follows)


def read_since(path: Path, position: Position, until: int) -> News | None:
    """Return the figures of the lines after a position; None if what was before it stands there no more.

    Args:
        path: The file metrics.jsonl.
        position: The position.
        until: The offset of the end, which is one of a line.
    """
    try:
        with open_regular(path) as file:
            if position == START or position.offset > until or not stands(file, position):
                return None
            figures, offset = Figures(), position.offset
            for lines, end in _chunks(file, offset, until):
                offset = end
                for line in lines:
                    _add(line, figures)
            return News(figures, Position(offset, _tail(file, offset)), anew=False)
    except OSError:
        return None


def stands(file: BinaryIO, position: Position) -> bool:
    """Return whether the bytes before a position are those that it was made of."""
    size = os.fstat(file.fileno()).st_size
    return position.offset <= size and _tail(file, position.offset) == position.tail


def _tail(file: BinaryIO, offset: int) -> str:
    if not offset:
        return ""
    begin = max(0, offset - TAIL)
    file.seek(begin)
    return hashlib.blake2b(file.read(offset - begin), digest_size=8).hexdigest()


def stamp_of(path: Path) -> tuple[int, ...] | None:
    """Return what changes with a file, the time of its last change first; None if it cannot be looked at."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_ctime_ns


def _first_line(file: BinaryIO) -> int:
    """Return where the part of a file that is read begins: 0 but for a file that is too large."""
    size = os.fstat(file.fileno()).st_size
    if size <= MOST_READ:
        return 0
    file.seek(size - MOST_READ)
    return file.tell() + len(file.readline(LONGEST_LINE))


def _chunks(file: BinaryIO, begin: int, until: int = ENDLESS) -> Iterator[tuple[list[bytes], int]]:
    """Yield whole lines, many at a time, with the offset after them; a last one without an end is not."""
    file.seek(begin)
    left, offset = b"", begin
    while chunk := file.read(min(CHUNK, until - file.tell())):
        *lines, left = (left + chunk).split(b"\n")
        if not lines and len(left) > LONGEST_LINE:  # no line at all: it is left out up to its end
            offset += len(left)
            left = b""
            continue
        offset += sum(map(len, lines)) + len(lines)
        yield lines, offset
        if len(chunk) == CHUNK:
            time.sleep(REST)


def _add(line: bytes, *to: Figures) -> None:
    """Add a line to figures: all of it, or what stands after the half line of a process that was killed."""
    part = line[max(line.rfind(BEGIN), 0) :]
    record: Any = None
    if len(part) <= LONGEST_LINE:
        try:
            record, end = READ(text := part.decode("utf-8"))  # much faster than `json.loads`
            record = None if text[end:].strip() else record
        except (ValueError, RecursionError):
            record = None
    for figures in to:
        figures.read += 1
        figures.broken += part != line
        figures.add(record if isinstance(record, dict) else {})
