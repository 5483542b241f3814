"""Whatever holds texts in memory is read by the rules of a file, or refused with what to do."""

import gzip
import io
import math
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._errors import CorpusError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record, Records

Row = namedtuple("Row", ["title", "label"])


def texts(container: Any) -> list[str]:
    return [record.text for record in Records.of(container)]


class Series:
    """A column as pandas has it: its values are iterated."""

    ndim = 1

    def __init__(self, *values: object) -> None:
        self.values = values

    def __iter__(self) -> Any:
        return iter(self.values)


class Frame:
    """A table as pandas has it: the names of its columns are iterated."""

    ndim = 2
    columns = ("title", "label")

    def __iter__(self) -> Any:
        return iter(self.columns)


def test_columns_of_other_libraries_are_lists_of_texts() -> None:
    assert texts(Series("one", "two")) == ["one", "two"]
    assert texts(np.array(["one", "two"])) == ["one", "two"]
    assert texts(np.array(["one", None], dtype=object)) == ["one"]
    assert {type(text) for text in texts(np.array(["one"]))} == {str}
    assert texts(dict.fromkeys(["one", "two"]).keys()) == ["one", "two"]


def test_a_column_of_pyarrow_is_a_list_of_texts() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"title": ["one", None, "two"], "label": ["a", "b", "c"]})
    assert texts(table["title"]) == ["one", "two"]
    with pytest.raises(CorpusError, match=r"a table with the columns 'title', 'label'; pass the column"):
        Records.of(table)


@pytest.mark.parametrize("name", ["pandas", "polars"])
def test_tables_of_other_libraries(name: str) -> None:
    library = pytest.importorskip(name)
    table = library.DataFrame({"title": ["one", None, "two"], "label": ["a", "b", "c"]})
    assert texts(table["title"]) == ["one", "two"]
    with pytest.raises(CorpusError, match="a table with the columns 'title', 'label'"):
        Records.of(table)


@pytest.mark.parametrize(
    ("container", "message"),
    [
        (Frame(), r"got a table with the columns 'title', 'label'; pass the column .*table\[NAME\]"),
        ({"one": "a text", "two": "another"}, r"a mapping of names to values; .*list\(texts.values\(\)\)"),
        (np.array([["a", "b"]]), "an array of 2 axes"),
        (np.array("a"), "an array of 0 axes"),
        (np.array([1, 2]), "text 0: expected a string"),
        ([Row("one", "a"), Row("two", "b")], r"text 0: .*a row with names: pass its text \(row.title\)"),
        (["one", b"two"], r"text 1: .*decode it"),
        (
            b"one",
            r"texts: expected a list of strings, got b'one'; decode it, and .*texts.decode\(\).splitlines",
        ),
        ([Path("a.txt")], "text 0: .*read_records"),
        ([["one", "two"]], "text 0: expected a string"),
        ([("one", "two", "three")], "text 0: expected a string"),
        (
            [{"title": "one"}, {"title": "two"}],
            "text 0: .*'text', got 2 blank or missing texts.*keys of text 0 are 'title'",
        ),
        (["", " "], "got 2 blank or missing texts"),
    ],
)
def test_what_is_no_list_of_texts_is_refused_with_what_to_do(container: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        Records.of(container)


@pytest.mark.parametrize(
    ("container", "got"),
    [(7, "7"), ("one text", "'one text'"), (np.zeros((2, 2)), "an array of 2 axes")],
)
def test_what_is_no_list_is_answered_with_both_ways_to_make_one(container: Any, got: str) -> None:
    with pytest.raises(CorpusError) as caught:
        Records.of(container)
    assert str(caught.value) == (
        f"texts: expected a list of strings, got {got}; "
        'for a file: read_records("names.txt"); for one text: [text]'
    )


def test_names_of_files_are_not_learnt(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("one\n")
    names = [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    with pytest.raises(CorpusError, match=r"got names of files, .*a\.txt' first; read what is in them"):
        Records.of(names)
    assert texts([*names, "a text"]) == [*names, "a text"]


NA = type("NAType", (), {})()


@pytest.mark.parametrize("missing", ["", " \u3000", "\n", None, math.nan, NA, {"label": "x"}, {"text": None},
                                     {"text": ""}, ("a source", " "), Record("")])  # fmt: skip
def test_a_blank_or_missing_text_is_passed_over_and_counted(missing: Any) -> None:
    records = Records.of(["one", missing, "two", missing])
    assert [record.text for record in records] == ["one", "two"]
    assert list(records.notes) == ["2 texts are blank or missing and were passed over (the first: text 1)"]
    with pytest.warns(RuntimeWarning, match="2 texts are blank or missing"):
        assert encode_corpus(records, EncodingRecipe()).training.num_records == 2
    encode_corpus(records, EncodingRecipe())  # said once


def test_a_document_and_a_text_in_pieces_keep_their_blank_parts() -> None:
    document = Records.of(["one\n", "\n", "two\n"], document=True)
    assert [record.text for record in document] == ["one\n", "\n", "two\n"]
    pieces = [Record("one", ends=False), Record(" ", ends=False), Record(""), Record("")]
    assert list(Records.of(pieces)) == pieces[:3]


CONTENT = "\ufeffone\r\n\r\ncaf\u00e9  \r\n \r\nthree"
OPEN: dict[str, Callable[[Path], Any]] = {
    "text": lambda path: path.open(encoding="utf-8"),
    "line ends": lambda path: path.open(encoding="utf-8", newline=""),
    "bytes": lambda path: path.open("rb"),
    "packed": lambda path: io.BytesIO(gzip.compress(path.read_bytes())),
    "memory": lambda path: io.StringIO(path.read_text("utf-8")),
}


@pytest.mark.parametrize("way", OPEN)
def test_an_open_file_is_read_as_the_file_is(tmp_path: Path, way: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(CONTENT.encode())
    with OPEN[way](path) as file:
        records = Records.wrap(file)
    assert (
        list(records)
        == list(unspool.read_records(path))
        == [Record("one"), Record("caf\u00e9  "), Record("three")]
    )
    assert list(records.notes) == []


def test_an_open_table_is_plain_text_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\nA\n")
    with path.open() as file:
        records = Records.of(file)
    assert [record.text for record in records] == ["text", "A"]
    assert "a.csv is read as plain text, a text a line: read_records(" in next(iter(records.notes))
    closed = path.open()
    closed.close()
    with pytest.raises(CorpusError, match=r"a\.csv cannot be read: got I/O operation on closed file"):
        Records.of(closed)


def test_bytes_that_are_not_utf8_are_refused_in_an_open_file_too() -> None:
    with pytest.raises(CorpusError, match=r"an open file, line 1, byte 3: not UTF-8.*cp1252"):
        Records.of(io.BytesIO(b"caf\xe9 noir\n"))


def test_a_name_alone_does_not_make_an_open_file() -> None:
    with pytest.raises(CorpusError, match="expected a list of strings"):
        Records.of(SimpleNamespace(read=3))  # type: ignore[arg-type]
