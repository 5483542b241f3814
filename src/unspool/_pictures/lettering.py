"""Words in a picture: their estimated width, cut to a width, and escaped for XML."""

import re
import unicodedata
from html import escape

ELLIPSIS, UNREADABLE = "…", "\ufffd"
NARROW, WIDE = frozenset("ijlftrI.,:;|!'()[]{}/- "), frozenset("mwMW@%—…")
FORBIDDEN = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # in XML 1.0; slow to compile


def text_width(text: str, size: float = 13.0) -> float:
    """Return the width of a text in pixels, an estimate on the high side: viewers choose the font.

    Args:
        text: Any text.
        size: Font size in pixels.
    """
    return size * sum(map(_ems, text))


def cut(text: str, width: float, size: float = 13.0) -> str:
    """Return a text on one line that fits into a width, with an ellipsis in place of its end.

    Args:
        text: Any text; a character that cannot be printed is replaced by a mark.
        width: The available width in pixels.
        size: Font size in pixels.
    """
    line = "".join(letter if letter.isprintable() else UNREADABLE for letter in " ".join(text.split()))
    if text_width(line, size) <= width:
        return line
    room, end = width - text_width(ELLIPSIS, size), 0
    while end < len(line) and (room := room - text_width(line[end], size)) >= 0:
        end += 1
    return line[:end].rstrip() + ELLIPSIS


def escaped(text: str) -> str:
    """Return a text for XML, in quotes and outside them."""
    return escape(re.sub(FORBIDDEN, UNREADABLE, text))


def _ems(letter: str) -> float:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0.0
    if letter in NARROW:
        return 0.42
    if letter in WIDE or unicodedata.east_asian_width(letter) in "WF":
        return 1.0 if letter < "\U0001f000" else 1.35
    return 0.76 if letter.isupper() else 0.64
