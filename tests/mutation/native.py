"""Put small faults into native code, one at a time, and report those of which no test fails.

Usage: python -m tests.mutation.native [--seed N] [--sample N] [--under PATH ...]

The source is changed in a copy, `build/mutation/native`, and compiled there for AVX2 alone; what the other
instruction sets of this processor have of their own is compiled for all of them. A fault that does not
compile, or after which the machine code is the same, is drawn again: so are those in code for other
processors. Each one meets some of the tests of its room, golden outputs, then more of its room's tests and of
the others. `--under native/writing` chooses among all files.
"""

import argparse
import importlib
import itertools
import os
import random
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.__main__ import GOLDEN, HEAVY, ROOT, Copy
from tests.mutation.changes import Change
from tests.mutation.native_changes import changes, conditions_at

FOLDER = ROOT / "build" / "mutation" / "native"
LEFT_OUT = ("native/checks", "native/web")  # a program, and WebAssembly: not in the module
ALL_SETS = ("native/products/amx.h", "native/dispatch/x86.h", "native/dispatch/dispatch.cpp")
DISPATCH = "tests/kernels/test_dispatch.py"  # asks for all kernels that the processor has
# Tests of each room of native/; a test of another engine says nothing of native code.
NEAR = {
    "binding": ("attacks/test_native_faces.py", "kernels/test_writer.py", "kernels/test_conditions.py",
                "kernels/test_stop.py", "kernels/test_optimizers.py", "engines/test_conditions.py"),
    "dispatch": ("kernels/test_dispatch.py", "kernels/test_threads.py", "kernels/test_operations.py"),
    "products": ("kernels/test_operations.py", "kernels/test_bf16.py", "engines/test_bf16.py"),
    "network": ("engines/test_gradients.py", "engines/test_forward.py", "engines/test_contract.py",
                "engines/test_conditions.py", "kernels/test_operations.py", "training/test_optimizers.py"),
    "writing": ("engines/test_generation.py", "engines/test_writer.py", "generation/sampling/test_draw.py",
                "generation/sampling/test_penalties.py", "kernels/test_writer.py"),
    "text": ("kernels/test_lines.py", "kernels/test_matching.py", "text/encoding/test_lines_to_ids.py",
             "text/test_novelty.py"),
}  # fmt: skip
OTHERS = "not torch and not reference and not sanitizers"
OF_EACH = 6  # variants of one test
FIRST, SECOND, REST = 40, 120, 40  # tests of its room that a fault meets at first, and then; those of others
GOLDENS = (("texts-options.jsonl",), ("digests.json", "texts-random.jsonl"),
           ("texts-constraints.jsonl", "texts-steered.jsonl", "figures.jsonl", "searches.jsonl"))  # fmt: skip
MEMORY = 8 << 30  # bytes of addresses, after which a fault counts as found


class NativeCopy(Copy):
    """A copy of the package and of the native code, with a folder for each of two builds."""

    seconds, longest = 60, 600

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "copy")
        self.root = folder / "copy"
        (self.root / "native").unlink()
        # newer than a build, which may be that of a fault
        shutil.copytree(ROOT / "native", self.root / "native", copy_function=shutil.copy)
        for module in (self.source / "unspool").glob("_native*"):
            module.unlink()
        self._builds = {quick: folder / ("quick" if quick else "whole") for quick in (True, False)}
        self._plain: dict[bool, bytes] = {}  # the modules without a fault

    def compiled(self, *, quick: bool) -> bytes | None:
        """Compile the module as the code is now; return it, or nothing if it does not compile."""
        build = self._builds[quick]
        if not (build / "build.ninja").is_file():
            where = [sys.executable, "-m", "nanobind", "--cmake_dir"]
            nanobind = subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()
            options = {"CMAKE_BUILD_TYPE": "Release", "Python_EXECUTABLE": sys.executable,
                       "nanobind_DIR": nanobind, "UNSPOOL_QUICK": "ON" if quick else "OFF"}  # fmt: skip
            defined = [f"-D{name}={value}" for name, value in options.items()]
            command = ["cmake", "-G", "Ninja", "-S", str(self.root), "-B", str(build), *defined]
            subprocess.run(command, check=True, capture_output=True)
        done = subprocess.run(
            ["cmake", "--build", str(build), "--target", "_native", "-j", "2"],
            capture_output=True,
            check=False,
        )
        return next(build.glob("_native*.so")).read_bytes() if done.returncode == 0 else None

    def take(self, module: bytes) -> None:
        """Put a module into the copy of the package."""
        (self.source / "unspool" / "_native.abi3.so").write_bytes(module)

    def plain(self, *, quick: bool) -> bytes:
        """Return the module without a fault."""
        if quick not in self._plain:
            module = self.compiled(quick=quick)
            if module is None:
                raise RuntimeError(
                    f"without any fault it does not compile: cmake --build {self._builds[quick]}"
                )
            self._plain[quick] = module
        return self._plain[quick]

    def try_change(self, file: str, change: Change, rounds: list[list[str]], *, quick: bool) -> int | None:
        """Return the round of tests that finds a change, from 1, or 0; nothing for the same module."""
        path, plain = self.root / file, self.plain(quick=quick)
        before = path.read_bytes()
        path.write_bytes(change.applied(before))
        try:
            module = self.compiled(quick=quick)
        finally:
            path.write_bytes(before)
        if module is None or module == plain:
            return None
        self.take(module)
        return next((number for number, tests in enumerate(rounds, 1) if not self.passes(tests)), 0)

    def _run(self, tests: list[str]) -> int:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        return super()._run(tests)


def drawn(seed: int, under: list[str]) -> Iterator[tuple[str, Change, bool]]:
    """Yield changes at random, each with its file and with whether the quick build has it."""
    every = []
    for path in sorted((ROOT / "native").rglob("*.*")):
        file = path.relative_to(ROOT).as_posix()
        if path.suffix in (".h", ".cpp") and not file.startswith(LEFT_OUT) and file.startswith(tuple(under)):
            source = path.read_text("ascii")
            every += [(file, change, is_quick(file, source, change)) for change in changes(source)]
    print(f"{len(every):,} changes are possible", flush=True)
    random.Random(seed).shuffle(every)
    yield from every


def is_quick(file: str, source: str, change: Change) -> bool:
    """Whether the build for AVX2 alone shows what a change does."""
    conditions = conditions_at(source, change.begin)
    return file not in ALL_SETS and not re.search(r"(?<!not )defined\(UNSPOOL_(AMX|BF16)", conditions)


def tests_of(copy: NativeCopy, *, quick: bool) -> list[str]:
    """Return some variants of each test: first one of each, then two."""
    files = {f"tests/{file}" for room in NEAR.values() for file in room} - ({DISPATCH} if quick else set())
    copy.passes(["-v", "--collect-only", "-k", OTHERS, *sorted(files)])  # their names depend on the kernels
    groups: dict[str, list[str]] = {}
    for test in (copy.root / "last.log").read_text("utf-8").splitlines():
        if "::" in test:
            groups.setdefault(test.partition("[")[0], []).append(test)
    draw = random.Random(0)
    turns = [draw.sample(group, min(OF_EACH, len(group))) for group in groups.values()]
    return [test for turn in itertools.zip_longest(*turns) for test in turn if test is not None]


def rounds_of(file: str, tests: list[str]) -> list[list[str]]:
    """Return what a change of a file meets, one round after the other, until a test fails."""
    near = tuple(f"tests/{name}" for name in NEAR.get(file.split("/")[1], ()))
    mine = [test for test in tests if test.startswith(near)]
    others = [test for test in tests if not test.startswith(near)]
    golden = [[f"{GOLDEN}[{area}]" for area in areas] for areas in GOLDENS]
    return [golden[0], mine[:FIRST], golden[1], mine[FIRST:SECOND], others[:REST], golden[2]]


def main() -> int:
    """Run the sample, and print the survivors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=30)
    parser.add_argument("--under", nargs="*", default=[])
    options = parser.parse_args()
    for name in HEAVY:
        importlib.import_module(name)
    os.environ.pop("UNSPOOL_KERNELS", None)
    copy, tests = NativeCopy(FOLDER), dict[bool, list[str]]()
    found = number = 0
    for file, change, quick in drawn(options.seed, options.under or ["native"]):
        if quick not in tests:
            copy.take(copy.plain(quick=quick))
            tests[quick] = tests_of(copy, quick=quick)
            if not all(map(copy.passes, rounds_of(file, tests[quick]))):
                print(f"without any fault tests fail: {copy.root / 'last.log'} says which")
                return 1
        first = copy.try_change(file, change, rounds_of(file, tests[quick]), quick=quick)
        if first is None:
            continue
        number += 1
        found += first > 0
        old = (ROOT / file).read_bytes()[change.begin : change.end].decode()
        word = f"found {first}" if first else "survives"
        print(f"{number:3} {word:8}  {file}:{change.line}  {old!r} -> {change.new!r}", flush=True)
        if number == options.sample:
            break
    print(f"{found} of {number} were found ({100 * found / max(1, number):.0f} %)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
