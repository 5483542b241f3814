"""Tables of any library: which columns have texts, and how many names are shown."""

import io
from pathlib import Path
from typing import Any

import pytest

from unspool._errors import CorpusError
from unspool._text.containers import text_of
from unspool._text.frames import column_names, column_values, first_with_texts, has_splits, listed, values_of
from unspool._text.records import Records


class Table:
    """A table with columns by name."""

    columns: list[Any] = []  # noqa: RUF012 - a table is told by its class

    def __init__(self, **columns: Any) -> None:
        self.columns, self._columns = list(columns), columns

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]


def test_a_dozen_names_are_shown_each_with_forty_characters() -> None:
    assert listed("abcdefghijkl") == ", ".join(f"'{letter}'" for letter in "abcdefghijkl")
    assert listed("abcdefghijklm") == ", ".join(f"'{letter}'" for letter in "abcdefghijkl") + ", …"
    assert listed(["x" * 50, 7]) == "'" + "x" * 39 + ", '7'"
    assert listed([]) == ""


@pytest.mark.parametrize(("place", "found"), [(0, "late"), (99, "late"), (100, "last")])
def test_a_hundred_values_say_whether_a_column_has_texts(place: int, found: str) -> None:
    late = [1] * place + ["text"]
    table = Table(number=[1, 2], broken=3, late=late, last=[None, "text"])
    assert first_with_texts(table, table.columns) == found
    assert first_with_texts(Table(number=[1.5]), ["number"]) is None
    assert first_with_texts(Table(), []) is None


def test_two_columns_of_a_name_and_values_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(CorpusError, match=r"^more than one column is named 'a'; rename one of them$"):
        column_values(Table(a=[1]), ["a", "a"], 1)
    for table in (Table(a=3), Table(b=3)):
        with pytest.raises(CorpusError) as caught:
            column_values(table, ["a"], 0)
        assert str(caught.value) == (
            "column 'a': expected values that can be read, got Table; compute it first (.collect(), "
            ".compute() or .to_pandas()), or pass a list of its texts"
        )
    with pytest.raises(TypeError, match=r"^int$"):
        values_of(3)


def test_a_column_whose_label_is_no_string_is_found_by_its_number() -> None:
    table = Table()
    table.columns, table._columns = [7, "b"], {7: ["seven"], "b": ["bee"]}  # type: ignore[dict-item]
    assert column_names(table) == ["7", "b"]
    assert list(column_values(table, ["7", "b"], 0)) == ["seven"]
    assert list(column_values(table, ["7", "b"], 1)) == ["bee"]


def test_what_is_a_table_and_what_is_none() -> None:
    assert column_names(Table(a=[], b=[])) == ["a", "b"]
    assert (has_splits({"train": [1], "test": Table(a=[])}), has_splits({"train": [1]})) == (True, False)
    assert [column_names(other) for other in (Table, {}, [], None, "columns")] == [None] * 5


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.txt", 0), ("A.TXT", 0), ("a.text", 0), ("a.md", 0), ("a.gz", 0), ("a", 0), ("a.csv", 1)],
)
def test_files_of_plain_text_are_read_without_a_word(name: str, said: int) -> None:
    file = io.StringIO("one\n\ntwo\n")
    file.name = name  # type: ignore[misc]
    records = Records.of(file)
    assert [record.text for record in records] == ["one", "two"]
    assert (
        list(records.notes)
        == [f"{name} is read as plain text, a text a line: read_records({name!r}) reads its format"] * said
    )
    file.seek(0)
    file.name = Path(name)  # type: ignore[misc, assignment]
    assert len(list(Records.of(file).notes)) == said


def test_numbers_and_truth_values_are_texts_and_lists_are_none() -> None:
    values = [True, False, 3, 2.5, "x", None, [1], b"y", object]
    assert [text_of(value) for value in values] == ["true", "false", "3", "2.5", "x", *[None] * 4]
