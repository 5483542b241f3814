"""The machine in words: its processor, its instructions, the versions of what is measured on it."""

import importlib.metadata
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from unspool.kernels.machine import chosen_kernels, default_threads

PACKAGES = ("unspool", "numpy", "torch", "jax", "keras", "tensorflow-cpu", "tensorflow")
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}  # by the system's flag, widest first
BF16 = ("amx_bf16", "avx512_bf16", "bf16")  # flags of products in bf16: Intel's, Intel's and AMD's, Arm's


@dataclass(frozen=True)
class Machine:
    """Describe where and on what terms figures were measured.

    Args:
        processor: As the system names it.
        vectors: The widest vector instructions that it has.
        bf16: Its instructions for products in bf16, or None.
        kernels: The instruction set that unspool's kernels run in.
        cores: Processors that this process may use.
        system: The system and the architecture.
        python: Version of Python.
        versions: Version of each package that is installed.
        threads: Threads of every contender.
        precision: What unspool computes in.
        load: Processes that were running or waiting to, over the minute before.
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
    load: float


def installed(package: str) -> str | None:
    """Give a package's version, or None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def system_words() -> list[str]:
    """List the lines in which the system describes the first processor; empty where it does not."""
    info = Path("/proc/cpuinfo")
    return info.read_text("utf-8").split("\n\n")[0].splitlines() if info.exists() else []


def processor(lines: list[str]) -> str:
    """Name the processor as the system does."""
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def first_flag(lines: list[str], flags: tuple[str, ...]) -> str | None:
    """Give the first of these flags that the processor has."""
    rows = [line.split(":", 1)[1] for line in lines if line.startswith(("flags", "Features"))]
    there = set(" ".join(rows).split())
    return next((flag for flag in flags if flag in there), None)


def describe(*, threads: int, precision: str = "float32") -> Machine:
    """Describe this machine, the versions and the terms of a run."""
    lines = system_words()
    return Machine(
        processor=processor(lines),
        vectors=VECTORS.get(first_flag(lines, tuple(VECTORS)) or "", "unknown"),
        bf16=first_flag(lines, BF16),
        kernels=chosen_kernels(),
        cores=default_threads(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: version for name in PACKAGES if (version := installed(name))},
        threads=threads,
        precision=precision,
        load=os.getloadavg()[0],
    )
