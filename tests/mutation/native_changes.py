"""The small faults that can be put into native code: each replaces one piece of its text."""

import re
from collections.abc import Iterator

from tests.mutation.changes import Change

ASIDE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|"""
    r"""^[ \t]*\#(?:\\\n|[^\n])*|\bstatic_assert\(.*?;""",
    re.DOTALL | re.MULTILINE,
)
# They have spaces around them, as clang-format writes them: `<` of a template and `*` of a pointer have not.
OPERATORS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "+": "-",
    "-": "+", "*": "/", "/": "*", "%": "*", "&": "|", "|": "&", "^": "&", "<<": ">>", ">>": "<<", "+=": "-=",
    "-=": "+=", "*=": "/=", "/=": "*=", "&=": "|=", "|=": "&=",
}  # fmt: skip
WORDS = {
    "true": "false", "false": "true", "break;": "continue;", "continue;": "break;", "larger": "smaller",
    "smaller": "larger", "std::fmin": "std::fmax", "std::fmax": "std::fmin",
}  # fmt: skip
OPERATOR = re.compile(
    r"(?<= )(?:" + "|".join(map(re.escape, sorted(OPERATORS, key=len)[::-1])) + r")(?=[ \n])"
)
WORD = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, WORDS)) + r")(?!\w)")
STEP = re.compile(r"\+\+|--")
NOT = re.compile(r"!(?=[\w(])")
NUMBER = re.compile(r"(?<![\w.])(?:0x[\dA-Fa-f]+|\d+)(?:u|ull)?(?![\w.'])")
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d*(?:e[+-]?\d+)?f?(?![\w.])")
CONDITION = re.compile(r"\bif (?=\()")
# A call or an assignment that is a statement of its own; what begins with a type declares a name.
STATEMENT = re.compile(
    r"(?<=[;{})\n])\s*\n[ \t]*(?!return\b|delete\b|if\b|for\b|while\b|switch\b|else\b|case\b)"
    r"(?P<whole>\*?[\w:]+(?:\.|->|\[|\((?=[^\n])| [-+*/|&]?= )[^;{}]*;)"
)
REGION = re.compile(r"^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif)\b([^\n]*)", re.MULTILINE)


def changes(source: str) -> list[Change]:
    """Return all changes of a file of C++; comments, texts, directives and static assertions are left out.

    Args:
        source: Its text, in ASCII.
    """
    bare = ASIDE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    found = {Change(source.count("\n", 0, begin) + 1, begin, end, new) for begin, end, new in _replaced(bare)}
    return sorted(found, key=lambda change: (change.begin, change.end, change.new))


def _replaced(bare: str) -> Iterator[tuple[int, int, str]]:
    """Yield pieces of a text without comments: where they begin and end, and what may stand there instead."""
    for found in OPERATOR.finditer(bare):
        yield *found.span(), OPERATORS[found[0]]
    for found in WORD.finditer(bare):
        yield *found.span(), WORDS[found[0]]
    for found in STEP.finditer(bare):
        yield *found.span(), "--" if found[0] == "++" else "++"
    for found in NOT.finditer(bare):
        yield *found.span(), ""
    for found in NUMBER.finditer(bare):
        yield (
            *found.span(),
            f"({found[0]} + 1)" if "x" in found[0] or "u" in found[0] else str(int(found[0]) + 1),
        )
    for found in DECIMAL.finditer(bare):
        value = float(found[0].rstrip("f"))
        yield *found.span(), (repr(2 * value) if value else "1.0") + "f" * found[0].endswith("f")
    for found in CONDITION.finditer(bare):
        end = _closing(bare, found.end())
        yield found.end(), end, f"(!{bare[found.end() : end]})"
    for found in STATEMENT.finditer(bare):
        yield *found.span("whole"), ";"


def _closing(bare: str, begin: int) -> int:
    """Return the end of the parenthesis that begins at a place."""
    depth = 0
    for place in range(begin, len(bare)):
        depth += (bare[place] == "(") - (bare[place] == ")")
        if depth == 0:
            return place + 1
    return len(bare)


def conditions_at(source: str, place: int) -> str:
    """Return the conditions of the preprocessor under which a place is compiled, one after the other.

    ``not`` stands before what an ``#else`` turns round.
    """
    open_now: list[str] = []
    for found in REGION.finditer(source, 0, place):
        match found[1]:
            case "else":
                open_now[-1] = f"not {open_now[-1].strip()}"
            case "elif":
                open_now[-1] = found[2].strip()
            case "endif":
                open_now.pop()
            case _:
                open_now.append(found[2].strip())
    return " ".join(open_now)
