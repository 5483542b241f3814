"""A model before and after a fork: no child waits for what only its parent's threads could do."""

import subprocess
import sys
from pathlib import Path

import pytest

from . import forking_program
from .artifacts.models import make_model, save

PROGRAM = Path(forking_program.__file__)


def run(folder: Path, name: str, *arguments: str) -> None:
    save(folder, make_model(3, "abcdnory", hidden_size=12, cell="lstm"))
    # forks beside threads are warned of since Python 3.12
    command = [sys.executable, "-W", "ignore", str(PROGRAM), name, str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_fork_while_threads_use_the_model(tmp_path: Path) -> None:
    run(tmp_path, "forks_while_threads_use_the_model", "40")


@pytest.mark.slow
def test_many_forks_while_threads_use_the_model(tmp_path: Path) -> None:
    run(tmp_path, "forks_while_threads_use_the_model", "1000")


@pytest.mark.parametrize(
    "name", ["a_child_ends_as_any_program", "a_stream_goes_on_in_both", "processes_of_every_kind"]
)
def test_forks_of_other_kinds(tmp_path: Path, name: str) -> None:
    run(tmp_path, name)


def test_a_program_whose_child_fails_ends() -> None:
    """What goes wrong while its threads are at work ends them too."""
    import threading

    before = threading.active_count()
    with pytest.raises(AssertionError, match="a child failed"), forking_program.at_work(lambda: None):
        raise AssertionError("a child failed")
    assert threading.active_count() == before
