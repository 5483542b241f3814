"""What is in the wheels: their size, their platform, the licences of what they carry."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.kernels.test_dispatch import NEEDED

pytestmark = pytest.mark.slow

MOST_BYTES = 5_000_000
NOTICES = ("nanobind", "robin-map", "libc++", "compiler_rt")


def checked(*command: str | Path) -> str:
    """Run a module of Python that checks something, which must be content, and return what it says."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheels(dist: Path) -> list[Path]:
    """List the wheels."""
    return sorted(dist.glob("*.whl"))


def test_each_is_small_and_has_its_licences(dist: Path) -> None:
    for wheel in wheels(dist):
        assert wheel.stat().st_size <= MOST_BYTES, wheel.name
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            (notice,) = (name for name in names if name.endswith("/licenses/NOTICE"))
            text = archive.read(notice).decode()
        assert [word for word in NOTICES if word not in text] == [], wheel.name
        assert any(name.endswith("/licenses/LICENSE") for name in names), wheel.name
        assert sum("/_native." in name and name.endswith(".so") for name in names) == 1, wheel.name


def test_each_has_every_set_of_kernels_of_its_processor(dist: Path) -> None:
    for wheel in wheels(dist):
        with zipfile.ZipFile(wheel) as archive:
            (native,) = (name for name in archive.namelist() if name.endswith(".so"))
            module = archive.read(native)
        (names,) = (names for processor, names in NEEDED.items() if wheel.stem.endswith(processor))
        assert [name for name in names if f"\0{name}\0".encode() not in module] == [], wheel.name


def test_the_checkers_of_packages_are_content(dist: Path) -> None:
    checked("twine", "check", "--strict", *dist.glob("unspool-*"))
    checked("check_wheel_contents", *wheels(dist))


def test_each_keeps_to_the_platform_of_its_name(dist: Path) -> None:
    for wheel in wheels(dist):
        tags = wheel.stem.rsplit("-", 1)[1].split(".")
        assert all(tag.startswith(("manylinux", "musllinux")) for tag in tags), wheel.name
        shown = " ".join(checked("auditwheel", "show", wheel).split())
        assert any(f'platform tag: "{tag}"' in shown for tag in tags), shown


def test_the_stable_interface_is_kept(dist: Path) -> None:
    for wheel in wheels(dist):
        if "-abi3-" in wheel.name:
            checked("abi3audit", "--strict", "--assume-minimum-abi3", "3.12", wheel)
