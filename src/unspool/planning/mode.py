"""Lines or a document: what a plain text looks like, told by its beginning."""

from dataclasses import dataclass

LOOK = 1 << 18  # characters of the beginning that are looked at
PARAGRAPHS = 0.05  # share of empty lines from which on they part paragraphs
LONG_LINE = 2_000  # characters in the mean line from which on a line is a text with a history of its own


@dataclass(frozen=True)
class Mode:
    """Tell how a text is to be read.

    Args:
        document: Whether as one document rather than a text per line.
        reason: Why, in a sentence without its full stop.
    """

    document: bool
    reason: str


def told_mode(text: str) -> Mode:
    """Tell from the beginning of a plain text whether its lines are separate texts.

    Empty lines part paragraphs, verses and speeches, which go on from one another; lists have none. A line
    of thousands of characters is a document by itself.

    Args:
        text: The beginning, line ends included.
    """
    lines = text[:LOOK].strip().split("\n")
    filled = [line for line in lines if line and not line.isspace()]
    empty = 1 - len(filled) / len(lines)
    mean = sum(map(len, filled)) / max(1, len(filled))
    if filled and empty >= PARAGRAPHS:
        return Mode(True, f"one document, since empty lines ({empty:.0%}) part its paragraphs")
    if mean >= LONG_LINE:
        return Mode(True, f"one document, since its lines are long ({mean:,.0f} characters on average)")
    return Mode(
        False, f"a text per line, since its lines are short ({mean:,.0f} characters) with none between"
    )
