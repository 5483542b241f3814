"""Which tests run which line: what `coverage` wrote down while all of them ran."""

import ast
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from coverage.numbits import numbits_to_nums

MOST_TESTS = 80  # that are run for one change


class Covering:
    """The tests of each line.

    Args:
        data: The file of `coverage`, of a run with ``--cov-context=test``.
        root: The folder of the source, in which the modules lie.
    """

    def __init__(self, data: Path, root: Path) -> None:
        self._root = root
        self._tests: dict[str, dict[int, set[str]]] = {}
        rows = sqlite3.connect(data).execute(
            "SELECT path, context, numbits FROM line_bits JOIN file ON file.id = file_id "
            "JOIN context ON context.id = context_id"
        )
        for path, context, numbits in rows:
            lines = self._tests.setdefault(path.split("src/")[-1], {})
            for line in numbits_to_nums(numbits):
                lines.setdefault(line, set()).add(context.rpartition("|")[0])

    def tests(self, module: str, line: int) -> list[str]:
        """Return the tests that run a line, those of its own room first.

        An import runs a line outside all functions, in whichever test is the first to import the module: it
        counts for the tests that run any line of the module.

        Args:
            module: The file, below ``src``.
            line: The first line of a statement, from 1.
        """
        lines = self._tests.get(module, {})
        imported = line in lines_of_import((self._root / module).read_text("utf-8"))
        found = set().union(*lines.values()) if imported else lines.get(line, set())
        return _nearest(found - {""}, module)


def lines_of_import(source: str) -> set[int]:
    """Return the first lines of the statements that an import runs: those outside all functions."""
    waiting: list[ast.AST] = [ast.parse(source)]
    lines = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            lines.add(node.lineno)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)
    return lines


def _nearest(tests: Iterable[str], module: str) -> list[str]:
    """Order tests by how much of their path they share with a module, and by how few of their file came."""
    words = {word.strip("_").removesuffix(".py") for word in Path(module).parts}
    seen: dict[str, int] = {}
    ranked = []
    for test in sorted(tests):
        file = test.partition("::")[0]
        seen[file] = seen.get(file, 0) + 1
        path = Path(file.replace("test_", ""))
        shared = len(words & {part.removesuffix(".py") for part in path.parts})
        ranked.append((seen[file] // 8, -shared, seen[file], test))
    return [test for *_, test in sorted(ranked)[:MOST_TESTS]]
