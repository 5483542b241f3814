"""How soon a training on a large file makes its first step, and in what memory: encoded anew, then cached.

Each row is a process of its own, up to its first steps. Where others use the machine look at the CPU seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

PROGRAM = """
import json, resource, sys, time
import unspool

class Enough(Exception): pass
path, out, document, steps = sys.argv[1:]
first = []

def watch(record):
    if record.kind == "step":
        first.append(time.time())
        if len(first) == int(steps):
            raise Enough

try:
    unspool.train(
        unspool.read_records(path, document=document == "True"), out=out, on_record=watch,
        training=unspool.TrainingConfig(threads=1), overwrite=True,
    )
except Enough:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "first": first[0], "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss // 1024,
    }))
"""


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Train for some steps in a separate process."""
    command = [sys.executable, "-c", PROGRAM, str(arguments.file), str(folder / "run")]
    command += [str(arguments.document), str(arguments.steps)]
    environment = os.environ | {"UNSPOOL_CACHE": str(folder / "cache")}
    began = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    figures = json.loads(done.stdout)
    return {**figures, "first": figures["first"] - began}


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    parser.add_argument("file", type=Path, help="a large text")
    parser.add_argument("--document", action="store_true", help="read it as one document")
    parser.add_argument("--steps", type=int, default=50, help="steps that are made, of 16 × 32 symbols")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = {turn: measure(arguments, Path(folder)) for turn in ("encoded anew", "from the cache")}
    document = {
        "benchmark": "large_corpus",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {**vars(arguments), "file": str(arguments.file), "bytes": arguments.file.stat().st_size},
        "load": os.getloadavg()[0],
        "results": results,
    }
    header = ["", "first step after, s", "CPU, s", "peak resident, MiB"]
    rows = [[turn, f"{f['first']:.1f}", f"{f['cpu']:.1f}", f"{f['peak']}"] for turn, f in results.items()]
    lines = [f"load {os.getloadavg()[0]:.1f}", "", harness.table(header, rows)]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
