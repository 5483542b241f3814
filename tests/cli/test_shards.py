"""``--shard K/N``: the parts one after the other are, byte for byte, what one machine writes."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import TEXTS, TINY, run
from unspool._cli.steps.shards import Shard

PARTS = (1, 2, 3, 7, 40)
SEED = ["--seed", "5", "--threads", "1"]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A model of a document, which writes line ends."""
    folder = tmp_path_factory.mktemp("runs") / "lines"
    assert (
        run(["train", str(corpus), "--document", "--out", str(folder), "--epochs", "1", *TINY]).exit_code == 0
    )
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of pairs, which answers."""
    folder = tmp_path_factory.mktemp("pairs")
    table = folder / "pairs.csv"
    table.write_text("q,a\n" + "".join(f"{text[:5]},{text[5:]}\n" for text in TEXTS), "utf-8")
    flags = ["--text", "a", "--source", "q", "--epochs", "1", "--out", str(folder / "run"), *TINY]
    assert run(["train", str(table), *flags]).exit_code == 0
    return folder / "run"


def printed(arguments: list[str]) -> bytes:
    done = run(arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout_bytes


def written(arguments: list[str], out: Path) -> bytes:
    """Return what a command writes into a file."""
    assert printed([*arguments, "--out", str(out)]) == b""
    return out.read_bytes()


@pytest.mark.parametrize("count", [0, 1, 2, 5, 12, 100])
@pytest.mark.parametrize("parts", PARTS)
def test_parts_have_every_item_once_in_its_order(count: int, parts: int) -> None:
    ranges = [Shard(part, parts).of(count) for part in range(1, parts + 1)]
    assert list(itertools.chain(*ranges)) == list(range(count))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1
    assert sorted(map(len, ranges), reverse=True) == list(map(len, ranges)), "the first have one more"


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".csv"])
@pytest.mark.parametrize("asked", [["-n", "11"], ["", "oil ", "team ", "-n", "3"]])
def test_the_files_of_parts_are_the_whole_file(
    model: Path, parts: int, suffix: str, asked: list[str], tmp_path: Path
) -> None:
    command = ["sample", str(model), *asked, *SEED]
    whole = written(command, tmp_path / f"whole{suffix}")
    pieces = [
        written([*command, "--shard", f"{part}/{parts}"], tmp_path / f"{part}{suffix}")
        for part in range(1, parts + 1)
    ]
    assert whole.count(b"\n") == (9 if "oil " in asked else 11) + (suffix == ".csv")
    assert b"".join(pieces) == whole


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize(
    "flags",
    [
        [], ["-n", "4"], ["oil ", "a", "-n", "2"], ["-n", "5", "--regex", "[a-z]{3,9}"],
        ["-n", "4", "--precision", "int8"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("of", ["model", "lines"])
def test_what_parts_print_is_the_whole(
    of: str, flags: list[str], parts: int, request: pytest.FixtureRequest
) -> None:
    command = ["sample", str(request.getfixturevalue(of)), *flags, *SEED, "--max-new-tokens", "40"]
    pieces = [printed([*command, "--shard", f"{part}/{parts}"]) for part in range(1, parts + 1)]
    assert b"".join(pieces) == printed(command)


@pytest.mark.parametrize("parts", PARTS)
def test_answers_have_parts(pairs: Path, parts: int) -> None:
    sources = [flag for text in ("oil p", "team ", "a", "oil r") for flag in ("--source", text)]
    command = ["sample", str(pairs), *sources, "-n", "3", *SEED]
    pieces = [printed([*command, "--shard", f"{part}/{parts}"]) for part in range(1, parts + 1)]
    whole = printed(command)
    assert whole.count(b"\n") == 12
    assert b"".join(pieces) == whole


@pytest.mark.parametrize("parts", PARTS)
@pytest.mark.parametrize("suffix", ["", ".csv", ".tsv", ".jsonl"])
def test_the_scores_of_parts_are_those_of_the_whole(
    model: Path, parts: int, suffix: str, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text(
        "".join(f"{text * (1 + i % 4)}\n" + "\n" * (i % 3) for i, text in enumerate(TEXTS[:23])), "utf-8"
    )
    command = ["score", str(model), str(texts), "--guess-number", "--samples", "50", "--threads", "1"]
    if not suffix:
        pieces = [printed([*command, "--shard", f"{part}/{parts}"]) for part in range(1, parts + 1)]
        assert b"".join(pieces) == printed(command)
        return
    extra = ["--per-symbol"] if suffix == ".jsonl" else []
    whole = written([*command, *extra], tmp_path / f"whole{suffix}")
    pieces = [
        written([*command, *extra, "--shard", f"{part}/{parts}"], tmp_path / f"{part}{suffix}")
        for part in range(1, parts + 1)
    ]
    assert whole.count(b"\n") == 23 + (suffix != ".jsonl")
    assert b"".join(pieces) == whole


def test_an_unknown_symbol_has_its_place_in_the_whole_file(model: Path, tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("oil\nteam\nΩ\n", "utf-8")
    whole, part = (run(["score", str(model), str(texts), *shard]) for shard in ([], ["--shard", "2/2"]))
    assert (part.exit_code, part.stderr) == (2, whole.stderr)
    assert "text 3" in part.stderr


@pytest.mark.parametrize(
    "value", ["0/3", "4/3", "x", "1", "1/", "/3", "1/0", "-1/3", "1/3/5", "1.0/3", "²/3", ""]
)
@pytest.mark.parametrize("command", ["sample", "score", "audit"])
def test_what_is_no_part_is_refused(model: Path, corpus: Path, command: str, value: str) -> None:
    done = run([command, str(model), *([str(corpus)] if command == "score" else []), "--shard", value])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--shard must be K/N, part K of N parts" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ([], "--shard needs a seed"),
        (["--unique"], "--unique"),
        (["--novel"], "--novel"),
        (["--valid", "[a-z]+"], "--valid"),
        (["--finished"], "--finished"),
        (["--max-attempts", "3"], "--max-attempts"),
        (["--best-of", "4"], "--best-of"),
        (["--num-beams", "2"], "a beam search"),
        (["--json"], "--json"),
        (["--regex", "[a-z]+", "--no-repeat-ngram-size", "2"], "--no-repeat-ngram-size"),
        (["--max-length", "9", "--logit-bias", "e=-2"], "--logit-bias"),
    ],
)
def test_texts_that_depend_on_each_other_have_no_parts(
    model: Path, flags: list[str], told: str, tmp_path: Path
) -> None:
    seed = SEED if flags else []
    done = run(["sample", str(model), *flags, *seed, "-n", "6", "--shard", "1/2"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"unspool: {told}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "flags", [["--top", "3"], ["--sort", "best"], ["--show"], ["--json"], ["--svg", "a.svg"]]
)
def test_what_looks_at_all_texts_has_no_parts(model: Path, corpus: Path, flags: list[str]) -> None:
    done = run(["score", str(model), str(corpus), *flags, "--shard", "1/2"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"unspool: {flags[0]} does not work with --shard")


def test_texts_that_can_be_read_once_are_not_counted(model: Path) -> None:
    done = run(["score", str(model), "-", "--shard", "1/2"], input="oil\nteam\n")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "file" in done.stderr


def test_an_audit_has_no_parts(model: Path) -> None:
    done = run(["audit", str(model), "--shard", "1/2"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "judges its texts together" in done.stderr


def test_a_part_is_whole_or_absent_and_never_written_twice(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "2.txt"
    long = [
        "--max-new-tokens",
        "2000",
        "--ignore-eos",
        "-n",
        "100000",
        *SEED,
        "--shard",
        "2/2",
        "--out",
        str(out),
    ]
    command = [sys.executable, "-m", "unspool", "sample", str(model), *long]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ) as process:
        while process.poll() is None and not any(path.stat().st_size for path in tmp_path.iterdir()):
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        told = process.communicate()[1].decode()
    assert process.returncode == 130
    assert "no file was written" in told
    assert list(tmp_path.iterdir()) == []
    short = ["sample", str(model), "-n", "9", *SEED, "--shard", "2/2"]
    first = written(short, out)
    again = run([*short, "--out", str(out)])
    assert (again.exit_code, out.read_bytes()) == (2, first)
    assert "an existing file" in again.stderr
