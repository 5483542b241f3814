"""Give each whole-number flag of a command a number that no machine has.

``python -m tests.attacks.huge_program COMMAND``. Each try is a process of its own with little memory and
little time of the processor. It prints a line of JSON: the flag, the number, and how it ended: "refused",
"ran", or "runs on", if nothing but an alarm ended it; and the last words on standard error.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tests.cli.conftest import TINY, run
from unspool._cli.app import app

SECONDS, BYTES = 4, 4_000_000_000
WAIT = 120  # seconds by the clock, of which others on the machine may have the most
ALARMS = (signal.SIGPROF, signal.SIGALRM)
NUMBERS = (10**12, 10**30)
WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
LINES = {
    "train": ["train", "c.txt", "--epochs", "1", *TINY],
    "sample": ["sample", "m", "oil"],
    "enumerate": ["enumerate", "m", "--limit", "2", "--max-new-tokens", "5"],
    "score": ["score", "m", "c.txt"],
    "eval": ["eval", "m", "c.txt"],
    "audit": ["audit", "m", "c.txt", "--samples", "2"],
    "sweep": ["sweep", "c.txt", "--cell", "lstm", "--learning-rate", "0.01", "--symbols-per-trial", "200"],
}
NEEDED = {  # what else a flag needs
    "canary_repeats": ["--canaries", "1"],
    "samples": ["--guess-number"],
}


def whole_numbers(name: str) -> Iterator[str]:
    """Yield the names of the whole-number flags of a command."""
    for parameter in app.get_command(click.Context(app), name).params:  # type: ignore[union-attr]
        flag = getattr(parameter, "flag", None)
        if flag is not None and int in (flag.kind, flag.parse):
            yield str(parameter.name)


def end(line: list[str]) -> dict[str, str]:
    """Run a command line, and return how it ended."""
    try:
        done = run(line)
    except BaseException as error:  # it is what the test is about
        return {"end": "failed", "said": repr(error)[:1000]}
    return {
        "end": {0: "ran", 2: "refused", 3: "ran"}.get(done.exit_code, "failed"),
        "said": done.stderr[-1000:],
    }


def tried(line: list[str]) -> dict[str, str]:
    """Run a command line in a process that has little memory and time."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        for alarm in ALARMS:
            signal.signal(alarm, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor
        signal.alarm(WAIT)
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        os.write(writing, json.dumps(end(line)).encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if said:
        return dict(json.loads(said))
    return {"end": "runs on" if status in ALARMS else f"status {status}", "said": ""}


def main(name: str) -> None:
    """Try every flag of a command."""
    text = "".join(f"{a} {b} {c}\n" for a in WORDS for b in WORDS[:4] for c in WORDS[4:])
    Path("c.txt").write_text(text)
    if "m" in LINES[name]:
        run(["train", "c.txt", "--out", "m", "--epochs", "1", *TINY])
    whole = run([*LINES[name], *(["--out", "whole"] if name in ("train", "sweep") else [])])
    assert whole.exit_code == 0, whole.stderr  # and every try finds all modules loaded: the clock is for work
    for flag in whole_numbers(name):
        spelled = f"--{flag.replace('_', '-')}"
        for number in NUMBERS:
            line = list(LINES[name])
            if spelled in line:
                place = line.index(spelled)
                del line[place : place + 2]
            needed = NEEDED.get(flag, []) if (name, flag) != ("audit", "samples") else []
            out = ["--out", f"out-{flag}-{number}"] if name in ("train", "sweep") else []
            ended = tried([*line, *needed, *out, spelled, str(number)])
            print(json.dumps({"flag": flag, "number": str(number), **ended}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
