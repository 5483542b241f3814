"""Cut texts by a regular expression, in a time that is known before."""

import re

from unspool._errors import ConfigError
from unspool._text.expressions.matching import LinearMatcher
from unspool._text.expressions.patterns import read_pattern, shown
from unspool._text.expressions.subsets import ACCEPT

LONGEST = 64  # characters of a piece: bounds how far is looked ahead in a hostile text


class Cutter(LinearMatcher):
    r"""A regular expression that cuts a text from left to right.

    The next piece is the longest match at that place, of at most `LONGEST` characters; where nothing matches
    it is a single character. So each character is looked at no more than `LONGEST` times.

    Args:
        pattern: The expression.

    Raises:
        ConfigError: If it is broken, or an automaton cannot find its longest match, as with a lookahead, a
            backreference or an anchor.

    Example:
        >>> Cutter(r"\d+|[a-z]+").cut("ab12+c")
        ['ab', '12', '+', 'c']
    """

    def __init__(self, pattern: str) -> None:
        read_pattern(pattern, "")  # refuses what is broken
        super().__init__(re.compile(pattern))
        if self._subsets.anchored:
            expected, hint = "an expression for a piece of a text", "write the expression without it"
            got = r"an anchor such as ^, $ or \b"
            raise ConfigError(f"regex {shown(pattern)}", expected=expected, got=got, hint=hint)

    def cut(self, text: str) -> list[str]:
        """Return the pieces of a text; joined, they are the text.

        Args:
            text: Any text.
        """
        self._know(text)
        numbers = [self._classes[character] for character in text]
        start, rows = self._subsets.start, self._rows
        pieces, begin = [], 0
        while begin < len(text):
            state, end = start, begin + 1
            for place in range(begin, min(begin + LONGEST, len(text))):
                state = (rows.get(state) or self._row(state))[numbers[place]]
                if not state:
                    break
                if state & ACCEPT:
                    end = place + 1
            pieces.append(text[begin:end])
            begin = end
        return pieces
