"""JSON in the shapes that people have: lines, one array, keys inside keys, lists, rows without a text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.reading.test_decoding import dribble
from unspool._errors import CorpusError
from unspool._text.reading import jsonl
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sources import read_records
from unspool._text.records import Record


def read(path: Path, content: str, **options: object) -> tuple[list[Record], list[str]]:
    path.write_text(content, "utf-8")
    records = read_records(path, **options)  # type: ignore[arg-type]
    return list(records), [note.replace(str(path), path.name) for note in records.notes]


MISSING = '{"id": 0}\n{"text": "A", "id": 1}\n{"text": null}\n{"text": " "}\n["B"]\n""\n'


def test_rows_without_a_text_are_passed_over_and_counted(tmp_path: Path) -> None:
    records, notes = read(tmp_path / "a.jsonl", MISSING)
    assert [record.text for record in records] == ["A", "B"]
    assert notes == ["4 rows have no text and were passed over (the first: a.jsonl, line 1)"]
    array = "[" + ",".join(line for line in MISSING.splitlines()) + "]"
    records, notes = read(tmp_path / "a.json", array)
    assert [record.text for record in records] == ["A", "B"]
    assert notes == ["4 rows have no text and were passed over (the first: a.json, value 1)"]
    records, notes = read(tmp_path / "a.csv", "text,id\nA,1\n ,2\n", text="text")
    assert notes == ["1 row has no text and was passed over (a.csv, line 3)"]


def test_null_and_nan_are_missing_wherever_they_stand(tmp_path: Path) -> None:
    lines = ['"A"', "null", "NaN", '{"text": NaN, "year": 1}', '{"text": "B", "year": NaN}', "[null]"]
    array = f"[{', '.join(lines)}]"
    passed_over = "4 rows have no text and were passed over"
    for name, content, first in (
        ("a.jsonl", "\n".join(lines), "a.jsonl, line 2"),
        ("a.json", array, "a.json, value 2"),
    ):
        records, notes = read(tmp_path / name, content)
        assert [record.text for record in records] == ["A", "B"]
        assert notes == [f"{passed_over} (the first: {first})"]
    records, _ = read(tmp_path / "b.jsonl", "\n".join(lines[3:5]), context="year")
    assert records == [Record("B", {"year": ""})]
    with pytest.raises(CorpusError, match="expected an object with columns, got 7"):
        read(tmp_path / "c.jsonl", '"A"\n7\n')


def test_a_context_that_some_rows_lack_is_empty_there_and_counted(tmp_path: Path) -> None:
    content = '{"text": "A", "label": "x"}\n{"text": "B"}\n{"text": "C", "label": null}\n'
    records, notes = read(tmp_path / "a.jsonl", content, context="label")
    assert [record.context for record in records] == [{"label": "x"}, {"label": ""}, {"label": ""}]
    assert notes == ["1 row has no 'label', which is empty there (a.jsonl, line 2)"]


def test_a_key_inside_another_one(tmp_path: Path) -> None:
    content = '{"data": {"text": "A", "by": {"name": "Ann"}}}\n{"data": 3}\n{"data.text": "B", "data": {}}\n'
    records, _ = read(tmp_path / "a.jsonl", content, text="data.text", context="data.by.name")
    assert records == [Record("A", {"data.by.name": "Ann"}), Record("B", {"data.by.name": ""})]
    with pytest.raises(CorpusError, match=r"no column 'data.txt'.*did you mean 'data.text'"):
        read(tmp_path / "a.jsonl", content, text="data.txt")


def test_a_list_of_strings_is_joined_and_this_is_said(tmp_path: Path) -> None:
    content = '{"text": ["one", "two"]}\n{"text": []}\n{"text": ["three"]}\n'
    records, notes = read(tmp_path / "a.jsonl", content)
    assert [record.text for record in records] == ["one two", "three"]
    assert "a.jsonl: lists of strings are joined by ' ' (--separator)" in notes
    records, _ = read(tmp_path / "a.jsonl", content, separator="\n")
    assert records[0].text == "one\ntwo"
    with pytest.raises(CorpusError, match="line 1: half of a surrogate"):
        read(tmp_path / "a.jsonl", '{"text": ["\\ud800"]}\n')


@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "A"}, {"text": "B"}]',
        '\ufeff\n [\n{"text": "A"}\n,{"text":"B"}]\n\n',
        '["A", "B"]',
        '{"text": "A"}\n{"text": "B"}\n',
        '"A"\n"B"',
    ],
)
def test_a_json_file_is_one_array_or_a_value_a_line(tmp_path: Path, content: str) -> None:
    records, _ = read(tmp_path / "a.json", content)
    assert records == [Record("A"), Record("B")]


VALUES = st.lists(
    st.text(st.characters(codec="utf-8")) | st.dictionaries(st.just("text"), st.text('a[]{}",:\\ é'))
)


@given(values=VALUES, indent=st.none() | st.integers(0, 2), step=st.integers(1, 9))
def test_an_array_in_blocks_of_any_length_has_the_same_values(
    values: list[object], indent: int | None, step: int
) -> None:
    data = json.dumps(values, indent=indent, ensure_ascii=False)
    blocks = (data[begin : begin + step] for begin in range(0, len(data), step))
    assert list(jsonl._array_values(dribble(b""), iter(blocks))) == values


def test_one_value_of_an_array_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "LONGEST_FIELD", 100)
    place = dribble(b'["' + b"a" * 1000 + b'"]', 50)
    with pytest.raises(CorpusError, match="value 1: too long or not JSON: expected at most 100 "):
        list(jsonl.read_json(place, ReadOptions(format="json")))


def test_an_empty_array_has_no_text(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"a\.json: no text found"):
        read(tmp_path / "a.json", "[ ]")
