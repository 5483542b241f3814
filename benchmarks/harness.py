"""The common part of all benchmarks: flags, the machine in words, a table."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path

from unspool._benchmarking import machine
from unspool._benchmarking.bench import BUSY
from unspool._benchmarking.machine import installed
from unspool._benchmarking.turns import SETTLE_SECONDS, Spread, figure, seconds, take_turns
from unspool._system import available_processors, load_average

# Each keeps a library from the instructions of this processor, or from compiling at all.
HINDRANCES = (
    "OPENBLAS_CORETYPE", "NVPL_BLAS_DEBUG_CPU_TYPE", "MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS",
    "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME",
    "JAX_DISABLE_JIT", "PYTORCH_JIT", "TORCHDYNAMO_DISABLE",
)  # fmt: skip

__all__ = [
    "SETTLE_SECONDS",
    "Spread",
    "absent",
    "data",
    "describe",
    "figure",
    "finish",
    "installed",
    "keep_to_processors",
    "options",
    "plain",
    "required",
    "say",
    "seconds",
    "table",
    "take_turns",
]


def describe(*, threads: int, precision: str = "float32") -> dict[str, object]:
    """Return the machine, the versions and the conditions of a run, in JSON types."""
    return asdict(machine.describe(threads=threads, precision=precision))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table whose columns also line up in a terminal."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [header, *rows]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def options(description: str, *, threads: int = 2, rounds: int | None = 7) -> argparse.ArgumentParser:
    """Return a parser with the flags of every benchmark, once nothing of the environment slows a peer."""
    _without_hindrances()
    load = load_average()
    if load is not None and load > BUSY * available_processors():
        say(f"the machine is busy, {load:.1f} processes wait for its processors: all figures are too low")
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=threads, help="threads of every contender")
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds, help="rounds that are counted")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    return parser


def _without_hindrances() -> None:
    """Begin a benchmark anew without the variables that slow a library: some are read when it is imported."""
    program = getattr(sys.modules["__main__"], "__file__", None)
    found = [name for name in HINDRANCES if name in os.environ]
    if found and program is not None and Path(program).resolve().parent == Path(__file__).resolve().parent:
        say(f"without {', '.join(found)}, which would slow a contender")
        environment = {name: value for name, value in os.environ.items() if name not in found}
        os.execve(sys.executable, sys.orig_argv, environment)


def keep_to_processors(threads: int) -> None:
    """Show no contender more processors than it has threads: JAX and TensorFlow use all they see."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def data(name: str) -> Path:
    """Return the path of a public text in the folder of UNSPOOL_TEST_DATA, as for the tests."""
    folder = os.environ.get("UNSPOOL_TEST_DATA")
    return Path(folder or Path(__file__).resolve().parents[2] / "shared" / "data") / name


def required(text: Path) -> Path:
    """Return the path of a text, or end the benchmark with advice if it does not exist."""
    if text.exists():
        return text
    say(f"error: no text at {text}: set UNSPOOL_TEST_DATA to the folder that has {text.name}, or name one")
    raise SystemExit(2)


def say(message: str) -> None:
    """Print progress on standard error."""
    print(message, file=sys.stderr, flush=True)


def absent(name: str, package: str) -> None:
    """Report that a contender is left out because its package is not installed."""
    say(f"{name}: absent, {package} is not installed")


def plain(value: object) -> object:
    """Return a record of a benchmark in JSON types; `json` calls this for types that it does not know."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def finish(document: Mapping[str, object], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the result: one JSON document, or the machine and the tables for a reader."""
    if as_json:
        print(json.dumps(document, indent=2, default=plain))
        return
    machine = document["machine"]
    if isinstance(machine, Mapping):
        named = [f"{key} {value}" for key, value in machine.items() if key != "versions"]
        versions = [f"{key} {value}" for key, value in machine["versions"].items()]
        print(", ".join(named), ", ".join(versions), sep="\n", end="\n\n")
    print("\n".join(lines))
