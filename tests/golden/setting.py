"""The surroundings that golden outputs are made in, and those that they were made in.

Bits depend on the instruction set, which the environment fixes here for the kernels, for OpenBLAS (the first
weights are made orthogonal by LAPACK) and for NumPy; on the compiler of the native module; and on NumPy's
release. Of these two the golden folder says which they were. Everywhere else the digests of weights are left
out: all texts and rounded figures are still compared.
"""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import unspool
from unspool import _native

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(unspool.__file__).parents[1]  # the package that is tested, which may be a changed copy
DATA = Path(__file__).resolve().parent / "data"
KERNELS = "avx2"
NO_KERNELS = 77  # the exit code where the processor or the build does not have them
# What NumPy is to leave alone.
ABOVE = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR X86_V4"


def surroundings(folder: Path, *, threads: int) -> dict[str, str]:
    """Return the environment of the process that makes them; the seed of Python's hashes stays as it is."""
    kept = ("PATH", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "TMPDIR", "SYSTEMROOT")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": f"{SOURCE}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1",
        "HOME": str(folder),
        "UNSPOOL_KERNELS": KERNELS, "UNSPOOL_EMULATE_BF16": "1", "UNSPOOL_THREADS": str(threads),
        "UNSPOOL_CACHE": str(folder / "cache"), "GOLDEN_THREADS": str(threads), "OPENBLAS_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": ABOVE, "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "100", "LINES": "40",
    }  # fmt: skip


class NoKernelsError(Exception):
    """Say that the processor or the build does not have the kernels."""


def made(area: str, folder: Path, *, threads: int = 1) -> str:
    """Return what an area is today.

    Raises:
        NoKernelsError: If the kernels are not there.
        RuntimeError: If it cannot be made.
    """
    place = folder / "place"
    place.mkdir()
    file = folder / area
    done = subprocess.run(
        [sys.executable, "-m", "tests.golden.make", area, str(file)], cwd=place,
        env=surroundings(place, threads=threads), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode == NO_KERNELS:
        raise NoKernelsError(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"{area} cannot be made:\n{done.stderr[-3000:]}")
    return file.read_text("utf-8")


def environment() -> dict[str, str]:
    """Describe what the last bits depend on, beside the instruction set."""
    return {"compiler": _native.compiler, "numpy": version("numpy")}


def recorded() -> dict[str, str]:
    """Read in what environment the digests were made."""
    return dict(json.loads((DATA / "environment.json").read_text("utf-8")))
