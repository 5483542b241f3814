"""How soon a command ends after Ctrl-C at any moment: seconds, and those of the processors.

The command follows `--`; OUT in it is a new path each time. Where others use the machine look at the CPU
seconds.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process: int) -> float:
    """Return the seconds of the processors that a running process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def press(command: list[str], moment: float) -> dict[str, float] | None:
    """Start a command, send SIGINT at a moment, and wait for its end; None if it was over before."""
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("r+b") as nothing:
        words = [word.replace("OUT", str(Path(folder) / "run")) for word in command]
        program = [sys.executable, "-m", "unspool", *words]
        process = subprocess.Popen(program, stdin=nothing, stdout=nothing, stderr=nothing)
        time.sleep(moment)
        if process.poll() is not None:
            return None
        before, began = cpu_seconds(process.pid), time.perf_counter()
        process.send_signal(signal.SIGINT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    cpu = used.ru_utime + used.ru_stime - before
    return {"moment": moment, "seconds": seconds, "cpu": cpu, "code": process.returncode}


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=10)
    parser.add_argument(
        "--first", type=float, default=0.1, help="the first moment, in seconds after the start"
    )
    parser.add_argument("--last", type=float, default=5.0, help="the last moment")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="-- and a command of unspool")
    arguments = parser.parse_args()
    command = [word for word in arguments.command if word != "--"]
    width = (arguments.last - arguments.first) / arguments.rounds
    moments = [arguments.first + width * (turn + random.random()) for turn in range(arguments.rounds)]
    pressed = [press(command, moment) for moment in moments]
    results = [each for each in pressed if each is not None]
    document = {
        "benchmark": "ctrl_c",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "load": os.getloadavg()[0],
        "results": results,
    }
    header = ["Ctrl-C after, s", "ends after, s", "CPU, s", "exit code"]
    rows = [[f"{r['moment']:.2f}", f"{r['seconds']:.3f}", f"{r['cpu']:.3f}", str(r["code"])] for r in results]
    worst = max(results, key=lambda each: each["seconds"], default=None)
    lines = [f"load {os.getloadavg()[0]:.1f}", "", harness.table(header, rows)]
    lines += [] if worst is None else ["", f"longest: {worst['seconds']:.3f} s"]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
