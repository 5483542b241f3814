"""Any call of the system may fail, or be the last: what is left can be used, and the next call mends it.

Full disks, broken disks, interruptions, writes of a part, and kill -9, at calls of train, resume,
sample --out, export, sweep and the cache of corpora. After each of them the command is run once more, and
must leave the same bytes as a command that nothing happened to. Each case is a fork of one process.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.attacked_program import FAULTS
from tests.attacks.attacks import ATTACKS

HERE = Path(__file__).parent
# One call of so many is attacked in the quick suite, each by the next fault; 0 is every call by every fault.
STRIDES = {
    "train": 5,
    "resume": 5,
    "sample": 1,
    "export": 1,
    "export without exchange": 1,
    "cache": 1,
    "cache from files": 1,
    "sweep": 11,
}
EXPECTED = {  # calls that each command must make, or the attack has missed it
    "train": {"open64", "write", "fsync", "rename", "mkdir"},
    "resume": {"open64", "write", "fsync", "rename"},
    "sample": {"open64", "write", "fsync", "rename"},
    "export": {"open64", "write", "fsync", "mkdir", "renameat2", "unlinkat"},
    "export without exchange": {"open64", "write", "fsync", "mkdir", "rename", "unlinkat"},
    "cache": {"open64", "write", "mkdir", "rename"},
    "cache from files": {"open64", "write", "linkat", "rename"},
    "sweep": {"open64", "pwrite64"},
}


@pytest.fixture(scope="session")
def failing_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("calls of the system are made to fail on Linux, by a library that needs a C compiler")
    library = tmp_path_factory.mktemp("library") / "failing_calls.so"
    command = [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(HERE / "failing_calls.c"), "-ldl"], check=True)
    return library


def attack(name: str, library: Path, place: Path, stride: int) -> list[dict[str, Any]]:
    """Attack a command, and return the cases."""
    command = [sys.executable, "-m", "tests.attacks.attacked_program", name, str(place), str(stride)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("UNSPOOL_")}
    done = subprocess.run(
        command, env=environment | {"LD_PRELOAD": str(library)}, cwd=HERE.parents[1],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(name: str, cases: list[dict[str, Any]]) -> None:
    problems = [case for case in cases if case["problems"]]
    assert problems == []
    assert {case["call"] for case in cases} >= EXPECTED[name]
    assert {case["code"] for case in cases} >= {-9, 0, 2}  # some were fatal, some passed, some were errors


@pytest.mark.parametrize("name", ATTACKS)
def test_a_call_that_fails_leaves_what_the_next_command_makes_whole(
    name: str, failing_calls: Path, tmp_path: Path
) -> None:
    check(name, attack(name, failing_calls, tmp_path, STRIDES[name]))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ATTACKS)
def test_so_does_every_call_with_every_fault(name: str, failing_calls: Path, tmp_path: Path) -> None:
    cases = attack(name, failing_calls, tmp_path, 0)
    check(name, cases)
    assert len(cases) == len(FAULTS) * len({case["turn"] for case in cases})
