"""The check of the kernels, a program without Python: for other processors, and for the sanitizers."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unspool._kernels.machine import kernel_names

ROOT = Path(__file__).resolve().parents[2]


GROUPS = ("plain products", "training steps and logits", "long, wide and many-symbol windows", "texts",
          "optimizers", "hashes of lines")  # fmt: skip


def built(folder: Path, **options: str) -> Path:
    """Build the program, and return its path."""
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("no cmake in PATH; pip install cmake")
    defined = [f"-D{name}={value}" for name, value in {"UNSPOOL_CHECK_KERNELS": "ON", **options}.items()]
    for command in (["-S", str(ROOT), "-B", str(folder), *defined], ["--build", str(folder), "-j", "2"]):
        done = subprocess.run([cmake, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "check_kernels"


@pytest.mark.slow
def test_every_instruction_set_agrees_with_the_plain_build(tmp_path: Path) -> None:
    told = subprocess.run([built(tmp_path), "10"], check=True, capture_output=True, text=True)
    assert told.stdout.splitlines() == [
        f"{name}: {group} agree" for name in kernel_names() for group in GROUPS
    ]


def test_the_sanitizers_find_nothing(tmp_path: Path) -> None:
    """One set of kernels, so that it is quick; `make sanitize` takes all, and the module for Python."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("the sanitizers are asked for on Linux alone")
    program = built(tmp_path, UNSPOOL_PLAIN="ON", UNSPOOL_SANITIZE="address,undefined")
    checked = subprocess.run([program, "6"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.splitlines() == [f"{kernel_names()[-1]}: {group} agree" for group in GROUPS]
