"""Fixtures shared by all tests."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.told import recording

# Threads of BLAS and OpenMP wait for each other by spinning: with several processes a small product
# takes many times its time. What unspool itself starts is not changed by this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

DATA_FILES = ("ag_news_test.csv", "tinyshakespeare.txt", "names.txt")


def pytest_configure() -> None:
    """Let Ctrl-C be heard, by the programs too that tests start: in the background a shell ignores it.

    Keras gets a backend that is there.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("KERAS_BACKEND", "torch")  # the one that the tests have


@pytest.fixture(autouse=True)
def _heard() -> None:
    """Let Ctrl-C be heard in each test: a command in this process stops hearing it when it ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compare what the errors of a test say, word for word, with what is recorded of it."""
    name = request.node.nodeid
    room = recording.room_of(name)
    if room is None or hasattr(request.function, "hypothesis"):
        yield
        return
    folder = request.getfixturevalue("tmp_path")
    with recording.listening() as errors:
        yield
    said = recording.spelled(errors, folder)
    if sink := os.environ.get("UNSPOOL_TOLD"):
        with Path(sink).open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, said]) + "\n")
    elif (before := recording.recorded(room).get(name)) is not None and said != before:
        lines = [f"- {line}" for line in before if line not in said]
        lines += [f"+ {line}" for line in said if line not in before]
        pytest.fail("\n".join([*lines, f"If it is meant: python -m tests.told.renew {room}"]), pytrace=False)


@pytest.fixture(scope="session", autouse=True)
def working_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Work in an empty folder, in which nothing may be left: what a test writes is below `tmp_path`."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("working")
    os.chdir(folder)
    yield folder
    os.chdir(before)
    assert [path.name for path in folder.iterdir() if path.name != ".hypothesis"] == []


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Find the folder of public test texts, which are never shipped with the project."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("UNSPOOL_TEST_DATA") or root.parent / "shared" / "data")
    missing = [name for name in DATA_FILES if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"no {', '.join(missing)} in {folder}: set UNSPOOL_TEST_DATA to a folder that has them")
    return folder
