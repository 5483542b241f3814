"""The small faults that can be put into a module: each replaces one piece of its text."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.Is: "is not",
    ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
OPERATORS = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*", ast.Pow: "*",
    ast.BitAnd: "|", ast.BitOr: "&",
}  # fmt: skip
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "abs": "float"}


@dataclass(frozen=True)
class Change:
    """A piece of a module's text, in bytes, and what stands there instead.

    Args:
        line: First line of its statement, from 1.
        begin: Its first byte.
        end: The byte after its last one.
        new: The text that replaces it.
    """

    line: int
    begin: int
    end: int
    new: str

    def applied(self, source: bytes) -> bytes:
        """Return the source with this change."""
        return source[: self.begin] + self.new.encode() + source[self.end :]

    def parses(self, source: bytes) -> bool:
        """Whether the changed source is Python."""
        try:
            ast.parse(self.applied(source))
        except SyntaxError:
            return False
        return True


def changes(source: bytes) -> list[Change]:
    """Return all changes of a module; what is read by people or by the type checker alone is left out."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = set()
    for line, node in _worth_changing(tree):
        for first, last, new in _replaced(node):
            begin, end = (starts[row - 1] + column for row, column in (first, last))
            if source[begin:end] != new.encode():
                found.add(Change(line, begin, end, new))
    return sorted(found, key=lambda change: (change.begin, change.end, change.new))


def _worth_changing(node: ast.AST, line: int = 0) -> Iterator[tuple[int, ast.AST]]:
    """Yield the nodes of a tree, each after the first line of its statement.

    Those of docstrings, annotations, imports, exports, types and f-strings are left out.
    """
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            aside = isinstance(child, ast.Import | ast.ImportFrom | ast.JoinedStr)
            text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not (aside or text or _is_for_checkers(child)):
                begins = child.lineno if isinstance(child, ast.stmt) else line
                yield begins, child
                yield from _worth_changing(child, begins)


def _is_for_checkers(node: ast.AST) -> bool:
    """Whether a statement says something to the type checker and the style checker alone."""
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(name)], value=value):
            return name == "__all__" or (
                isinstance(value, ast.Subscript) and ast.unparse(value.value) == "Literal"
            )
    return False


Place = tuple[int, int]


def _start(node: ast.expr | ast.stmt) -> Place:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> Place:
    return node.end_lineno or node.lineno, node.end_col_offset or 0


def _replaced(node: ast.AST) -> Iterator[tuple[Place, Place, str]]:
    """Yield what may stand in the place of a node: its first and its last place, and the text."""
    if isinstance(node, ast.expr):
        yield from ((_start(node), _end(node), new) for new in _expressions(node))
    elif isinstance(node, ast.stmt):
        yield from ((_start(node), _end(node), new) for new in _statements(node))


def _expressions(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield f"(({ast.unparse(left)}) {COMPARISONS[type(operator)]} ({ast.unparse(right)}))"
        case ast.BoolOp(op=operator, values=values):
            word = " or " if isinstance(operator, ast.And) else " and "
            yield "(" + word.join(f"({ast.unparse(value)})" for value in values) + ")"
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in OPERATORS:
            yield f"(({ast.unparse(left)}) {OPERATORS[type(operator)]} ({ast.unparse(right)}))"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.IfExp(test=test, body=body, orelse=other):
            yield f"(({ast.unparse(other)}) if ({ast.unparse(test)}) else ({ast.unparse(body)}))"
        case ast.Constant(value=value):
            yield from _constants(value)
        case ast.Call():
            yield from _calls(node)
        case ast.Subscript(value=value, slice=ast.Slice()):
            yield ast.unparse(value)


def _calls(node: ast.Call) -> Iterator[str]:
    """Yield a call with another function, without a keyword, and with None for what is passed on."""
    function, arguments, words = node.func, node.args, node.keywords
    name = ast.unparse(function)
    if name in OPPOSITES:
        yield ast.unparse(ast.Call(func=ast.Name(OPPOSITES[name]), args=arguments, keywords=words))
    for number in range(len(words)):
        others = [*words[:number], *words[number + 1 :]]
        yield ast.unparse(ast.Call(func=function, args=arguments, keywords=others))
    for number, argument in enumerate(arguments):
        if isinstance(argument, ast.Name | ast.Attribute):
            passed = [*arguments[:number], ast.Constant(None), *arguments[number + 1 :]]
            yield ast.unparse(ast.Call(func=function, args=passed, keywords=words))


def _statements(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.AugAssign(target=target, op=operator, value=value) if type(operator) in OPERATORS:
            yield f"{ast.unparse(target)} {OPERATORS[type(operator)]}= {ast.unparse(value)}"
        case ast.Return(value=ast.expr()):
            yield "return None"
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"


def _constants(value: object) -> list[str]:
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, int):
        return [str(value + 1)]
    if isinstance(value, float):
        return [repr(value * 2 if value else 1.0)]
    return [repr(f"~{value}")] if isinstance(value, str) and value else []
