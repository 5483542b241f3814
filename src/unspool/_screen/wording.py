"""Text that is safe on a terminal, words of a command, and numbers as people write them."""

import contextlib
import json
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar

from unspool._errors import spelled

OPTIONS: ContextVar[Callable[[str], str]] = ContextVar("OPTIONS", default=str)
LINE_END = "⏎"
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def safe(text: str) -> str:
    """Return a text with control characters as pictures, so that it cannot control the terminal.

    Line ends and tabs stay. Characters that change the writing direction are shown by their number, since
    they could make one text look like another.
    """
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def one_line(text: str) -> str:
    """Return a text on one line, with its line ends as pictures."""
    if text.isprintable():  # true for nearly every text, and much faster
        return text
    return safe(text.replace("\r\n", LINE_END).replace("\n", LINE_END).replace("\t", " "))


def escaped(text: str) -> str:
    """Return JSON with the characters that a terminal would obey as escapes; its meaning stays the same."""
    if text.isprintable():
        return text
    return "".join(
        f"\\u{ord(each):04x}" if each != "\n" and _visible(each) != each else each for each in text
    )


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is not UTF-8
        return spelled(character)
    if character in BIDI or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
        return f"\\u{code:04x}"
    return character


def spell(error: UnicodeError) -> tuple[str, int]:
    r"""Return what is printed in place of characters that an encoding does not have: ``\u00e9``, as in JSON.

    A byte of a file's name that is not UTF-8 is printed as ``\xff``. It is an error handler for `codecs`.

    Raises:
        UnicodeError: If the error is not one of encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = spelled(error.object[error.start : error.end])
    return "".join(each if each.isascii() else json.dumps(each)[1:-1] for each in text), error.end


def command_line(words: Iterable[str]) -> str:
    """Return the words of a command as a shell takes them, on one line of printable characters."""
    return " ".join(map(_for_shell, words))


def argument(path: object) -> str:
    """Return a path as an argument of a command, which takes no path for a flag."""
    return f"./{path}" if str(path).startswith("-") else str(path)


def _for_shell(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(
        each
        if each.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in each.encode("utf-8", "surrogateescape"))
        for each in word.replace("\\", "\\\\").replace("'", "\\'")
    )
    return f"$'{escaped}'"


def of_interface(words: str) -> str:
    """Return a remark with options as they are spelled where it is shown: in Python, or on a command line."""
    return OPTIONS.get()(words)


@contextlib.contextmanager
def options_spelled(spelling: Callable[[str], str]) -> Iterator[None]:
    """Make `of_interface` spell the names of options by a function of the whole remark."""
    before = OPTIONS.set(spelling)
    try:
        yield
    finally:
        OPTIONS.reset(before)


def counted(number: float, one: str, many: str = "") -> str:
    """Return a number with what it counts: 1 text, 2,000 texts, 0.5 seconds.

    Args:
        number: How many there are.
        one: What one of them is called.
        many: What several are called, if that is not `one` with an s.
    """
    shown = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{shown} {one if number == 1 else many or f'{one}s'}"


def duration(seconds: float) -> str:
    """Return a time as 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: float) -> str:
    """Return a number of bytes as people write it."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
