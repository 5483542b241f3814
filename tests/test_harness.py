"""What the tests themselves stand on: an end, a folder of their own, and a Ctrl-C that is heard."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def test_no_test_runs_for_ever(request: pytest.FixtureRequest) -> None:
    assert 0 < float(request.config.getini("timeout")) <= 600


def test_the_tests_do_not_work_in_the_repository(working_folder: Path) -> None:
    assert Path.cwd() == working_folder
    assert ROOT not in [working_folder, *working_folder.parents]


def test_the_tests_pass_where_ctrl_c_was_ignored_at_their_start() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/training/test_interrupts.py"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
