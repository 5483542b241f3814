"""The machine in words: its processor, its instructions, the versions of the measured packages."""

import importlib.metadata
import platform
from dataclasses import dataclass

from unspool._kernels.machine import chosen_kernels
from unspool._system import available_processors, load_average, processor_words

PACKAGES = ("unspool", "numpy", "torch", "jax", "keras", "tensorflow-cpu", "tensorflow")
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}  # by the system's flag, widest first
BF16 = ("amx_bf16", "avx512_bf16", "bf16")  # flags of products in bf16: Intel's, Intel's and AMD's, Arm's


@dataclass(frozen=True)
class Machine:
    """The machine and the conditions of a measurement.

    Args:
        processor: The system's name of the processor.
        vectors: Its widest vector instructions.
        bf16: Its instructions for products in bf16, or None.
        kernels: The instruction set of unspool's kernels.
        cores: Number of processors that this process may use.
        system: The system and the architecture.
        python: The version of Python.
        versions: The version of each installed package.
        threads: Number of threads of every contender.
        precision: Precision of unspool's products.
        load: Mean number of processes that were running or waiting in the minute before; None where the
            system does not count.
    """

    processor: str
    vectors: str
    bf16: str | None
    kernels: str
    cores: int
    system: str
    python: str
    versions: dict[str, str]
    threads: int
    precision: str
    load: float | None


def installed(package: str) -> str | None:
    """Return a package's version, or None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor(lines: list[str]) -> str:
    """Return the system's name of the processor."""
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def first_flag(lines: list[str], flags: tuple[str, ...]) -> str | None:
    """Return the first of these flags that the processor has, or None."""
    rows = [line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features"))]
    present = set(" ".join(rows).split())
    return next((flag for flag in flags if flag in present), None)


def describe(*, threads: int, precision: str = "float32") -> Machine:
    """Return the description of this machine, its versions and the conditions of a run."""
    lines = processor_words()
    return Machine(
        processor=processor(lines),
        vectors=VECTORS.get(first_flag(lines, tuple(VECTORS)) or "", "unknown"),
        bf16=first_flag(lines, BF16),
        kernels=chosen_kernels(),
        cores=available_processors(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: version for name in PACKAGES if (version := installed(name))},
        threads=threads,
        precision=precision,
        load=load_average(),
    )
