"""Match whole texts against a regular expression, in a time that is known before.

`re` tries one way through an expression after another, and nothing can interrupt it: ``([a-z]+)+[0-9]`` takes
longer than anybody waits for. An automaton follows all ways at once and looks at each character once
(Thompson, 1968). Its states are made when a text first reaches them, so no expression has too many of them.
"""

import importlib
import re
from collections.abc import Callable
from typing import Any

from unspool._errors import ConfigError
from unspool._text.expressions.patterns import read_pattern, shown
from unspool._text.expressions.subsets import ACCEPT, Subsets

PAGE = 8  # characters become known in pages of 2^8
MOST_ROWS = 20_000  # states that are remembered
MOST_WAYS = 10**7  # ways through an expression that `re` may have to try
LONG = 1000  # characters of the text for which they are counted


def whole_matcher(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    """Return a function that returns whether the whole of a text matches, as `re.Pattern.fullmatch` does.

    Args:
        pattern: The expression; it is matched by `re` itself if an automaton cannot decide it, as with a
            lookahead or a backreference.

    Raises:
        ConfigError: If `re` itself would have to match it, and could take too long.
    """
    try:
        return LinearMatcher(pattern)
    except ConfigError as error:
        parser = importlib.import_module("re._parser")
        ways = _ways(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
        if ways <= MOST_WAYS:
            return lambda text: pattern.fullmatch(text) is not None
        raise ConfigError(
            f"valid {shown(pattern.pattern)}",
            expected="with such a part at most two repeats, none of them of alternatives or of repeats",
            got=error.got,
            hint="write it without that part, or pass a function as valid",
        ) from None


class LinearMatcher:
    """A regular expression whose matching looks at each character of a text once.

    Args:
        pattern: The expression.

    Raises:
        ConfigError: If an automaton cannot decide it, or if its repeats are too long to be written out.
    """

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern, self._flags = pattern.pattern, pattern.flags & ~re.DEBUG
        self._pages: set[int] = set()
        self._learn({0})

    def _learn(self, pages: set[int]) -> None:
        """Make the characters of more pages known."""
        self._pages |= pages
        firsts = [page << PAGE for page in sorted(self._pages)]
        alphabet = "".join(chr(first + each) for first in firsts for each in range(1 << PAGE))
        self._subsets = Subsets(read_pattern(self._pattern, alphabet, self._flags))
        self._classes = dict(zip(alphabet, self._subsets.classes.tolist(), strict=True))
        self._rows: dict[int, list[int]] = {}

    def __call__(self, text: str) -> bool:
        """Return whether the whole text matches."""
        self._know(text)
        state, rows = self._subsets.start, self._rows
        for number in map(self._classes.__getitem__, text):
            state = (rows.get(state) or self._row(state))[number]
            if not state:
                return False
        return bool(state & ACCEPT)

    def _know(self, text: str) -> None:
        """Make the characters of a text known."""
        pages = {ord(character) >> PAGE for character in set(text)}
        if not pages <= self._pages:
            self._learn(pages)

    def _row(self, state: int) -> list[int]:
        """Remember the state after a character of each class, and return them; 0 where none may come."""
        if len(self._rows) == MOST_ROWS:
            self._rows.clear()
        row = self._rows[state] = self._subsets.row(state)
        return row


def _ways(items: Any) -> float:
    """Return how many ways through the parts of a parse tree there can be in a text of `LONG` characters."""
    ways, within = 1.0, 1.0
    for operation, argument in items:
        name = str(operation)
        if name in LEFT_IN_ONE_WAY:
            within = max(within, LEFT_IN_ONE_WAY[name](argument))
        elif name in WAYS:
            ways *= WAYS[name](argument)
    return ways * within


def _of_branch(argument: Any) -> float:
    return sum(map(_ways, argument[1]))


def _of_condition(argument: Any) -> float:
    return sum(_ways(branch) for branch in argument[1:] if branch is not None)


def _of_repeat(argument: Any) -> float:
    least, most, items = argument
    each, most = min(_ways(items), 2.0 * MOST_WAYS), min(int(most), LONG)
    together: float = each ** min(most, 40)  # beyond MOST_WAYS at 40 already, if each has two
    return together * (most - min(int(least), most) + 1)


WAYS: dict[str, Callable[[Any], float]] = {
    "BRANCH": _of_branch,
    "SUBPATTERN": lambda argument: _ways(argument[3]),
    "GROUPREF_EXISTS": _of_condition,
    "MAX_REPEAT": _of_repeat,
    "MIN_REPEAT": _of_repeat,
}
LEFT_IN_ONE_WAY: dict[str, Callable[[Any], float]] = {
    "ASSERT": lambda argument: _ways(argument[1]),
    "ASSERT_NOT": lambda argument: _ways(argument[1]),
    "ATOMIC_GROUP": _ways,
    "POSSESSIVE_REPEAT": _of_repeat,
}
