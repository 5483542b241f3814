"""Rules across the columns of a row, as conditions in the arithmetic of Python and nothing else of it."""

import ast
import re
from collections.abc import Mapping, Sequence
from types import CodeType

from unspool._errors import ConfigError
from unspool._tables.columns import Column
from unspool._tables.types import Value, of_type

LONGEST = 1_000  # characters of a rule
QUOTED = re.compile("`([^`]*)`")  # a name that is no identifier
ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Eq,
    ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.Constant, ast.Name, ast.Load,
)  # fmt: skip
MEANING = "a condition on columns, such as begin <= end and (age >= 18 or `marital-status` == 'single')"


class RowRule:
    """A condition on the values of a row: comparisons, ``and``, ``or``, ``not``, ``+ - * /``.

    A name that is no word of letters, digits and _ stands between backquotes. Dates are compared as ISO 8601
    writes them: ``begin <= '2024-12-31'``. A row with a missing value in a column of the rule meets it.

    Args:
        text: The rule.
        columns: The columns of the table.

    Raises:
        ConfigError: If it is no such condition, or names no column.
    """

    def __init__(self, text: str, columns: Sequence[Column]) -> None:
        self.text = text
        places: dict[str, str] = {}
        quoted = QUOTED.sub(lambda name: places.setdefault(name[1], f"_{len(places)}"), text)
        try:
            if len(text) > LONGEST:
                raise SyntaxError(f"more than {LONGEST:,} characters")
            tree = ast.parse(quoted.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            got = getattr(error, "msg", None) or str(error)
            raise ConfigError(f"rule {text[:80]!r}", expected=MEANING, got=got) from None
        self._names = {place: name for name, place in places.items()}
        self._types = {column.name: of_type(column) for column in columns}
        for node in ast.walk(tree):
            self._check(node)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self.columns = {place: self._names.get(place, place) for place in used}
        self._code: CodeType = compile(tree, "rule", "eval")

    def _check(self, node: ast.AST) -> None:
        """Refuse what is no part of a condition; arithmetic is for numbers alone, which cannot grow long."""
        problem = None
        if not isinstance(node, ALLOWED) or (isinstance(node, ast.Constant) and not _is_value(node.value)):
            problem = type(node).__name__
        elif isinstance(node, ast.Name) and self._names.get(node.id, node.id) not in self._types:
            problem = f"{node.id}, which is no column"
        elif isinstance(node, ast.BinOp) and not all(map(self._is_number, (node.left, node.right))):
            problem = "arithmetic with what is no number"
        if problem is not None:
            raise ConfigError(f"rule {self.text[:80]!r}", expected=MEANING, got=problem)

    def _is_number(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            name = self._names.get(node.id, node.id)
            return name in self._types and self._types[name].is_number
        if isinstance(node, ast.Constant):
            return isinstance(node.value, int | float)
        if isinstance(node, ast.UnaryOp):
            return self._is_number(node.operand)
        return isinstance(node, ast.BinOp)

    def holds(self, row: Mapping[str, Value | None]) -> bool:
        """Return whether a row meets the rule.

        Args:
            row: The values by the names of the columns; None for a missing one.

        Raises:
            ConfigError: If it compares values of different types.
        """
        values = {place: row[name] for place, name in self.columns.items()}
        if None in values.values():
            return True
        try:
            return bool(eval(self._code, {"__builtins__": {}}, values))
        except ZeroDivisionError:
            return False
        except TypeError as error:
            what, expected = f"rule {self.text[:80]!r}", "values of one type to compare"
            raise ConfigError(what, expected=expected, got=str(error)) from None


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float)
