"""`uvx unspool` and `pipx run unspool`, as they will read once unspool is in the public index."""

import shutil
import sys
from pathlib import Path

import pytest

from .conftest import Stranger, index

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TOOLS = Path(sys.executable).parent


@pytest.fixture
def bare(tmp_path: Path) -> Stranger:
    """Nobody's folder, with uv and pipx in its PATH, what uv's scripts call, and nothing else."""
    there = Stranger(tmp_path)
    there.bin.mkdir(parents=True)
    for name in ("uv", "uvx", "pipx"):
        place = TOOLS / name
        if not place.exists():
            pytest.skip(f"no {name}: make check-wheel installs it")
        (there.bin / name).symlink_to(place)
    (there.bin / "python3").symlink_to(sys.executable)
    for name in ("realpath", "dirname"):
        (there.bin / name).symlink_to(shutil.which(name) or pytest.skip(f"no {name}"))
    return there


def test_uvx_runs_the_demo(bare: Stranger, dist: Path, tmp_path: Path) -> None:
    with index(dist, tmp_path / "index") as address:
        shown = bare.succeeds("uvx", "--index", address, "unspool", "demo", "--epochs", "1")
    assert "Return " in shown


def test_pipx_runs_the_demo(bare: Stranger, dist: Path, tmp_path: Path) -> None:
    with index(dist, tmp_path / "index") as address:
        options = f"--pip-args=--extra-index-url={address}"
        shown = bare.succeeds("pipx", "run", options, "unspool", "demo", "--epochs", "1")
    assert "Return " in shown
