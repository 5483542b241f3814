"""Put small faults into the source, one at a time, and report those of which no test fails.

Usage: python -m tests.mutation COVERAGE [--seed N] [--sample N] [--under PATH ...]

COVERAGE is the file of a run of the tests with ``--cov-context=test``. The source is changed in a copy.
Without `--under`, all of the package may be changed; `--under _training _storage.py` chooses among these.
"""

import argparse
import itertools
import os
import random
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

from tests.mutation.changes import Change, changes
from tests.mutation.covering import Covering

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
SOME = 5  # tests of each place that must pass before the first change
SECONDS = 240  # after which a change counts as found: it loops
# Run commands in processes of their own, where the coverage does not see which lines they run.
IN_PROCESSES = [
    f"tests/golden/test_golden.py::test_it_writes_what_it_wrote[{area}]"
    for area in (
        "signatures.txt",
        "command-help.txt",
        "command-errors.txt",
        "command-score.txt",
        "command-others.txt",
    )
]
HEAVY = ("numpy", "click", "rich", "safetensors.numpy")  # imported once, not for each change


class Copy:
    """A copy of the package, in which one module at a time is changed; all else is linked beside it.

    Args:
        folder: Where; what is there is removed.
    """

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in ROOT.iterdir():
            if path.name not in ("src", "build") and not path.name.startswith("."):
                (folder / path.name).symlink_to(path)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "unspool", self.source / "unspool", ignore=ignored)

    def survives(self, module: str, change: Change, tests: list[str]) -> bool:
        """Whether no test fails of a change."""
        path = self.source / module
        before = path.read_bytes()
        path.write_bytes(change.applied(before))
        try:
            return self.passes(tests)
        finally:
            path.write_bytes(before)

    def passes(self, tests: list[str]) -> bool:
        """Run tests in a fork, which finds the package in the copy; return whether all pass."""
        child = os.fork()
        if child == 0:
            os.setsid()
            code = 1
            try:
                code = self._run(tests)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(code)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status) == 0
            time.sleep(0.05)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return False

    def _run(self, tests: list[str]) -> int:
        import pytest

        for number in (1, 2):
            os.dup2(os.open(self.source.parent / "last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
        sys.path.insert(0, str(self.source))
        sys.dont_write_bytecode = True
        os.environ |= {"PYTHONPATH": f"{self.source}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))


def chosen(seed: int, sample: int, under: list[str]) -> list[tuple[str, Change]]:
    """Choose changes at random among all of the package."""
    sources = {path.relative_to(ROOT / "src").as_posix(): path.read_bytes() for path in SOURCES}
    beginnings = tuple(f"unspool/{place}" for place in under or [""])
    every = [
        (module, change)
        for module, source in sources.items()
        if module.startswith(beginnings)
        for change in changes(source)
    ]
    print(f"{len(every):,} changes are possible", flush=True)
    random.Random(seed).shuffle(every)
    whole = ((module, change) for module, change in every if change.parses(sources[module]))
    return list(itertools.islice(whole, sample))


def main() -> int:
    """Run the sample, and print the survivors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("coverage", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--under", nargs="*", default=[])
    options = parser.parse_args()
    for name in HEAVY:
        __import__(name)
    covering, copy = (
        Covering(options.coverage, ROOT / "src"),
        Copy(options.coverage.resolve().parent / "copy"),
    )
    sample = chosen(options.seed, options.sample, options.under)
    some = {test for module, change in sample for test in covering.tests(module, change.line)[:SOME]}
    some.update(IN_PROCESSES)
    if not copy.passes(sorted(some)):
        print(f"without any fault tests fail: {copy.source.parent / 'last.log'} says which")
        return 1
    found = 0
    for number, (module, change) in enumerate(sample, start=1):
        tests = covering.tests(module, change.line)
        survives = copy.survives(module, change, [*tests, *IN_PROCESSES])
        found += not survives
        old = (ROOT / "src" / module).read_bytes()[change.begin : change.end].decode()
        word = ("survives" if tests else "no test") if survives else "found"
        print(f"{number:3} {word}  {module}:{change.line}  {old!r} -> {change.new!r}", flush=True)
    print(f"{found} of {len(sample)} were found ({100 * found / max(1, len(sample)):.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
