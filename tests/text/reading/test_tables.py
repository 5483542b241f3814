"""Tables are read row by row; what is broken is named with its line."""

import csv
import gzip
import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import CorpusError
from unspool._text.reading import jsonl, tables
from unspool._text.reading.headers import is_header
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sources import read_records
from unspool._text.records import Record

AG_NEWS_LIKE = '"3","Oil prices rise","Crude, again."\n"4","Say ""cheese""","Cameras\nget smaller"\n'
WITH_HEADER = "label,title,description\nSports,Match won,It was close\nWorld,Talks fail,They went home\n"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_columns_by_number_without_header(tmp_path: Path, name: str, end: str) -> None:
    path = write(tmp_path, name, AG_NEWS_LIKE.replace("\n", end))
    records = list(read_records(path, text=[1, 2], context=[0]))
    assert records == [
        Record("Oil prices rise Crude, again.", {"column_0": "3"}),
        Record('Say "cheese" Cameras\nget smaller', {"column_0": "4"}),
    ]
    assert [r.text for r in read_records(path, text="1")] == ["Oil prices rise", 'Say "cheese"']


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("text", ["title", 1, "1"])
def test_columns_by_name_or_number_with_header(tmp_path: Path, bom: str, text: str | int) -> None:
    path = write(tmp_path, "a.csv", bom + WITH_HEADER)
    assert list(read_records(path, text=text, context="label")) == [
        Record("Match won", {"label": "Sports"}),
        Record("Talks fail", {"label": "World"}),
    ]


def test_the_header_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", WITH_HEADER)
    assert next(r.text for r in read_records(path, text=1, header=False)) == "title"
    plain = write(tmp_path, "b.csv", "colour,animal\nred,fox\n")
    assert [r.text for r in read_records(plain, text=1)] == ["animal", "fox"]
    assert [r.text for r in read_records(plain, text=1, header=True)] == ["fox"]
    assert next(iter(read_records(plain, text=1, context=0, header=True))).context == {"colour": "red"}


def test_a_number_as_a_name(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "2,1,0\na,b,c\n")
    assert [r.text for r in read_records(path, text="2", header=True)] == ["a"]
    assert [r.text for r in read_records(path, text=2, header=True)] == ["c"]
    assert [r.text for r in read_records(path, text="2")] == ["0", "c"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["title", "label"], ["a", "b"]], True),
        ([["review_text", "stars"], ["a", "b"]], True),
        ([["Person", "Age"], ["Ann", "31"], ["Bo", "4.5"]], True),
        ([["Person", "Since"], ["Ann", "2004-05-01"]], True),
        ([["Ann", "31"], ["Bo", "4"]], False),
        ([["title", "3"], ["a", "4"]], False),
        ([["title", ""], ["a", "b"]], False),
        ([["text", "text"], ["a", "b"]], False),
        ([["text", "x" * 65], ["a", "b"]], False),
        ([["Match won", "It was close"], ["Talks fail", "They went home"]], False),
        ([["Emma"], ["Olivia"]], False),
        ([["name"], ["Olivia"]], True),
        ([["Emma", "Olivia"]], False),
    ],
)
def test_what_looks_like_a_header(rows: list[list[str]], expected: bool) -> None:
    assert is_header(rows) is expected


@pytest.mark.parametrize(
    ("name", "content", "options", "texts"),
    [
        ("a.tsv", "title\tlabel\nA b\tX\n", {"text": "title"}, ["A b"]),
        ("a.tab", "A b\tX\n", {"text": 0}, ["A b"]),
        ("a.csv", "A b;X\n", {"text": 0, "delimiter": ";"}, ["A b"]),
        ("a.txt", "A b|X\n", {"text": 0, "format": "csv", "delimiter": "|"}, ["A b"]),
        ("a.txt", "A b\tX\n", {"text": 0, "format": "csv", "delimiter": "\\t"}, ["A b"]),
        ("a.csv", "text,label\nA,X\n", {}, ["A"]),
        ("a.csv", 'Ann\n\n   \n""\nBo\n', {}, ["Ann", "Bo"]),
        ("a.csv", "a\0b,c\n", {"text": 0}, ["a\0b"]),
        ("a.csv", "cafe\u0301\n", {}, ["caf\u00e9"]),
        ("a.csv", "cafe\u0301\n", {"normalization": None}, ["cafe\u0301"]),
        ("a.csv", "a,b\n", {"text": [0, 1], "separator": " | "}, ["a | b"]),
        ("a.csv", "x" * 200_000 + ",b\n", {"text": 0}, ["x" * 200_000]),
        ("a.csv", "a\u2028b,c\x0bd\n", {"text": [0, 1]}, ["a\u2028b c\x0bd"]),
        ("a.jsonl", '{"text": "A"}\n\n{"text": "B"}', {}, ["A", "B"]),
        ("a.jsonl.gz", '\ufeff"A"\r\n"B"\r\n', {}, ["A", "B"]),
        ("a.ndjson", '["x", "A"]\n["y", "B"]', {"text": 1}, ["A", "B"]),
        ("a.jsonl", '{"a": 1.5, "b": true, "c": null}', {"text": ["a", "b", "c"]}, ["1.5 true "]),
        ("a.jsonl", '{"1": "A"}', {"text": "1"}, ["A"]),
        ("a.jsonl", '{"text": null}\n{"text": " "}\n{"text": "A\\nB"}', {}, ["A\nB"]),
    ],
)
def test_texts_of_tables(
    tmp_path: Path, name: str, content: str, options: dict[str, object], texts: list[str]
) -> None:
    path = write(tmp_path, name, content)
    assert [r.text for r in read_records(path, **options)] == texts  # type: ignore[arg-type]


def test_json_context_is_carried(tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", '{"text": "A", "label": 3}\n{"text": "B", "label": "x"}\n')
    assert [r.context for r in read_records(path, context="label")] == [{"label": "3"}, {"label": "x"}]
    path = write(tmp_path, "b.jsonl", '["A", "x"]\n')
    assert [r.context for r in read_records(path, text=0, context=[1])] == [{"column_1": "x"}]


BROKEN: list[tuple[str, str, dict[str, object], str]] = [
    ("a.csv", WITH_HEADER, {"text": "titel"}, "line 1: no column 'titel'.*did you mean 'title'"),
    ("a.csv", "\n\n" + WITH_HEADER, {"text": "titel"}, "line 3: no column"),
    ("a.csv", WITH_HEADER, {"text": "title", "header": False}, "no header"),
    ("a.csv", AG_NEWS_LIKE, {"text": 3}, "line 1: no column 3: expected a number from 0 to 2"),
    ("a.csv", AG_NEWS_LIKE, {}, "3 columns; choose the column"),
    ("a.csv", WITH_HEADER, {}, "3 columns: 'label', 'title', 'description'"),
    ("a.csv", "a,a\nb,c\n", {"text": "a"}, "more than one column is named 'a'"),
    ("a.csv", 'a,b\n"c\nd",e\nf\n', {"text": 0}, "line 4: ragged row: expected 2 fields .* got 1"),
    ("a.csv", "a b\nc,d\n", {"text": 0}, "line 2: ragged row.*delimiter"),
    ("a.csv", 'a,b\nc,"d\ne\n', {"text": 0}, "line 2: broken row"),
    ("a.csv", 'a,b\nc,"d" e\n', {"text": 0}, "line 2: broken row"),
    ("a.csv", "a,b\n" * 30 + "c\n", {"text": 0}, "line 31: ragged"),
    ("a.csv", "", {"text": 0}, "no text"),
    ("a.csv", "title\n", {"text": "title"}, "no text"),
    ("a.jsonl", '{"text": "A"}\n{"text": \n', {}, "line 2: not JSON"),
    ("a.jsonl", '{"text": "A"\n', {}, "line 1: not JSON.* at character 14"),
    ("a.jsonl", '\n{"t": "A"}\n{"t": "B"}\n', {}, "line 2: no column 'text': expected one of 't'"),
    ("a.jsonl", '{"text": "A"}\n{"text": "B"}\n', {"context": "lable"}, "line 1: no column 'lable'"),
    ("a.jsonl", '{"title": "A", "b": 1}\n', {"text": "titel"}, "line 1: no column 'titel'.*'title'"),
    (
        "a.jsonl",
        '{"title": "A"}\n',
        {"text": 0},
        "line 1: no column 0: expected one of 'title'; choose columns of an object by name",
    ),
    ("a.jsonl", '["A"]\n', {"text": 1}, "line 1: no column 1"),
    ("a.jsonl", '["A"]\n', {"text": "title"}, "line 1: no column 'title'"),
    ("a.jsonl", "7\n", {}, "line 1: expected an object"),
    ("a.jsonl", '{"text": [["A"]]}\n', {}, "line 1: expected a text"),
    ("a.jsonl", '{"text": {"de": "A"}}\n', {}, "line 1: expected a text.*such as data.text"),
    ("a.jsonl", '[\n{"text": "A"}\n]\n', {}, "line 1: not JSON.*--format json"),
    ("a.json", '{\n"data": []\n}\n', {}, "line 1: not JSON.*jq"),
    ("a.json", '[{"text": "A"}, {"text": }]', {}, "value 2: not JSON"),
    ("a.json", '[{"text": "A"} {"text": "B"}]', {}, "value 2: not JSON: expected ','"),
    ("a.json", '[{"text": "A"}', {}, "an array that does not end"),
    ("a.json", '["A"]\n["B"]\n', {}, "expected nothing after the array.*--format jsonl"),
    ("a.json", "[7]", {}, "value 1: expected an object"),
    ("a.jsonl", '{"text": "\\ud800"}\n', {}, "line 1: half of a surrogate pair"),
    ("a.jsonl", "[" * 100_000 + "\n", {"text": 0}, "line 1: not JSON: got too many"),
    ("a.jsonl", '{"text": ' + "1" * 5000 + "}\n", {}, "line 1: not JSON"),
]


@pytest.mark.parametrize(("name", "content", "options", "message"), BROKEN)
def test_what_is_broken_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, options: dict[str, object], message: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(CorpusError, match=message) as caught:
        list(read_records(path, **options))  # type: ignore[arg-type]
    assert name in str(caught.value)


def test_a_wrong_byte_in_a_table_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", b"a,b\nc,d\xe9\n")
    with pytest.raises(CorpusError, match=r"a\.csv, line 2, byte 7"):
        list(read_records(path, text=0))


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LONGEST_FIELD", 300_000)
    csv.field_size_limit(1000)  # any reader may have raised it already
    path = write(tmp_path, "a.csv", 'a,b\nc,"d\n' + "e,f\n" * 200_000)
    with pytest.raises(CorpusError, match=r"line 2: broken row: got field larger.*every quote is closed"):
        list(read_records(path, text=0))
    path = write(tmp_path, "b.jsonl", '{"text": "' + "a " * 1_500_000 + '"}\n')
    with pytest.raises(CorpusError, match="line 1: too long"):
        list(read_records(path))


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=1, max_size=4))
def test_json_texts_come_out_as_they_went_in(texts: list[str]) -> None:
    options = ReadOptions(normalization=None)
    rows = jsonl.JsonRows(FilePlace("a.jsonl", nullcontext), options)  # type: ignore[arg-type]
    found = [rows.record(jsonl._parse(json.dumps({"text": t}), ""), "") for t in texts]
    assert [record.text for record in found if record] == [t for t in texts if t and not t.isspace()]


@pytest.mark.parametrize(
    ("first", "second", "advised"), [(1, 3, True), (3, 1, True), (2, 3, False), (3, 2, False), (1, 2, True)]
)
def test_a_ragged_row_is_named_and_the_delimiter_only_where_it_may_be_wrong(
    tmp_path: Path, first: int, second: int, advised: bool
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join("abc"[:first]) + "\n" + ",".join("def"[:second]) + "\n")
    with pytest.raises(CorpusError) as caught:
        list(read_records(path, text=0, header=False, delimiter=","))
    advice = ", or choose the delimiter (--delimiter)" if advised else ""
    assert str(caught.value) == (
        f"{path}, line 2: ragged row: expected {first} fields as in the first row, got {second}; "
        f"put quotes around a field that contains ','{advice}"
    )
