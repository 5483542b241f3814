"""The printing of every command: JSON, one-line errors, text that is safe for a terminal, figures."""

import math
import sys
from typing import Any

from unspool._json_files import json_text
from unspool._screen.connections import fitted
from unspool._screen.wording import one_line, safe


def print_json(document: Any) -> None:
    """Print one JSON document on standard output, each item of its outermost level on a line."""
    if isinstance(document, dict):
        lines = [f"{_json(key)}: {_json(value)}" for key, value in document.items()]
        print("{\n  " + ",\n  ".join(lines) + "\n}")
    else:
        print("[\n  " + ",\n  ".join(map(_json, document)) + "\n]")


def print_line(line: str) -> None:
    """Print a line and its end in one call, so that Ctrl-C cannot separate them."""
    sys.stdout.write(f"{line}\n")
    if sys.stdout.isatty():
        sys.stdout.flush()


def _json(value: Any) -> str:
    return json_text(value)


def finite(value: float | None) -> float | None:
    """Return a figure for JSON; an infinite one becomes None."""
    return value if value is not None and math.isfinite(value) else None


def complain(message: str) -> None:
    """Print a message as one line on standard error."""
    print(fitted(f"unspool: {one_line(message)}", sys.stderr), file=sys.stderr)


def note(message: str) -> None:
    """Print a remark on standard error, apart from the result."""
    print(fitted(safe(message), sys.stderr), file=sys.stderr)


def print_sentence(sentence: str) -> None:
    """Print sentences for people on standard output."""
    print(fitted(for_stdout(sentence), sys.stdout))


def for_stdout(text: str) -> str:
    """Return a text unchanged for a file or a pipe, and in a safe form for a terminal."""
    return safe(text) if sys.stdout.isatty() else text
