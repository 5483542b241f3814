"""Decide from the beginning of a plain text whether it is lines or one document."""

from dataclasses import dataclass

LOOK = 1 << 18  # characters of the beginning that are examined
PARAGRAPHS = 0.05  # share of empty lines above which they separate paragraphs
LONG_LINE = 2_000  # mean characters of a line above which the text is one document


@dataclass(frozen=True)
class Mode:
    """The way in which a plain text is read.

    Args:
        document: Whether it is one document, rather than a text per line.
        reason: The reason, in a sentence without its full stop.
    """

    document: bool
    reason: str


def told_mode(text: str) -> Mode:
    """Return how a plain text is read, by its beginning.

    Empty lines separate paragraphs, verses and speeches, which continue each other; lists have none. A line
    of thousands of characters is a document by itself.

    Args:
        text: The beginning of the text, with its line ends.
    """
    lines = text[:LOOK].strip().split("\n")
    filled = [line for line in lines if line and not line.isspace()]
    empty = 1 - len(filled) / len(lines)
    mean = sum(map(len, filled)) / max(1, len(filled))
    if filled and empty >= PARAGRAPHS:
        return Mode(True, f"one document, since {empty:.0%} of its lines are empty")
    if mean >= LONG_LINE:
        return Mode(True, f"one document, since its lines are long ({mean:,.0f} characters on average)")
    return Mode(
        False, f"a text per line, since its lines are short ({mean:,.0f} characters) and none is empty"
    )
