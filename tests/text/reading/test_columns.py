"""The columns of a file, before one is chosen."""

from pathlib import Path

import pytest

from tests.text.reading.test_sources import LABELLED, WITH_COLUMNS, write
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sources import SOURCES, columns_of_file


@pytest.mark.parametrize("name", SOURCES)
def test_the_columns_of_a_file(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, LABELLED)
    found = ("text", "more", "label") if name in WITH_COLUMNS else ()
    assert columns_of_file(path, ReadOptions()) == (name, found)


def test_columns_without_names_are_numbers(tmp_path: Path) -> None:
    for name, content in {"a.csv": "one,two\n", "a.json": '[["a", "b"]]', "a.jsonl": '["a", "b"]\n'}.items():
        (tmp_path / name).write_text(content, "utf-8", newline="")
        assert columns_of_file(tmp_path / name, ReadOptions())[1] == (0, 1)
    (tmp_path / "a.csv").write_text("one,two\n", "utf-8", newline="")
    assert columns_of_file(tmp_path / "a.csv", ReadOptions(header=True))[1] == ("one", "two")


def test_no_rows_have_no_columns_and_keys_inside_are_named_with_their_keys(tmp_path: Path) -> None:
    for name in ("a.csv", "a.jsonl"):
        (tmp_path / name).write_bytes(b"")
        assert columns_of_file(tmp_path / name, ReadOptions())[1] == ()
    (tmp_path / "b.jsonl").write_text('{"a": {"b": "c"}, "d": "e"}\n"f"\n', "utf-8", newline="")
    assert columns_of_file(tmp_path / "b.jsonl", ReadOptions())[1] == ("d", "a.b")
