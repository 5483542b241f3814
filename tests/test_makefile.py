"""What `make test-all` says of its parts, whatever becomes of them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_all_parts_are_made_and_the_last_line_says_how_they_ended(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("no make in PATH")
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "test-all", "TORCH=none", f"LOGS={tmp_path / 'logs'}", "PARTS=help no-such-part help"]
    done = subprocess.run(command, cwd=ROOT, env=outside, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    lines = done.stdout.splitlines()
    assert re.sub(r" \d+ min", " M min", lines[-1]) == (
        "test-all: passed: help M min, help M min; failed: no-such-part M min"
    )
    end = lines.index(f"== the end of {tmp_path}/logs/no-such-part.log, which failed")
    assert "no-such-part" in lines[end + 1]  # what was on standard error
    passed = subprocess.run(
        [*command[:4], "PARTS=help"], cwd=ROOT, env=outside, capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"test-all: passed: help \d+ min; failed: none", passed.stdout.splitlines()[-1])
