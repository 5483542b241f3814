"""Put small faults into the source, one at a time, and report those of which no test fails.

Usage: python -m tests.mutation COVERAGE [--seed N] [--sample N] [--under PATH ...]

COVERAGE is the file of a run of the tests with ``--cov-context=test``. The source is changed in a copy.
Without `--under`, all of the package may be changed; `--under _training _storage.py` chooses among these.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.mutation.changes import Change, changes
from tests.mutation.covering import Covering

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240  # after which a change counts as found: it loops
HEAVY = ("numpy", "hypothesis", "click", "rich", "safetensors.numpy")  # imported once, not for each change


class Copy:
    """A copy of the package, in which one module at a time is changed.

    Args:
        folder: Where; what is there is removed.
    """

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.rmtree(self.source, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "unspool", self.source / "unspool", ignore=ignored)

    def survives(self, module: str, change: Change, tests: list[str]) -> bool:
        """Whether no test fails of a change."""
        path = self.source / module
        before = path.read_bytes()
        path.write_bytes(change.applied(before))
        try:
            return self._passed(tests)
        finally:
            path.write_bytes(before)

    def _passed(self, tests: list[str]) -> bool:
        """Run tests in a fork, which finds the package in the copy."""
        child = os.fork()
        if child == 0:
            os.setsid()
            code = 1
            try:
                code = self._run(tests)
            finally:
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
    modules = sorted((ROOT / "src").rglob("*.py"))
    every = [
        (module, change)
        for path in modules
        if (module := path.relative_to(ROOT / "src").as_posix()).startswith(
            tuple(f"unspool/{p}" for p in under or [""])
        )
        for change in changes(path.read_bytes())
    ]
    print(f"{len(every):,} changes are possible in {len(modules)} modules", flush=True)
    return random.Random(seed).sample(every, min(sample, len(every)))


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
    covering, copy = Covering(options.coverage), Copy(options.coverage.resolve().parent)
    found = 0
    sample = chosen(options.seed, options.sample, options.under)
    for number, (module, change) in enumerate(sample, start=1):
        tests = covering.tests(module, change.line)
        survives = not tests or copy.survives(module, change, tests)
        found += not survives
        old = (ROOT / "src" / module).read_bytes()[change.begin : change.end].decode()
        word = ("survives" if tests else "no test") if survives else "found"
        print(f"{number:3} {word}  {module}:{change.line}  {old!r} -> {change.new!r}", flush=True)
    print(f"{found} of {len(sample)} were found ({100 * found / max(1, len(sample)):.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
