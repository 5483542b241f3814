"""Which tests run which line: what `coverage` wrote down while all of them ran."""

import ast
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path

from coverage.numbits import numbits_to_nums

QUICK = 2.0  # seconds; what takes longer comes after what does not


class Covering:
    """The tests of each line.

    Args:
        data: The file of `coverage`, of a run with ``--cov-context=test``.
        root: The folder of the source, in which the modules lie.
        seconds: How long each test takes, where that is known.
    """

    def __init__(self, data: Path, root: Path, seconds: Mapping[str, float] | None = None) -> None:
        self._root = root
        self._seconds = seconds or {}
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
        """Return the tests that run a line: the quick ones first, and of these those of its own room.

        An import runs a line outside all functions, in whichever test is the first to import the module: it
        counts for the tests that run any line of the module.

        Args:
            module: The file, below ``src``.
            line: The first line of a statement, from 1.
        """
        lines = self._tests.get(module, {})
        imported = line in lines_of_import((self._root / module).read_text("utf-8"))
        found = set().union(*lines.values()) if imported else lines.get(line, set())
        return _nearest(found - {""}, module, self._seconds)


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


def seconds_of_tests(report: Path) -> dict[str, float]:
    """Read how long each test took from a report of ``--junit-xml``; none without a report."""
    if not report.is_file():
        return {}
    cases = ET.parse(report).getroot().iter("testcase")
    return {
        f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}": float(case.get("time", 0))
        for case in cases
    }


def _nearest(tests: Iterable[str], module: str, seconds: Mapping[str, float]) -> list[str]:
    """Order tests by whether they are quick, by how much of their path they share with a module, and by
    how few of their file came.
    """
    words = {word.strip("_").removesuffix(".py") for word in Path(module).parts}
    seen: dict[str, int] = {}
    ranked = []
    for test in sorted(tests, key=lambda test: (seconds.get(test, 0) > QUICK, test)):
        file = test.partition("::")[0]
        seen[file] = seen.get(file, 0) + 1
        path = Path(file.replace("test_", ""))
        shared = len(words & {part.removesuffix(".py") for part in path.parts})
        ranked.append((seconds.get(test, 0) > QUICK, seen[file] // 8, -shared, seen[file], test))
    return [test for *_, test in sorted(ranked)]
