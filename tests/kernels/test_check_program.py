"""The check of the kernels for other processors: it builds without Python, and agrees on this one."""

import shutil
import subprocess
from pathlib import Path

import pytest

from unspool._kernels.machine import kernel_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_every_instruction_set_agrees_with_the_plain_build(tmp_path: Path) -> None:
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("no cmake in PATH; pip install cmake")
    made = [cmake, "-S", str(ROOT), "-B", str(tmp_path), "-DUNSPOOL_CHECK_KERNELS=ON"]
    subprocess.run(made, check=True, capture_output=True)
    subprocess.run([cmake, "--build", str(tmp_path)], check=True, capture_output=True)
    told = subprocess.run([tmp_path / "check_kernels", "10"], check=True, capture_output=True, text=True)
    groups = ("plain products", "training steps and logits", "long, wide and many-symbol windows", "texts",
              "optimizers", "hashes of lines")  # fmt: skip
    assert told.stdout.splitlines() == [
        f"{name}: {group} agree" for name in kernel_names() for group in groups
    ]
