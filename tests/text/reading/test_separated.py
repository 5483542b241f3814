"""Records that are not lines: a blank line, a string or a pattern stands between them."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.reading.test_decoding import dribble
from unspool._errors import CorpusError
from unspool._text.reading import decoding, separated
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.separated import read_separated
from unspool._text.reading.sources import read_records, records_from_spec

AROUND = re.compile(r"\A(?:[^\S\n]*\n)+|(?:\n[^\S\n]*)+\Z")  # blank lines around a record
POEMS = "The moon is low\nand the boats come in\n\n  Salt on the sill,\n  a lamp\n \t\n\nGrass on the roof\n"
FASTA = ">one human\nMKT\nAYI\n>two\nGGC\n"
TUNES = "X:1\nT:Waltz\nABc\n\nX:2\nT:Reel\ndef\n"
CAPTIONS = "1\n00:01 --> 00:02\nHello\n\n2\n00:03 --> 00:04\nBye\n"
FORTUNES = "100% sure\n%\nA fortune\nof two lines\n%\n"


@pytest.mark.parametrize(
    ("content", "separator", "records"),
    [
        (POEMS, "blank",
         ["The moon is low\nand the boats come in", "  Salt on the sill,\n  a lamp", "Grass on the roof"]),
        ("\n \n" + POEMS.replace("\n", "\r\n") + "\n\n", "blank",
         ["The moon is low\nand the boats come in", "  Salt on the sill,\n  a lamp", "Grass on the roof"]),
        (FASTA, "re:^(?=>)", [">one human\nMKT\nAYI", ">two\nGGC"]),
        (FASTA, "re:^>.*$", ["MKT\nAYI", "GGC"]),
        (TUNES, "blank", ["X:1\nT:Waltz\nABc", "X:2\nT:Reel\ndef"]),
        (CAPTIONS, "blank", ["1\n00:01 --> 00:02\nHello", "2\n00:03 --> 00:04\nBye"]),
        (FORTUNES, "\n%\n", ["100% sure", "A fortune\nof two lines"]),
        ("one<|end|>two\nthree<|end|>", "<|end|>", ["one", "two\nthree"]),
        ("a.b", ".", ["a", "b"]),
        ("one\r\n--\r\ntwo\r\nthree\r\n", "\r\n--\r\n", ["one", "two\nthree"]),
        ("one\n--\ntwo\n", "\r--\r\n", ["one", "two"]),
        ("one\r--\rtwo\r", "\n--\n", ["one", "two"]),
    ],
)  # fmt: skip
def test_what_stands_between_records(
    tmp_path: Path, content: str, separator: str, records: list[str]
) -> None:
    (tmp_path / "a.abc").write_bytes(content.encode())
    read = read_records(tmp_path / "a.abc", record_separator=separator)
    assert [record.text for record in read] == records
    assert list(read.notes) == []
    assert [record.text for record in records_from_spec(read.spec)] == records


PIECES = st.lists(st.sampled_from(["a", "bc", "\n", "\n\n", " \n", ">", "d\n>", " ", "\t\n"]), max_size=30)


@pytest.mark.parametrize("separator", ["blank", "\n", "re:^(?=>)", "re:^>.*$", "re:(?<=a)b"])
@given(pieces=PIECES, step=st.integers(1, 7))
def test_blocks_of_any_length_give_the_same_records(separator: str, pieces: list[str], step: int) -> None:
    options = ReadOptions(format="text", record_separator=separator)
    text = "".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separated, "MARGIN", 8)
        found = [record.text for record in read_separated(dribble(text.encode(), step), options)]
    pattern = separated.separator_pattern(separator)
    cut, begin = [], 0
    for match in pattern.finditer(text):
        cut.append(text[begin : match.start()])
        begin = match.end()
    whole = [AROUND.sub("", part) for part in (*cut, text[begin:])]
    assert found == [part for part in whole if part and not part.isspace()]


def test_many_blank_lines_in_a_record_are_read_at_once(tmp_path: Path) -> None:
    first = "first" + "\n" * 1_000_000 + "last  "  # looked at from each of them, an hour
    (tmp_path / "a.txt").write_text(first + "\n \n%\n\n\t\n second\n")
    read = read_records(tmp_path / "a.txt", record_separator="\n%\n")
    assert [record.text for record in read] == [first, " second"]


def test_a_separator_that_does_not_occur_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    records = read_records(tmp_path / "a.txt", record_separator="%%")
    assert [record.text for record in records] == ["one\ntwo"]
    assert "the record separator '%%' does not occur" in next(iter(records.notes))


def test_a_record_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "LONGEST_RECORD", 1000)
    monkeypatch.setattr(decoding, "BLOCK", 100)
    (tmp_path / "a.txt").write_text("one\n\n" + "line\n" * 1000)
    with pytest.raises(CorpusError) as caught:
        list(read_records(tmp_path / "a.txt", record_separator="blank"))
    begins = "one\n\n" + "line\n" * 7
    assert str(caught.value) == (
        f"{tmp_path}/a.txt: a record is too long: expected at most 1,000 characters in a record, got more, "
        f"which begin {begins!r}; choose another --record-separator, or read it as one --document"
    )


@pytest.mark.data
def test_tunes_that_have_an_empty_line_between_them(data_dir: Path) -> None:
    tunes = [record.text for record in read_records(data_dir / "nottingham.abc", record_separator="blank")]
    headers = re.findall("^X:", (data_dir / "nottingham.abc").read_text("utf-8"), flags=re.MULTILINE)
    assert len(tunes) == len(headers)
    assert all(re.match("X: ?[0-9]+\nT:", tune) for tune in tunes)
