"""The native code built for other systems than this one, by zig, and run for Windows under wine.

`make check-portable` installs zig and runs this; wine comes from the system.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.test_check_program import GROUPS, built
from unspool._kernels.machine import kernel_names

ROOT = Path(__file__).resolve().parents[2]
LINUX_ALONE = {"amx_bf16"}  # its tiles are asked of the system
MACH_O = bytes.fromhex("cffaedfe")
APPLE_PROCESSORS = {"x86_64": bytes.fromhex("07000001"), "arm64": bytes.fromhex("0c000001")}

pytestmark = [pytest.mark.slow, pytest.mark.portable, pytest.mark.timeout(1800)]


@pytest.fixture
def zig() -> Path:
    """Return zig, a compiler that has the headers and libraries of every system."""
    package = importlib.util.find_spec("ziglang")
    if package is None or package.origin is None:
        pytest.skip("no zig: pip install ziglang")
    return Path(package.origin).with_name("zig")


@pytest.mark.parametrize("processor", list(APPLE_PROCESSORS))
def test_it_compiles_for_macos(
    tmp_path: Path, zig: Path, processor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "aarch64" if processor == "arm64" else processor
    monkeypatch.setenv("CXX", f"{zig} c++ -target {target}-macos")
    program = built(tmp_path, CMAKE_SYSTEM_NAME="Darwin", CMAKE_SYSTEM_PROCESSOR=processor)
    assert program.read_bytes()[:8] == MACH_O + APPLE_PROCESSORS[processor]


def test_every_kernel_agrees_under_windows(
    tmp_path: Path, zig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program runs all kernels that it finds, so that the best of this processor must be among them."""
    monkeypatch.setenv("CXX", f"{zig} c++ -target x86_64-windows-gnu")
    program = built(tmp_path, CMAKE_SYSTEM_NAME="Windows", CMAKE_SYSTEM_PROCESSOR="x86_64")
    wine = shutil.which("wine")
    if wine is None:
        pytest.skip("compiled, and not run: no wine in PATH")
    quiet = {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
    checked = subprocess.run(
        [wine, program.with_suffix(".exe"), "8"], env=os.environ | quiet, stdout=subprocess.PIPE, check=True
    )
    here = [name for name in kernel_names() if name not in LINUX_ALONE]
    assert checked.stdout.decode().splitlines() == [
        f"{name}: {group} agree" for name in here for group in GROUPS
    ]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_python_uses_only_what_the_system_has(system: str) -> None:
    """The type checker knows the standard library of each system."""
    command = [sys.executable, "-m", "mypy", "--platform", system]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
