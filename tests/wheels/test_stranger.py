"""A wheel as a stranger has it: a clean environment, no compiler, no checkout."""

import json
import shutil
from pathlib import Path

import pytest

from .conftest import ROOT, Stranger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

# What the native module does, by tests that need nothing but pytest and hypothesis.
SUITES = ("kernels", "engines", "generation", "training/test_loop.py", "test_ends.py", "test_forks.py",
          "test_installed.py", "test_imports.py")  # fmt: skip
INSTALL = ("python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:")


def test_there_is_no_compiler_and_the_demo_writes(stranger: Stranger) -> None:
    assert [
        name for name in ("cc", "c++", "g++", "clang++", "cmake") if shutil.which(name, path=stranger.bin)
    ] == []
    shown = json.loads(stranger.succeeds("unspool", "demo", "--json", "--epochs", "2"))
    assert shown["samples"]
    assert all(isinstance(sample["text"], str) for sample in shown["samples"])
    written = stranger.succeeds("unspool", "sample", "runs/demo", "Return ", "--n", "3", "--seed", "0")
    assert len(written.splitlines()) == 3


def test_it_runs_from_the_wheel_alone(stranger: Stranger) -> None:
    place = stranger.succeeds("python", "-c", "import unspool._native as native; print(native.__file__)")
    assert Path(place.strip()).is_relative_to(stranger.folder / "venv")


def test_the_tests_pass_on_the_installed_package(stranger: Stranger) -> None:
    for name in ("tests", "native", "docs"):  # some tests read the native source, or a page
        shutil.copytree(
            ROOT / name,
            stranger.folder / name,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
    tests = stranger.folder / "tests"
    shutil.copy(ROOT / "pyproject.toml", stranger.folder)
    stranger.succeeds(*INSTALL, "pytest", "pytest-timeout", "pytest-xdist", "hypothesis")
    suites = [str(tests / suite) for suite in SUITES]
    compiled = tests / "kernels" / "test_check_program.py"  # it builds the checkout
    options = ("-p", "no:cacheprovider", "-n", "auto", "--dist", "worksteal", f"--ignore={compiled}")
    # Whether threads stay on one processor is not the wheel's: others who compute decide it.
    stranger.succeeds("python", "-m", "pytest", *options, "-k", "not stay_on_one_processor", *suites)


@pytest.mark.parametrize("home", ["/dev/null", "/nowhere/at/all"])
def test_a_home_that_cannot_be_written_is_no_obstacle(stranger: Stranger, home: str) -> None:
    stranger.succeeds("unspool", "demo", "--epochs", "1", "--out", "homeless", HOME=home)
    asked = stranger.run("unspool", "cache", HOME=home)
    assert asked.returncode in (0, 2)
    assert len(asked.stderr.splitlines()) <= 1
