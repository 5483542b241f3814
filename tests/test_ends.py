"""How a program that holds a model ends: in order, in silence, whatever its threads are at."""

import subprocess
import sys
from pathlib import Path

import pytest

from . import ending_program
from .artifacts.models import make_model, save
from .ending_program import IN_ORDER, WITH_DAEMONS

PROGRAM = Path(ending_program.__file__)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save(folder, make_model(3, "abcdnory", hidden_size=12, cell="lstm"))
    return folder


def assert_ends_in_silence(*arguments: str) -> None:
    command = [sys.executable, str(PROGRAM), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", IN_ORDER)
def test_no_object_outlives_the_interpreter(folder: Path, name: str) -> None:
    assert_ends_in_silence("IN_ORDER", name, str(folder), "2")


@pytest.mark.parametrize("name", WITH_DAEMONS)
def test_daemon_threads_end_with_the_interpreter(folder: Path, name: str) -> None:
    assert_ends_in_silence("WITH_DAEMONS", name, str(folder), "6")


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_DAEMONS)
def test_daemon_threads_end_with_the_interpreter_every_time(folder: Path, name: str) -> None:
    assert_ends_in_silence("WITH_DAEMONS", name, str(folder), "100")
