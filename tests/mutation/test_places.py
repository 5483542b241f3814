"""The tests that the runner names, so that a file that moves does not end its next run."""

from pathlib import Path

import pytest

from tests.mutation.places import IN_PROCESSES, QUICK_IN_PROCESSES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("test", [*IN_PROCESSES, *QUICK_IN_PROCESSES])
def test_a_test_that_starts_programs_is_where_the_runner_looks_for_it(test: str) -> None:
    path, _, area = test.partition("::")
    assert (ROOT / path).is_file()
    name = area.partition("[")[2].rstrip("]")
    assert not name or (ROOT / "tests/golden/data" / name).is_file()
