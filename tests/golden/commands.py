"""Golden transcripts: what every command prints, and how it ends."""

import contextlib
import io
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unspool._cli import main

from .command_lines import ERRORS, HELP, OTHERS, SAMPLE, SCORE, SEARCH, TRAIN
from .models import KINDS, trained
from .writing import digest, rounded, steady

SWEEP = (
    "unspool sweep headlines.txt --cell rnn gru --hidden-size 4 --learning-rate 0.02 --batch-size 8 --seeds 2"
    " --symbols-per-trial 2000 --evaluations 2 --sequence-length 16 --threads 1 --out sweeps/a"
)
BENCH = "unspool bench --seconds 0.01 --cell rnn --hidden-size 4 --batch-size 2 --threads 1 --json"
TIMES = re.compile("seconds|per_second")
# what is installed, and what the machine can do
OF_THE_MACHINE = re.compile(r"PyTorch|^absent|versions\.|^products|peak_gflops\.bf16")


@contextlib.contextmanager
def streams(read: bytes) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Give a command standard input, and catch what it prints on the two other streams."""
    kept = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(read), "utf-8")
    sys.stdout, sys.stderr = (io.TextIOWrapper(stream, "utf-8", write_through=True) for stream in (out, err))
    try:
        yield out, err
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            stream.detach()  # type: ignore[attr-defined]
        sys.stdin, sys.stdout, sys.stderr = kept


def ran(words: list[str], read: bytes = b"") -> tuple[int, str, str]:
    """Run a command line; return its exit code, standard output and standard error."""
    with streams(read) as (out, err):
        kept, sys.argv = sys.argv, words
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        finally:
            sys.argv = kept
    return code, out.getvalue().decode(), err.getvalue().decode()


def shown(line: str) -> str:
    """Run a line of a transcript and return it with what it printed."""
    words, read = shlex.split(line), b""
    if "<" in words:
        read = Path(words[-1]).read_bytes()
        words = words[:-2]
    if words[0] in ("cat", "digest"):
        file = Path(words[1])
        content = steady(file.read_text("utf-8") if file.exists() else "it is not there\n", Path.cwd())
        return f"$ {line}\n{ended(content if words[0] == 'cat' else digest(content.encode()))}"
    for word in words:
        if word in KINDS:
            trained(word)
    code, out, err = ran(words, read)
    told = f"$ {line}\n{ended(steady(out, Path.cwd()))}"
    told += "".join(f"! {row}\n" for row in steady(err, Path.cwd()).splitlines())
    return told + (f"[exit {code}]\n" if code else "")


def ended(text: str) -> str:
    """Give a text a line end, if it has none at its end; say so, since it is a difference."""
    return text if not text or text.endswith("\n") else f"{text}⌁\n"


def transcript(lines: str) -> str:
    """Return what lines print, one after the other in the same folder."""
    return "\n".join(shown(line) for line in lines.strip().splitlines())


def sweep_and_bench() -> str:
    """Return what a sweep finds, without what is measured, and which figures a benchmark has."""
    code, out, err = ran(shlex.split(f"{SWEEP} --json"))
    said = "".join(f"! {row}\n" for row in steady(err, Path.cwd()).splitlines())
    found = json.dumps(rounded(without_time(json.loads(out))), indent=1, ensure_ascii=False)
    _, out, _ = ran(shlex.split(BENCH))
    names = sorted({name for name in paths(json.loads(out)) if not OF_THE_MACHINE.search(name)})
    told = "\n".join(names)
    return f"$ {SWEEP} --json\n{said}[exit {code}]\n{found}\n\n$ {BENCH}\n{told}\n"


def without_time(document: Any) -> Any:
    """Return a sweep's document without seconds and speeds."""
    if isinstance(document, dict):
        kept = {name: value for name, value in document.items() if not TIMES.search(name)}
        return {
            name: [bits for _, bits in value] if name == "curve" else without_time(value)
            for name, value in kept.items()
        }
    return list(map(without_time, document)) if isinstance(document, list) else document


def paths(document: Any, name: str = "") -> Iterator[str]:
    """Yield the names of a document's fields, those inside others after a dot."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from paths(value, f"{name}.{key}".lstrip("."))
    elif isinstance(document, list):
        yield f"{name}[]"
        for value in document:
            yield from paths(value, f"{name}[]")
    else:
        yield name


TRANSCRIPTS = {
    "help": HELP, "errors": ERRORS, "train": TRAIN, "sample": SAMPLE, "search": SEARCH, "score": SCORE,
    "others": OTHERS,
}  # fmt: skip
