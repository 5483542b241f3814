"""Which tests speak of a line: without a run of all of them, their files are chosen by the names in them."""

import ast
import re
from pathlib import Path

ELSEWHERE = {"golden", "mutation", "wheels", "attacks"}  # run at the end, or take long
WHOLE = {"test_notebooks.py", "test_readme.py", "test_house.py", "test_floors.py", "test_site.py"}
MOST_FILES = 7  # of tests, for one change


class Naming:
    """The files of tests by the names that they speak of.

    Args:
        root: The folder of the project, with ``src`` and ``tests``.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts = {
            path: path.read_text("utf-8")
            for path in sorted((root / "tests").rglob("test_*.py"))
            if not ELSEWHERE & set(path.parts) and path.name not in WHOLE
        }

    def tests(self, module: str, line: int) -> list[str]:
        """Return the files that may test a line: its mirror, then those that name its module or function.

        Args:
            module: The file, below ``src``.
            line: The first line of a statement, from 1.
        """
        rooms = [part.strip("_") for part in Path(module).with_suffix("").parts[1:]]
        mirror = (self._root / "tests").joinpath(*rooms[:-1], f"test_{rooms[-1]}.py")
        dotted = module.removesuffix(".py").replace("/", ".")
        name = function_at((self._root / "src" / module).read_text("utf-8"), line).strip("_")
        ranked = []
        for path, text in self._texts.items():
            says = bool(name) and re.search(rf"\b_?{re.escape(name)}\b", text) is not None
            beside = sum(room in path.parts for room in rooms[:-1]) + (rooms[-1] in path.stem)
            score = 100 * (path == mirror) + 3 * (dotted in text) + 2 * says + beside
            if score:
                ranked.append((-score, path.relative_to(self._root).as_posix()))
        return [path for _, path in sorted(ranked)[:MOST_FILES]]


def function_at(source: str, line: int) -> str:
    """Return the name of the innermost function around a line, else of the class, else nothing."""
    found = ""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("__"):
            continue
        if node.lineno <= line <= (node.end_lineno or line):
            found = node.name  # an outer one comes before an inner one
    return found
