"""Find what the three standard streams are connected to.

Standard output carries only the result, whatever they are connected to; the rest goes to standard error.
"""

import os
import shutil
import stat
import sys
import textwrap
from typing import Any


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is a terminal; a stream that was closed from the start is not."""
    return stream is not None and bool(stream.isatty())


def fitted(text: str, stream: Any, *, indent: int = 2) -> str:
    """Return a text for a stream: a terminal gets long lines wrapped at words, a file or a pipe the text.

    Args:
        text: The text, of one line or several.
        stream: The stream.
        indent: Number of spaces before the later parts of a line.
    """
    if not is_terminal(stream):
        return text
    try:
        width = int(os.environ.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):
        width = shutil.get_terminal_size().columns
    wrapper = textwrap.TextWrapper(
        max(width, 20), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(line if len(line) <= width else wrapper.fill(line) for line in text.split("\n"))


def can_redraw(*, printing: bool = False, reading: str | None = None) -> bool:
    """Return whether standard error can show a line that changes in place, with nothing to disturb it.

    Args:
        printing: Whether standard output gets lines at the same time. It must then be a file: a pipe, such as
            one to ``less``, often ends on the same screen.
        reading: The input that is read at the same time; a terminal as standard input, ``-``, shows what is
            typed.
    """
    if not is_terminal(sys.stderr) or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    if reading == "-" and is_terminal(sys.stdin):
        return False
    return not printing or keeps_to_itself(sys.stdout)


def keeps_to_itself(stream: Any) -> bool:
    """Return whether the output of a stream is not shown: it goes to a file, or nowhere."""
    try:
        file = os.fstat(stream.fileno())
        nowhere = os.stat(os.devnull)  # noqa: PTH116 - a device, not one of our paths
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(file.st_mode) or (not is_terminal(stream) and os.path.samestat(file, nowhere))


def in_notebook() -> bool:
    """Return whether this is a kernel of Jupyter, whose output can show HTML that changes in place."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None
