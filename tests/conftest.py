"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest

DATA_FILES = ("ag_news_test.csv", "tinyshakespeare.txt", "names.txt")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Find the folder of public test texts, which are never shipped with the project."""
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("UNSPOOL_TEST_DATA") or root.parent / "shared" / "data")
    missing = [name for name in DATA_FILES if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"no {', '.join(missing)} in {folder}: set UNSPOOL_TEST_DATA to a folder that has them")
    return folder
