"""What every benchmark shares: the machine in words, interleaved rounds, medians with their spread, a table.

A figure is worth something only next to another one from the same process: contenders take turns, in an
order that moves on by one each round, so that a slow minute of the machine falls on all of them.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path

SETTLE_SECONDS = 0.2  # lets the previous contender's thread pool fall asleep
PACKAGES = ("unspool", "numpy", "torch", "jax", "keras", "tensorflow-cpu", "tensorflow")


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of repeated measurements.

    Args:
        median: Of all rounds.
        low: The smallest.
        high: The largest.
        rounds: How many there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        """Summarise at least one measurement."""
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        return f"{figure(self.median)} ({figure(self.low)} to {figure(self.high)})"


def figure(value: float) -> str:
    """Write a number with as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 100 else f"{value:.2f}"


def installed(package: str) -> str | None:
    """Give a package's version, or None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Name the processor as the system does."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def vector_instructions() -> str:
    """Name the widest vector instructions that the processor offers."""
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text("utf-8").split()) if info.exists() else set()
    known = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
    return next((name for flag, name in known.items() if flag in flags), "unknown")


def describe(*, threads: int, precision: str = "float32") -> dict[str, object]:
    """Describe the machine, the versions and the terms of a run."""
    versions = {name: version for name in PACKAGES if (version := installed(name))}
    return {
        "processor": processor(),
        "vectors": vector_instructions(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "threads": threads,
        "precision": precision,
    }


def take_turns(contenders: Mapping[str, Callable[[], float]], *, rounds: int) -> dict[str, Spread]:
    """Run all contenders in every round, the first of a round moving on by one.

    Args:
        contenders: Name -> a call that does one round's work and returns its figure.
        rounds: How many rounds are counted, after one that warms up and is not.
    """
    names = list(contenders)
    figures: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-1, rounds):
        first = turn % len(names) if names else 0
        for name in names[first:] + names[:first]:
            time.sleep(SETTLE_SECONDS)
            value = contenders[name]()
            if turn >= 0:
                figures[name].append(value)
    return {name: Spread.of(values) for name, values in figures.items()}


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows as a Markdown table whose columns also line up in a terminal."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [header, *rows]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def options(description: str, *, threads: int = 2, rounds: int | None = 7) -> argparse.ArgumentParser:
    """Make a parser with the flags that every benchmark takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=threads, help="threads of every contender")
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds, help="rounds that are counted")
    parser.add_argument("--json", action="store_true", help="print one JSON document on standard output")
    return parser


def data(name: str) -> Path:
    """Name the place of a public text: the folder of UNSPOOL_TEST_DATA, as for the tests."""
    folder = os.environ.get("UNSPOOL_TEST_DATA")
    return Path(folder or Path(__file__).resolve().parents[2] / "shared" / "data") / name


def say(message: str) -> None:
    """Tell the progress on standard error."""
    print(message, file=sys.stderr, flush=True)


def absent(name: str, package: str) -> None:
    """Say that a contender is left out because its package is not installed."""
    say(f"{name}: absent, {package} is not installed")


def plain(value: object) -> object:
    """Turn a record of a benchmark into JSON; `json` calls this for what it does not know."""
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
