"""The printing of every command: JSON, one-line errors, text that is safe for a terminal, figures."""

import contextlib
import math
import os
import sys
from typing import Any, TextIO

from unspool._json_files import json_text
from unspool._screen.connections import fitted
from unspool._screen.wording import escaped, one_line, safe


def print_json(document: Any) -> None:
    """Print one JSON document on standard output, each item of its outermost level on a line."""
    if isinstance(document, dict):
        lines = [f"{as_json(key)}: {as_json(value)}" for key, value in document.items()]
        print("{\n  " + ",\n  ".join(lines) + "\n}")
    else:
        print("[\n  " + ",\n  ".join(map(as_json, document)) + "\n]")


def print_line(line: str) -> None:
    """Print a line and its end in one call, so that Ctrl-C cannot separate them."""
    sys.stdout.write(f"{line}\n")
    if sys.stdout.isatty():
        sys.stdout.flush()


def as_json(value: Any) -> str:
    """Return a value as JSON for standard output; on a terminal, characters that control it are escaped."""
    return json_for_stdout(json_text(value))


def json_for_stdout(text: str) -> str:
    """Return JSON unchanged for a file or a pipe, and with escapes that are safe for a terminal."""
    return escaped(text) if sys.stdout.isatty() else text


def finite(value: float | None) -> float | None:
    """Return a figure for JSON; an infinite one becomes None."""
    return value if value is not None and math.isfinite(value) else None


def complain(message: str) -> None:
    """Print a message as one line on standard error."""
    note(f"unspool: {one_line(message)}")


def note(message: str) -> None:
    """Print a remark on standard error, apart from the result; if it is full, there is nowhere to say so."""
    try:
        print(fitted(safe(message), sys.stderr), file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Drop what a stream still holds and all that follows, so that the end of the process does not fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_sentence(sentence: str) -> None:
    """Print sentences for people on standard output."""
    print(fitted(for_stdout(sentence), sys.stdout))


def for_stdout(text: str) -> str:
    """Return a text unchanged for a file or a pipe, and in a safe form for a terminal."""
    return safe(text) if sys.stdout.isatty() else text
