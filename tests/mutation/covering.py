"""Which tests run which line: what `coverage` wrote down while all of them ran."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from coverage.numbits import numbits_to_nums

MOST_TESTS = 80  # that are run for one change


class Covering:
    """The tests of each line.

    Args:
        data: The file of `coverage`, of a run with ``--cov-context=test``.
    """

    def __init__(self, data: Path) -> None:
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

        Where only an import runs it, these are the tests that run any line of the module.

        Args:
            module: The file, below ``src``.
            line: The first line of a statement, from 1.
        """
        lines = self._tests.get(module, {})
        found = lines.get(line, set())
        return _nearest((set().union(*lines.values()) if found == {""} else found) - {""}, module)


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
