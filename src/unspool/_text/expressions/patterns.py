"""Turn regular expressions, with the meaning of CPython's `re`, into automata with free moves.

The parser is `re._parser`, which `re` itself uses (hypothesis builds on it as well). The characters of a
class are found with `re`. So an expression means exactly what users know. Libraries with their own parsers
(greenery, interegular) differ from `re` in classes of Unicode, in case folding and in anchors.
"""

import importlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._interruptible import check_wanted
from unspool._text.expressions.assertions import Condition, condition

MOST_NODES = 100_000
SCOPED = re.IGNORECASE | re.ASCII | re.DOTALL  # flags that change the characters of a class
CATEGORIES = {
    "CATEGORY_DIGIT": r"\d", "CATEGORY_NOT_DIGIT": r"\D", "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S", "CATEGORY_WORD": r"\w", "CATEGORY_NOT_WORD": r"\W",
}  # fmt: skip
REFUSED = {
    "ASSERT": "a lookahead or a lookbehind",
    "ASSERT_NOT": "a negative lookahead or lookbehind",
    "FAILURE": "a negative lookahead",
    "GROUPREF": "a backreference",
    "GROUPREF_EXISTS": "a conditional group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive quantifier",
}


class PatternAutomaton:
    """An automaton with free moves, built from a parse tree (Thompson, 1968).

    A node either reads a character of a set, or has free moves, some of them with a condition.

    Args:
        alphabet: The known characters, each once.
        pattern: The expression, for messages.
    """

    def __init__(self, alphabet: str, pattern: str) -> None:
        self.alphabet, self.pattern = alphabet, pattern
        self.free: list[list[tuple[int, Condition | None]]] = []
        self.reads: dict[int, tuple[int, int]] = {}  # node -> (set, next node)
        self.sets: list[NDArray[np.bool_]] = []  # (A,) each
        self._numbers: dict[tuple[str, int], int] = {}
        self.start = self.node()
        self.end = self.start

    def node(self) -> int:
        """Add a node and return its number."""
        check_wanted()
        if len(self.free) == MOST_NODES:
            raise ConfigError(
                f"regex {shown(self.pattern)}",
                expected=f"at most {MOST_NODES:,} characters with its counted repeats written out",
                got="more",
                hint="make its counted repeats smaller",
            )
        self.free.append([])
        return len(self.free) - 1

    def move(self, source: int, target: int, only_if: Condition | None = None) -> None:
        """Add a free move.

        Args:
            source: The node to start from.
            target: The node to reach.
            only_if: The condition of the move; None for none.
        """
        self.free[source].append((target, only_if))

    def read(self, source: int, members: str, flags: int) -> int:
        """Add the reading of a character of a class, written as an expression; return the node after it.

        Args:
            source: The node before the character.
            members: The class, as a regular expression.
            flags: The flags of `re` that hold here.
        """
        key = members, flags & SCOPED
        if key not in self._numbers:
            self._numbers[key] = len(self.sets)
            self.sets.append(self._mask(*key))
        target = self.node()
        self.reads[source] = self._numbers[key], target
        return target

    def _mask(self, members: str, flags: int) -> NDArray[np.bool_]:
        """Return which characters of the alphabet a class has, by `re`."""
        mask = np.zeros(len(self.alphabet), np.bool_)
        mask[[match.start() for match in re.compile(members, flags).finditer(self.alphabet)]] = True
        return mask

    def unknown(self) -> list[str]:
        """Return the characters and classes of the expression with no character in the alphabet, readably."""
        empty = [members for (members, _), number in self._numbers.items() if not self.sets[number].any()]
        return [re.sub(r"\\U([0-9a-f]{8})", lambda code: chr(int(code[1], 16)), members) for members in empty]

    def sequence(self, items: Any, at: int, flags: int) -> int:
        """Add the parts of a parse tree one after another, and return the node after the last.

        Args:
            items: The parts, from the parse tree.
            at: The node before the first part.
            flags: The flags of `re` that hold here.
        """
        for operation, argument in items:
            name = str(operation)
            if name not in READERS:
                raise ConfigError(
                    f"regex {shown(self.pattern)}",
                    expected="an expression that a finite automaton can match",
                    got=REFUSED.get(name, name.lower()),
                    hint="write the expression without it",
                )
            at = READERS[name](self, argument, at, flags)
        return at


def read_pattern(pattern: str, alphabet: str, flags: int = 0) -> PatternAutomaton:
    """Return the automaton of a regular expression, with free moves.

    Args:
        pattern: A regular expression for `re.fullmatch`.
        alphabet: The known characters, each once.
        flags: The flags of `re` beside those in the expression.

    Raises:
        ConfigError: If the expression is broken, or uses a feature that an automaton cannot decide.
    """
    automaton = PatternAutomaton(alphabet, pattern)
    try:
        re.compile(pattern, flags)
        tree = importlib.import_module("re._parser").parse(pattern, flags)
        automaton.end = automaton.sequence(tree, automaton.start, tree.state.flags)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ConfigError(
            f"regex {shown(pattern)}",
            expected="a regular expression as Python's re reads it",
            got=f"{error.msg}{place}",
        ) from None
    except (RecursionError, OverflowError):
        raise ConfigError(
            f"regex {shown(pattern)}",
            expected="fewer nested groups or shorter repeats",
            got="too many",
        ) from None
    return automaton


def shown(text: str) -> str:
    """Return a text for a message, cut if it is long."""
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _escaped(code: int) -> str:
    return f"\\U{code:08x}"


def _literal(automaton: PatternAutomaton, code: int, at: int, flags: int) -> int:
    return automaton.read(at, _escaped(code), flags)


def _not_literal(automaton: PatternAutomaton, code: int, at: int, flags: int) -> int:
    return automaton.read(at, f"[^{_escaped(code)}]", flags)


def _any(automaton: PatternAutomaton, _: object, at: int, flags: int) -> int:
    return automaton.read(at, ".", flags)


def _in(automaton: PatternAutomaton, parts: Any, at: int, flags: int) -> int:
    written: dict[str, Callable[[Any], str]] = {
        "NEGATE": lambda _: "^",
        "LITERAL": _escaped,
        "RANGE": lambda ends: f"{_escaped(ends[0])}-{_escaped(ends[1])}",
        "CATEGORY": lambda category: CATEGORIES[str(category)],
    }
    members = "".join(written[str(operation)](argument) for operation, argument in parts)
    return automaton.read(at, f"[{members}]", flags)


def _branch(automaton: PatternAutomaton, argument: Any, at: int, flags: int) -> int:
    end = automaton.node()
    for branch in argument[1]:
        start = automaton.node()
        automaton.move(at, start)
        automaton.move(automaton.sequence(branch, start, flags), end)
    return end


def _subpattern(automaton: PatternAutomaton, argument: Any, at: int, flags: int) -> int:
    _, added, removed, items = argument
    if added & (re.ASCII | re.UNICODE):
        flags &= ~(re.ASCII | re.UNICODE)  # the two exclude each other
    return automaton.sequence(items, at, (flags | added) & ~removed)


def _repeat(automaton: PatternAutomaton, argument: Any, at: int, flags: int) -> int:
    """Write out a repeat; each early exit goes directly to the end, so that free moves stay short."""
    least, most, items = argument
    for _ in range(least):
        before, at = at, automaton.sequence(items, at, flags)
        if at == before:
            break  # it reads nothing, however often
    end = automaton.node()
    if most == importlib.import_module("re._parser").MAXREPEAT:
        loop = automaton.node()
        automaton.move(at, loop)
        automaton.move(loop, end)
        start = automaton.node()
        automaton.move(loop, start)
        automaton.move(automaton.sequence(items, start, flags), loop)
        return end
    for _ in range(most - least):
        automaton.move(at, end)
        start = automaton.node()
        automaton.move(at, start)
        at = automaton.sequence(items, start, flags)
    automaton.move(at, end)
    return end


def _at(automaton: PatternAutomaton, name: Any, at: int, flags: int) -> int:
    anchor = condition(str(name), flags)
    if anchor is None:
        raise ConfigError(f"regex {shown(automaton.pattern)}", expected="known anchors", got=str(name))
    end = automaton.node()
    automaton.move(at, end, anchor)
    return end


Reader = Callable[[PatternAutomaton, Any, int, int], int]

READERS: dict[str, Reader] = {
    "LITERAL": _literal,
    "NOT_LITERAL": _not_literal,
    "ANY": _any,
    "IN": _in,
    "BRANCH": _branch,
    "SUBPATTERN": _subpattern,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "AT": _at,
}
