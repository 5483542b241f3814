"""All pictures come from one room."""

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "unspool"
OTHERS = [path for path in sorted(SOURCE.rglob("*.py")) if path.parent.name != "_pictures"]
MARKUP = re.compile(r"<(svg|style|rect|line|path|circle|text|polyline)\b|prefers-color-scheme|font-size")


def markup(tree: ast.AST) -> list[str]:
    """List the elements of SVG and the parts of a style sheet in a module's strings."""
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [match[0] for string in strings if isinstance(string, str) for match in MARKUP.finditer(string)]


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_nobody_else_writes_svg(path: Path) -> None:
    assert markup(ast.parse(path.read_text("utf-8"))) == []


def test_the_rule_can_fail() -> None:
    found = markup(ast.parse("a = f'<svg x=\"{1}\">'\nb = 'text { font-size: 3px }'"))
    assert set(found) == {"<svg", "font-size"}
