"""The tree of errors: what every error promises, whatever the input is."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

import unspool
from tests.cli.conftest import run
from unspool._errors import (
    LONGEST,
    ConfigError,
    CorpusError,
    InputError,
    NetworkError,
    UnknownSymbolError,
    shortened,
)
from unspool._training.checkpoints import write_error

SENTENCES: list[tuple[InputError, str]] = [
    (InputError("a.txt"), "a.txt"),
    (InputError("a.txt", expected="", got="", hint=""), "a.txt"),
    (InputError("a.txt", expected="x", got="y", hint="z"), "a.txt: expected x, got y; z"),
    (InputError("size", expected="x", got="y"), "size: expected x, got y"),
    (InputError("a.txt", got="y", hint="z"), "a.txt: got y; z"),
    (InputError("a.txt", hint="z"), "a.txt; z"),
    (ConfigError("size", expected="x", got="y", hint="z"), "size must be x; got y; z"),
    (ConfigError("size", expected="x"), "size must be x"),
    (ConfigError("size", got="y"), "size: got y"),
    (ConfigError("--hidden-size", expected="x"), "--hidden-size must be x"),
    (ConfigError("a.json: data: _size", expected="x"), "a.json: data: _size must be x"),
    (ConfigError("9size", expected="x"), "9size: expected x"),
    (ConfigError("-size", expected="x"), "-size: expected x"),
    (ConfigError("size of it", expected="x"), "size of it: expected x"),
    (ConfigError("sizes[1]", expected="x", got="y"), "sizes[1]: expected x, got y"),
    (
        NetworkError(),
        "the network's logits: expected finite numbers up to 1e30, got numbers beyond them; the weights are "
        "damaged or far too large: load another model, or train it anew",
    ),
    (CorpusError("caf\udce9.txt \ud800"), "caf\\xe9.txt \\ud800"),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES, ids=str)
def test_an_error_is_a_sentence(error: InputError, sentence: str) -> None:
    assert str(error) == sentence


def test_three_hundred_characters_are_shown_whole() -> None:
    assert shortened("a" * 300) == "a" * 300
    assert shortened("a" * 151 + "b" * 150) == "a" * 150 + " … " + "b" * 150


BOOK = "x" * 1_000_000
LONG = "a line\n" * 150_000


@pytest.mark.parametrize("kind", [InputError, ConfigError, CorpusError, UnknownSymbolError])
def test_an_error_holds_little_of_its_input(kind: type[InputError]) -> None:
    error = kind(f"a{BOOK}z", expected=BOOK, got=BOOK, hint=BOOK)
    assert len(str(error)) < 4 * LONGEST + 50
    assert error.what[0] + error.what[-1] == "az"
    assert all(len(part or "") <= LONGEST + 3 for part in (error.expected, error.got, error.hint))
    assert kind("short").what == "short"


@pytest.mark.parametrize(
    "line",
    [
        ["sample", BOOK],
        [BOOK],
        ["train", BOOK, "--epochs", BOOK],
        ["train", f"--{BOOK}"],
        ["train", "-t", BOOK],
    ],
)
def test_a_long_word_gives_a_short_line(line: list[str]) -> None:
    done = run(line)
    assert done.exit_code == 2
    assert len(done.stderr) < 1000


def test_a_missing_permission_is_no_full_disk() -> None:
    refused = write_error(Path("run"), 9, PermissionError(errno.EACCES, "Permission denied"))
    assert str(refused) == (
        "cannot write run: expected permission to write there, got Permission denied; "
        "choose another folder, or change its permissions"
    )
    full = write_error(Path("run"), 9, OSError(errno.ENOSPC, "No space left on device"))
    assert "free some disk space" in str(full)


def test_the_middle_of_a_long_part_is_left_out() -> None:
    error = CorpusError("a" * 1000 + "b", got="c" * LONGEST)
    assert len(error.what) == LONGEST + 3
    assert error.what.endswith("aab")
    assert error.got == "c" * LONGEST


@pytest.mark.parametrize(
    "call",
    [
        lambda path: unspool.train(LONG),
        lambda path: unspool.train([[LONG]]),
        lambda path: unspool.train(LONG.encode()),
        lambda path: unspool.train({"text": LONG}),
        lambda path: unspool.Records.of([{"title": LONG}, {"text": [7], "title": LONG}]),
        lambda path: unspool.Records.of([{"text": "a", "vector": LONG.split()}]),
        lambda path: unspool.read_records(LONG),
        lambda path: unspool.read_records("x" * 1_000_000),
        lambda path: unspool.read_records([LONG, LONG]),
        lambda path: unspool.read_records(path, format=LONG),
        lambda path: unspool.read_records(path, encoding=LONG),
        lambda path: unspool.read_records(path, record_separator="re:(" + LONG),
        lambda path: list(unspool.read_records(path, format="csv", text=LONG)),
        lambda path: list(unspool.read_records(path, format="csv", context=LONG, text=0)),
        lambda path: list(unspool.read_records(path, format="jsonl", text=LONG)),
        lambda path: list(unspool.read_records(path, format="json", text=LONG)),
    ],
)
def test_a_message_is_short_however_long_the_input_is(tmp_path: Path, call: Callable[[Path], object]) -> None:
    path = tmp_path / "a.txt"
    path.write_text('{"' + LONG.replace("\n", " ") + '": [7]}')
    with pytest.raises(InputError) as caught:
        call(path)
    assert len(str(caught.value)) < 3 * LONGEST
