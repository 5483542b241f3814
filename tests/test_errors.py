"""An error never repeats a whole text of the user."""

from collections.abc import Callable
from pathlib import Path

import pytest

import unspool
from unspool._errors import LONGEST_PART, CorpusError, InputError

LONG = "a line\n" * 150_000


def test_the_middle_of_a_long_part_is_left_out() -> None:
    error = CorpusError("a" * 1000 + "b", got="c" * LONGEST_PART)
    assert len(error.what) == LONGEST_PART + 3
    assert error.what.endswith("aab")
    assert error.got == "c" * LONGEST_PART


@pytest.mark.parametrize(
    "call",
    [
        lambda path: unspool.train(LONG),
        lambda path: unspool.train([[LONG]]),
        lambda path: unspool.train(LONG.encode()),
        lambda path: unspool.train({"text": LONG}),
        lambda path: unspool.Records.of([{"title": LONG}, {"text": 7, "title": LONG}]),
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
    assert len(str(caught.value)) < 3 * LONGEST_PART
