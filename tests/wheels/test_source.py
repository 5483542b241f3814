"""The source archive where there is no compiler: the end of what pip prints says what to install."""

import sys
from pathlib import Path

import pytest

from .conftest import new_stranger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_without_a_compiler_one_line_says_what_to_install(dist: Path, tmp_path: Path) -> None:
    (archive,) = dist.glob("unspool-*.tar.gz")
    done = new_stranger(tmp_path / "stranger", sys.executable).run("python", "-m", "pip", "install", archive)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "apt install g++" in line]
    assert len(lines) == 1, done.stderr
    assert all(word in lines[0] for word in ("C++20", "dnf install", "xcode-select", "Visual Studio"))
