"""Put small faults into the source, one at a time, and report those of which no test fails.

Usage: python -m tests.mutation [COVERAGE] [--seed N] [--sample N] [--under PATH ...]

COVERAGE is the file of a run of the tests with ``--cov-context=test``, beside which ``tests.xml`` says how
long each of them took; without it, files of tests are chosen by the names in them. The source is changed in a
copy. A change meets the nearest of the tests that run its line, then more of them with some of the golden
outputs, and at last all that fit into some minutes, every golden output, and the tests that start programs,
of whose lines the coverage knows nothing. Where no test runs a line, such as one of a table that is imported
before the first of them, the names tell the tests.
Without `--under`, all of the package may be changed; `--under _training _storage.py` chooses among these.
"""

import argparse
import compileall
import itertools
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.mutation.changes import Change, changes
from tests.mutation.covering import Covering, seconds_of_tests
from tests.mutation.naming import Naming
from tests.mutation.places import IN_PROCESSES, QUICK_IN_PROCESSES

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
SOME = 5  # tests of each place that must pass before the first change
FIRST, SECOND = 20, 100  # how many tests a change meets at first, and then
FILES = 2  # of tests that it meets at first, where there is no coverage
REST = 150  # seconds of the tests that it meets at last
SECONDS = 240  # of a processor, after which a change counts as found: it loops
LONGEST = 1800  # seconds in all, after which it does, too: it waits for what never comes
HEAVY = ("numpy", "click", "rich", "safetensors.numpy", "pytest")  # imported once


class Copy:
    """A copy of the package, in which one module at a time is changed; all else is linked beside it.

    Args:
        folder: Where; what is there is removed.
    """

    seconds, longest = SECONDS, LONGEST

    def __init__(self, folder: Path) -> None:
        self.source = folder / "src"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in ROOT.iterdir():
            if path.name not in ("src", "build") and not path.name.startswith("."):
                (folder / path.name).symlink_to(path)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "unspool", self.source / "unspool", ignore=ignored)
        shutil.copy(_native_module(), self.source / "unspool")  # an editable install keeps it elsewhere
        compileall.compile_dir(self.source, quiet=2)

    def survives(self, module: str, change: Change, rounds: Iterable[list[str]]) -> bool:
        """Whether no test of any round fails of a change."""
        path = self.source / module
        before, written = path.read_bytes(), path.stat().st_mtime_ns
        path.write_bytes(change.applied(before))
        os.utime(path, ns=(0, 0))  # so that what was compiled of it before does not count
        try:
            return all(self.passes(tests) for tests in rounds if tests)
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(written, written))

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
        end = time.monotonic() + self.longest
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

        resource.setrlimit(resource.RLIMIT_CPU, (self.seconds, self.seconds))
        for number in (1, 2):
            os.dup2(os.open(self.source.parent / "last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
        sys.path.insert(0, str(self.source))
        sys.dont_write_bytecode = True
        os.environ |= {"PYTHONPATH": f"{self.source}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))


def _native_module() -> str:
    """Return the file of the native module, asked of a process that imports it."""
    program = "import unspool._native as native; print(native.__file__)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return found.stdout.strip()


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


def rounds_of(tests: list[str], seconds: Mapping[str, float]) -> list[list[str]]:
    """Return what a change meets, one round after the other, until a test fails.

    Args:
        tests: Those that run its line, in their order.
        seconds: How long each takes; what is not known takes a second.
    """
    last, left = [], float(REST)
    for test in tests[SECOND:]:
        left -= seconds.get(test, 1.0)
        if left < 0:
            break
        last.append(test)
    return [tests[:FIRST], [*tests[FIRST:SECOND], *QUICK_IN_PROCESSES], last, IN_PROCESSES]


def rounds_of_files(files: list[str]) -> list[list[str]]:
    """Return what a change meets, where files of tests are chosen by names."""
    return [files[:FILES], QUICK_IN_PROCESSES, files[FILES:]]


def main() -> int:
    """Run the sample, and print the survivors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("coverage", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--under", nargs="*", default=[])
    options = parser.parse_args()
    for name in HEAVY:
        __import__(name)
    folder = options.coverage.resolve().parent if options.coverage else ROOT / "build" / "mutation"
    seconds = seconds_of_tests(folder / "tests.xml")
    naming = Naming(ROOT)
    choice = Covering(options.coverage, ROOT / "src", seconds) if options.coverage else naming
    copy = Copy(folder / "copy")
    sample = chosen(options.seed, options.sample, options.under)
    some = set(QUICK_IN_PROCESSES)
    if options.coverage:
        some.update(*(choice.tests(module, change.line)[:SOME] for module, change in sample), IN_PROCESSES)
    if not copy.passes(sorted(some)):
        print(f"without any fault tests fail: {copy.source.parent / 'last.log'} says which")
        return 1
    found = 0
    for number, (module, change) in enumerate(sample, start=1):
        tests = choice.tests(module, change.line)
        if options.coverage and tests:
            rounds = rounds_of(tests, seconds)
        else:
            rounds = [*rounds_of_files(naming.tests(module, change.line)), IN_PROCESSES]
        survives = copy.survives(module, change, rounds)
        found += not survives
        old = (ROOT / "src" / module).read_bytes()[change.begin : change.end].decode()
        word = ("survives" if tests else "no test") if survives else "found"
        print(f"{number:3} {word}  {module}:{change.line}  {old!r} -> {change.new!r}", flush=True)
    print(f"{found} of {len(sample)} were found ({100 * found / max(1, len(sample)):.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
