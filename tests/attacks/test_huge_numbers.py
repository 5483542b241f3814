"""Every whole-number flag takes or refuses a number that no machine has, without its memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .huge_program import LINES

HERE = Path(__file__).resolve().parents[2]
# A number of texts, of passes or of steps may be any: the command works on until it is stopped.
ENDLESS = {"epochs", "minutes", "n", "num_return_sequences", "limit", "symbols_per_trial", "patience"}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", LINES)
def test_a_number_that_no_machine_has_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.attacks.huge_program", name]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cases = [json.loads(line) for line in done.stdout.splitlines()]
    flags = {case["flag"] for case in cases}
    assert flags >= {"threads"}
    assert len(cases) == 2 * len(flags)
    for case in cases:
        if case["end"] == "refused":
            assert case["said"].splitlines()[-1].startswith("unspool: "), case
        elif case["end"] == "runs on":
            assert case["flag"] in ENDLESS, case
        else:
            assert case["end"] == "ran", case
