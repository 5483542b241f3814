"""What the three streams are connected to.

Standard output carries the result alone, whatever they are connected to; all else goes to standard error.
"""

import os
import stat
import sys
from typing import Any


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is a terminal; one that was closed from the start is none."""
    return stream is not None and bool(stream.isatty())


def can_redraw(*, printing: bool = False, reading: str | None = None) -> bool:
    """Tell whether standard error can show a line that changes in place, and nothing will break it up.

    Args:
        printing: Whether standard output gets lines meanwhile. They must go to a file then: a pipe, such as
            one to ``less``, often ends on the same screen.
        reading: What is read meanwhile; a terminal as standard input, ``-``, shows what is typed.
    """
    if not is_terminal(sys.stderr) or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return False
    if reading == "-" and is_terminal(sys.stdin):
        return False
    return not printing or keeps_to_itself(sys.stdout)


def keeps_to_itself(stream: Any) -> bool:
    """Tell whether nothing that is written to a stream comes to be seen: a file, or nowhere."""
    try:
        found = os.fstat(stream.fileno())
        nowhere = os.stat(os.devnull)  # noqa: PTH116 - a device, no path of ours
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) or (stat.S_ISCHR(found.st_mode) and found.st_rdev == nowhere.st_rdev)
