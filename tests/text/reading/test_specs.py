"""What records say of the reading that made them: how it is done again, from which files, in which blocks."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unspool._errors import CorpusError
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sources import _measuring, columns_of, columns_of_file, described, read_records
from unspool._text.records import Record, Records

USUAL: dict[str, object] = {
    "text": None, "context": [], "document": False, "format": "text", "header": None, "delimiter": None,
    "separator": " ", "normalization": "NFC", "split": None, "language": "en",
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a text and a table into a folder, and work there."""
    (tmp_path / "a.txt").write_text("one\n\ntwo")
    (tmp_path / "b.csv").write_text("title;label\nA;x\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "options", "changed"),
    [
        ("a.txt", {}, {}),
        ("a.txt", {"document": True, "normalization": None}, {"document": True, "normalization": None}),
        ("a.txt", {"split": "sentences", "language": "de"}, {"split": "sentences", "language": "de"}),
        ("a.txt", {"encoding": "CP1252"}, {"encoding": "cp1252"}),
        ("a.txt", {"record_separator": "blank"}, {"record_separator": "blank"}),
        ("a.txt", {"context": "length"}, {"context": ["length"]}),
        (Path("b.csv"), {"text": "title"}, {"text": ["title"], "format": "csv"}),
        ("b.csv", {"text": 0, "source_text": [1], "header": False, "delimiter": ";", "separator": "|"},
         {"text": [0], "source_text": [1], "header": False, "delimiter": ";", "separator": "|",
          "format": "csv"}),
        ("b.csv", {"text": 0, "quoting": "none"}, {"text": [0], "quoting": "none", "format": "csv"}),
    ],
)  # fmt: skip
def test_a_file_is_described_by_what_reads_it_again(
    folder: Path, source: str | Path, options: dict[str, Any], changed: dict[str, object]
) -> None:
    records = read_records(source, **options)
    assert records.spec == {**USUAL, "source": str(folder / source), **changed}
    assert (records.description, records.once) == (str(source), False)
    assert records.pairs is bool(options.get("source_text"))
    assert records.document is bool(options.get("document"))
    assert records.steers is bool(options.get("context"))


def test_folders_lists_and_corpora_are_described_too(folder: Path) -> None:
    of_folder = {**USUAL, "format": None, "encoding": None}
    assert read_records(".").spec == {**of_folder, "source": str(folder)}
    assert read_records(folder, format="text").spec == {**of_folder, "format": "text", "source": str(folder)}
    several = read_records(["a.txt", "a.txt"])
    assert several.spec == {**USUAL, "source": [str(folder / "a.txt")] * 2}
    assert several.description == "a.txt and 1 more"
    assert read_records(["a.txt"]).spec["source"] == str(folder / "a.txt")
    corpus = read_records("unicode-names", normalization="NFD", document=True, context="label")
    assert corpus.spec == {
        **USUAL, "source": "corpus:unicode-names", "format": None, "normalization": "NFD", "document": True,
        "context": ["label"],
    }  # fmt: skip
    assert (corpus.description, corpus.document, corpus.normalization) == ("unicode-names", True, "NFD")
    assert (corpus.lines, corpus.files) == (None, None)
    assert described(["x"] * 1001) == "x and 1,000 more"


def test_standard_input_is_read_once_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("é\nb".encode("cp1252"))))
    records = read_records("-", encoding="cp1252", context="length")
    assert records.spec == {**USUAL, "source": "-", "encoding": "cp1252", "context": ["length"]}
    assert (records.description, records.once, records.lines, records.files) == (
        "standard input", True, None, None,
    )  # fmt: skip
    assert list(records) == [Record("é", {"length": "1"}), Record("b", {"length": "1"})]


def test_lines_come_in_blocks_where_every_line_is_a_record(folder: Path) -> None:
    records = read_records(["a.txt", "a.txt"])
    assert records.lines is not None
    for _ in range(2):
        assert "".join(records.lines()) == "one\n\ntwo\none\n\ntwo\n"
    assert (records.meter.done, records.meter.total) == (16, 16)
    assert records.files is not None
    assert records.files() == [Path("a.txt")] * 2
    for options in ({"document": True}, {"split": "sentences"}, {"record_separator": "blank"}):
        assert read_records("a.txt", **options).lines is None  # type: ignore[arg-type]
    assert read_records("b.csv", text="title").lines is None


def test_files_may_be_kept_encoded_unless_they_are_cut_or_it_is_refused(folder: Path) -> None:
    assert read_records("a.txt", reuse=False).files is None
    assert read_records("a.txt", split="sentences").files is None
    csv = read_records("b.csv", text="title").files
    assert csv is not None
    assert csv() == [Path("b.csv")]


def test_the_length_of_a_text_in_pieces_is_not_known() -> None:
    pieces = [
        Record("abc"), Record("de", ends=False), Record("f"), Record("gh"), Record("i", {"length": "long"}),
        Record("jkl", {"a": "b"}),
    ]  # fmt: skip

    def read() -> Iterator[Record]:
        return iter(pieces)

    measured = list(_measuring(read, ReadOptions(context=("length",)))())
    assert [record.context for record in measured] == [
        {"length": "3"}, {}, {}, {"length": "2"}, {"length": "long"}, {"a": "b", "length": "3"},
    ]  # fmt: skip
    assert [record.text for record in measured] == [record.text for record in pieces]
    assert _measuring(read, ReadOptions()) is read


def test_one_column_or_several() -> None:
    found = [columns_of(chosen) for chosen in (None, "a", 3, ["a", 3], ("b",), [])]
    assert found == [(), ("a",), (3,), ("a", 3), ("b",), ()]


def test_the_columns_of_a_file_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("größe,b\n".encode("cp1252"))
    options = ReadOptions(format="csv", encoding="cp1252", header=True)
    assert columns_of_file(tmp_path / "a.txt", options) == ("csv", ("größe", "b"))


def test_a_length_of_records_in_memory_and_their_splits() -> None:
    with pytest.raises(
        CorpusError, match=r"^language works only with split; say split='sentences' as well, or "
    ):
        read_records(iter(["a"]), language="de")
    assert isinstance(read_records(iter(["a"])), Records)


@pytest.mark.parametrize(("kinds", "more"), [(6, ""), (7, ", ...")])
def test_six_kinds_of_files_are_named(tmp_path: Path, kinds: int, more: str) -> None:
    for number in range(kinds):
        for copy in range(9 - number):
            (tmp_path / f"{copy}.k{number}").touch()
    shown = ", ".join(f".k{number} {9 - number}" for number in range(6)) + more
    with pytest.raises(CorpusError) as caught:
        list(read_records(tmp_path, format="tsv"))
    assert str(caught.value) == (
        f"{tmp_path}: no file to read: expected names that end in .tsv, .tab (or these with .gz), got {shown}"
        "; choose their --format; --format text reads every file"
    )
    (tmp_path / "a.tsv").write_text("text\tlabel\na\tb\n")
    records = read_records(tmp_path, format="tsv", text="text")
    assert [record.text for record in records] == ["a"]
    count = sum(9 - number for number in range(kinds))
    assert list(records.notes) == [
        f"{tmp_path}: {count} of {count + 1} files were passed over ({shown}); --format text reads every "
        "file as text"
    ]
    with pytest.raises(CorpusError, match=r"expected names that end in \.parquet, \.pq, got "):
        list(read_records(tmp_path, format="parquet"))
