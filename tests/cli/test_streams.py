"""Standard output carries the result alone, whatever the three streams of a command are connected to.

Every command is run with its streams on terminals, each of its own and of its own width, on pipes and on
files, and what comes out is compared byte for byte.
"""

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from unspool._cli.app import COMMANDS

from .conftest import TEXTS, TINY, run, state_dictionary

TERMINAL, PIPE, FILE = KINDS = ("terminal", "pipe", "file")
ONE_SCREEN = "the terminal of standard output"
# Nine runs in which any two streams meet in all nine ways: stdin, stdout, stderr.
RUNS = [(KINDS[i], KINDS[j], KINDS[(i + j) % 3]) for i, j in itertools.product(range(3), repeat=2)]
TO_THE_END = (PIPE, FILE, TERMINAL)  # Python itself ends, and says what is left; the others break off
FEW_RUNS = [
    (TERMINAL, TERMINAL, FILE), (FILE, TERMINAL, TERMINAL), (TERMINAL, PIPE, TERMINAL), (PIPE, PIPE, FILE),
    (PIPE, FILE, TERMINAL), (PIPE, FILE, PIPE),
]  # fmt: skip
WIDTHS = (40, 120, 60)
ENVIRONMENT = {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1", "OPENBLAS_NUM_THREADS": "1"}
DROPPED = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
SHOWN = b"\x1b[?25l"  # the cursor goes: something is drawn in place
SCREEN = b"\x1b[?1049h"  # the whole screen is taken
PATIENCE = 60  # seconds without a word: a busy machine is no fault of a command
TIMES = re.compile(r'("(?:seconds|\w+_per_second)"): [\d.e+-]+')
FIGURES = re.compile(r"[\d.,\s─━±-]+")  # and what is as wide as they are


@dataclass(frozen=True)
class Case:
    """Hold a command line and what may differ.

    Args:
        line: The command line; capitals stand for what the fixture made.
        reads: Whether it is given TEXTS on standard input.
        face: Why a terminal as standard output gets something else, or "".
        vague: What is measured, as a pattern; a match keeps its first group, if there is one.
        slow: Whether it is run with a few connections only.
        prints: Whether it prints while it works, so that a display would be in the way.
    """

    line: str
    reads: bool = False
    face: str = ""
    vague: re.Pattern[str] | None = None
    prints: bool = False
    slow: bool = False

    @property
    def command(self) -> str:
        return self.line.split()[0]


TABLE = "tables are drawn to the terminal's width"
WRAPPED = "sentences are broken to the terminal's width"
TRAIN = f"train CORPUS --out new --epochs 1 {' '.join(TINY)}"
SWEEP = (
    "sweep CORPUS --out SWEEP --cell gru --hidden-size 4 --batch-size 4 --learning-rate 0.02 --seeds 1"
    " --symbols-per-trial 500 --evaluations 2 --sequence-length 16 --threads 1"
)
BENCH = "bench --seconds 0.01 --cell rnn --hidden-size 8 --batch-size 2 --threads 1"
CASES = [
    Case("demo --out new --epochs 1 --threads 1", face=TABLE),
    Case("demo --out new --epochs 1 --threads 1 --json", vague=TIMES),
    Case(TRAIN, face=WRAPPED),
    Case(f"{TRAIN} --json", vague=TIMES),
    Case(TRAIN.replace("CORPUS", "-"), reads=True, face=WRAPPED),
    Case("sample MODEL --seed 1"),
    Case("sample MODEL oil --seed 1 --n 5", prints=True),
    Case("sample MODEL --seed 1 --n 5 --json", prints=True),
    Case("sample MODEL --seed 1 --n 5 --unique --json", prints=True, vague=TIMES),
    Case("sample MODEL --seed 1 --n 5 --out new.txt"),
    Case("sample MODEL --seed 1 --n 5 --out new.csv --json", vague=TIMES),
    Case("sample MODEL --num-beams 2"),
    Case("sample ROWS --seed 1 --n 5"),
    Case("sample ROWS --seed 1 --n 5 --given age=30..40 --json"),
    Case("audit ROWS --samples 20", face=TABLE),
    Case("audit ROWS --samples 20 --json"),
    Case("schema TABLE"),
    Case("schema TABLE --json"),
    Case("impute ROWS TABLE --seed 1"),
    Case("impute ROWS TABLE --seed 1 --out new.jsonl --json"),
    Case("enumerate MODEL --limit 5"),
    Case("enumerate MODEL --limit 5 --json"),
    Case("score MODEL CORPUS", prints=True),
    Case("score MODEL - --guess-number --samples 100", reads=True, prints=True),
    Case("score MODEL CORPUS --json", prints=True),
    Case("score MODEL CORPUS --out new.tsv"),
    Case("score MODEL CORPUS --top 3 --show", prints=True, face="colours, and rows of the terminal's width"),
    Case("export MODEL --to torch --out new"),
    Case("export MODEL --to torch --out new --json"),
    Case("quantize MODEL --to int8 --out new"),
    Case("quantize MODEL --to float16 --on CORPUS --out new --json"),
    Case("import STATE --tokenizer SYMBOLS --out new"),
    Case("import STATE --tokenizer SYMBOLS --out new --json"),
    Case("eval MODEL CORPUS"),
    Case("eval MODEL - --json", reads=True),
    Case("classify STEERED CORPUS --unknown drop"),
    Case("classify STEERED - --unknown drop --json", reads=True),
    Case("audit MODEL --out new --samples 10", face=TABLE),
    Case("audit MODEL --out new --samples 10 --json"),
    Case("info MODEL", face=WRAPPED),
    Case("info CORPUS --json"),
    Case("info -", reads=True),
    Case(SWEEP, face=TABLE, slow=True),
    Case(f"{SWEEP} --json", slow=True),
    Case("corpora", face=WRAPPED),
    Case("corpora --json"),
    Case("cache"),
    Case("cache --json"),
    Case(BENCH, vague=FIGURES, face=TABLE, slow=True),
    Case(f"{BENCH} --json", vague=FIGURES, slow=True),
]
# Tried apart: `play` needs a terminal to type on and one to draw on, `push` a Hub; `serve` does not end.
APART = {"play", "push", "serve"}


@dataclass(frozen=True)
class Outcome:
    """Hold what came of a run."""

    code: int
    stdout: bytes
    stderr: bytes


class End:
    """Hold our end of a stream of a command, and the command's own until it has begun.

    Args:
        kind: A terminal, a pipe or a file.
        number: 0, 1 or 2.
        given: What is read from it, for standard input.
        folder: Where a file may be.
    """

    def __init__(self, kind: str, number: int, given: bytes, folder: Path) -> None:
        self.kind, self.ours, self.theirs = kind, -1, -1
        if kind == TERMINAL:
            self.ours, self.theirs = pty.openpty()
            fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, WIDTHS[number], 0, 0))
            if given:
                os.write(self.ours, given + b"\x04\x04")
        elif kind == PIPE:
            ends = os.pipe()
            self.ours, self.theirs = ends if number else (ends[1], ends[0])
            if not number:
                os.write(self.ours, given)
                os.close(self.ours)
                self.ours = -1  # all is said
        elif kind == FILE:
            self.path = folder / str(number)
            self.path.write_bytes(given)
            self.theirs = os.open(self.path, os.O_WRONLY if number else os.O_RDONLY)


def gather(ends: list[End], keys: bytes = b"") -> dict[int, bytes]:
    """Read what comes out of a command until it has closed its streams; press keys once a screen is drawn."""
    got = {end.ours: b"" for end in ends if end.ours >= 0}
    left = set(got)
    outputs = {end.ours for end in ends[1:]} - {-1}  # a terminal that is read from may end later
    while left & outputs:
        ready, _, _ = select.select(sorted(left), [], [], PATIENCE)
        if not ready:
            raise TimeoutError
        for number in ready:
            try:
                piece = os.read(number, 1 << 16)
            except OSError:  # the last who had the terminal open is gone
                piece = b""
            got[number] += piece
            if not piece:
                left.discard(number)
            elif keys and SCREEN in got[number]:
                os.write(ends[0].ours, keys)
                keys = b""
    return got


class Runner:
    """Run command lines by the server."""

    def __init__(self, server: socket.socket, names: dict[str, str], folder: Path) -> None:
        self._server, self._names, self._folder = server, names, folder
        self._numbers = itertools.count()
        self.stuck = False

    def __call__(self, case: Case, kinds: tuple[str, ...], keys: bytes = b"") -> Outcome:
        """Run a case in a folder of its own."""
        assert not self.stuck, "an earlier command did not end"
        folder = self._folder / str(next(self._numbers))
        (folder / "here").mkdir(parents=True)
        given = "".join(f"{text}\n" for text in TEXTS[:20]).encode() if case.reads else b""
        ends = [End(kind, n, b"" if n else given, folder) for n, kind in enumerate(kinds)]
        theirs = [end.theirs if end.theirs >= 0 else ends[1].theirs for end in ends]
        arguments = [self._names.get(word, word) for word in case.line.split()]
        here = {"folder": str(folder / "here"), "ends": kinds == TO_THE_END}
        request = json.dumps({"arguments": arguments, **here}).encode()
        socket.send_fds(self._server, [request], theirs)
        for number in set(theirs):
            os.close(number)
        self.stuck = True
        got = gather(ends, keys)
        code = int(self._server.recv(16))
        for number in got:
            os.close(number)
        self.stuck = False
        outputs = (end.path.read_bytes() if end.kind == FILE else got.get(end.ours, b"") for end in ends[1:])
        return Outcome(code, *outputs)


@pytest.fixture(scope="module")
def names(
    model: Path, corpus: Path, table: Path, rows_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Make what the cases name."""
    folder = tmp_path_factory.mktemp("streams")
    titles = folder / "titles.csv"
    titles.write_text("title,label\n" + "".join(f"{text},{text[0]}\n" for text in TEXTS), "utf-8")
    flags = ["--text", "title", "--context", "label", "--epochs", "1", *TINY]
    done = run(["train", str(titles), "--out", str(folder / "steered"), *flags])
    assert done.exit_code == 0, done.stderr
    places = {"CORPUS": corpus, "MODEL": model, "STEERED": folder / "steered", "SWEEP": folder / "sweep"}
    places |= {"TABLE": table, "ROWS": rows_model} | state_dictionary(folder)
    return {name: str(path) for name, path in places.items()}


@pytest.fixture(scope="module")
def unspool_on(names: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """Start the server; it ends when its socket does."""
    folder = tmp_path_factory.mktemp("runs")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UNSPOOL_")}
    environment = {name: value for name, value in kept.items() if name not in DROPPED}
    environment |= {**ENVIRONMENT, "UNSPOOL_CACHE": str(folder / "cache")}
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = [sys.executable, str(Path(__file__).with_name("stream_server.py")), str(theirs.fileno())]
    with (
        ours,
        subprocess.Popen(
            [*program, names["CORPUS"]], pass_fds=[theirs.fileno()], env=environment, process_group=0
        ) as server,
    ):
        theirs.close()
        ours.settimeout(PATIENCE)
        runner = Runner(ours, names, folder)
        yield runner
        ours.close()
        if runner.stuck:
            os.killpg(server.pid, signal.SIGKILL)


def test_every_command_has_a_case() -> None:
    assert {case.command for case in CASES} | APART == set(COMMANDS)


def test_any_two_streams_meet_in_all_ways() -> None:
    for one, other in itertools.combinations(range(3), 2):
        assert len({(kinds[one], kinds[other]) for kinds in RUNS}) == 9


def plain(case: Case, kind: str, shown: bytes) -> str:
    """Give what standard output got as it was written, without what is measured."""
    text = shown.decode("utf-8")
    text = text.replace("\r\n", "\n") if kind == TERMINAL else text
    return text if case.vague is None else case.vague.sub(lambda m: m[1] if m.lastindex else "#", text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.line.replace("/", "-"))
def test_the_result_is_the_same_whatever_the_streams_are(unspool_on: Runner, case: Case) -> None:
    if case.command == "sweep":
        unspool_on(case, (FILE, FILE, FILE))  # what is measured is measured once
    found: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    # JSON knows nothing of terminals: a few connections tell as much of it
    for kinds in FEW_RUNS if case.slow or "--json" in case.line else RUNS:
        outcome = unspool_on(case, kinds)
        assert outcome.code == 0, (kinds, outcome)
        for noise in (b"nanobind", b"Traceback", *([] if kinds[2] == TERMINAL else [b"\x1b"])):
            assert noise not in outcome.stderr, kinds
        if kinds[2] == TERMINAL and case.prints:
            typing = case.reads and kinds[0] == TERMINAL
            assert (SHOWN in outcome.stderr) == (kinds[1] == FILE and not typing), kinds
        found[kinds[1]][plain(case, kinds[1], outcome.stdout)] += 1
    assert len(found[PIPE]) == 1
    assert found[FILE] == found[PIPE]
    # a figure of another width folds the cells of a table elsewhere, and so moves its words
    assert len({tuple(sorted(text.split("#"))) for text in found[TERMINAL]}) == 1
    assert (found[TERMINAL] == found[PIPE]) == (not case.face), case.face


@pytest.mark.parametrize("stdout", KINDS)
@pytest.mark.parametrize("stderr", KINDS)
@pytest.mark.parametrize("flags", ["", "--json"])
def test_play_gives_the_text_alone(unspool_on: Runner, stdout: str, stderr: str, flags: str) -> None:
    case = Case(f"play MODEL oil --seed 3 --threads 1 {flags}")
    outcome = unspool_on(case, (TERMINAL, stdout, stderr), b"\x04")
    shown = plain(case, stdout, outcome.stdout)
    if TERMINAL not in (stdout, stderr):
        assert (outcome.code, shown) == (2, "")
        return
    assert outcome.code == 0
    if stderr != TERMINAL:  # then it must draw on the only terminal there is, and writes below
        assert outcome.stderr == b""
        assert SCREEN in outcome.stdout
        shown = shown[shown.rindex("\x1b") :].partition("h")[2]
    assert (json.loads(shown)["text"] if flags else shown) == ("oil" if flags else "oil\n")


@pytest.mark.parametrize("kind", [PIPE, FILE])
def test_play_needs_a_terminal_to_type_on(unspool_on: Runner, kind: str) -> None:
    outcome = unspool_on(Case("play MODEL"), (kind, TERMINAL, TERMINAL))
    assert (outcome.code, outcome.stdout) == (2, b"")
    assert b"standard input: expected a terminal" in outcome.stderr


def test_on_one_screen_nothing_is_drawn_between_the_lines(unspool_on: Runner) -> None:
    """A terminal as both outputs shows what a pipe gets."""
    for line in ("sample MODEL --seed 1 --n 5", "score MODEL CORPUS"):
        apart = unspool_on(Case(line), (PIPE, PIPE, PIPE))
        assert apart.stderr == b""
        together = unspool_on(Case(line), (TERMINAL, TERMINAL, ONE_SCREEN))
        assert plain(Case(line), TERMINAL, together.stdout) == apart.stdout.decode("utf-8")


@pytest.mark.parametrize("line", ["sample MODEL --n 3000 --seed 1", "score MODEL CORPUS"])
def test_a_process_of_its_own_fills_a_file_from_a_terminal(
    names: dict[str, str], tmp_path: Path, line: str
) -> None:
    words = [sys.executable, "-m", "unspool", *(names.get(word, word) for word in line.split())]
    environment = {name: value for name, value in os.environ.items() if name not in DROPPED}
    piped = subprocess.run(words, capture_output=True, check=True, timeout=60, env=environment)
    (master, slave), out = pty.openpty(), tmp_path / "out"
    with out.open("wb") as file, subprocess.Popen(
        words, stdin=slave, stdout=file, stderr=slave, env=environment | ENVIRONMENT
    ) as running:  # fmt: skip
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # the last who had the terminal open is gone
            while piece := os.read(master, 1 << 16):
                shown += piece
        os.close(master)
    assert running.returncode == 0
    assert out.read_bytes() == piped.stdout
    assert len(piped.stdout.splitlines()) >= 100
    assert piped.stderr == b""
    assert shown.count(SHOWN) == shown.count(b"\x1b[?25h") == 1, "the cursor is shown again"
    assert b"nanobind" not in shown
