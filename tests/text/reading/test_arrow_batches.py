"""What columns of Parquet and Feather may hold."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import feather, parquet

from unspool._errors import CorpusError
from unspool._text.reading.sources import read_records

any_format = pytest.mark.parametrize("name", ["a.parquet", "a.feather"])


def write(folder: Path, name: str, columns: dict[str, Any]) -> Path:
    return write_table(folder / name, pyarrow.table(columns))


def write_table(path: Path, table: Any) -> Path:
    (parquet.write_table if path.suffix == ".parquet" else feather.write_feather)(table, path)
    return path


VALUES: dict[str, tuple[list[Any], list[str]]] = {
    "whole": ([3, None], ["3", ""]),
    "real": ([0.5, -1e20], ["0.5", "-1e+20"]),
    "no number": ([0.5, float("nan")], ["0.5", ""]),  # as in memory: NaN is a missing value
    "no single": (pyarrow.array([float("nan"), 3.1], pyarrow.float32()), ["", "3.1"]),
    "word": (["nan", "NaN"], ["nan", "NaN"]),
    "single": (pyarrow.array([3.1, None], pyarrow.float32()), ["3.1", ""]),
    "truth": ([True, False], ["true", "false"]),
    "day": ([datetime.date(2024, 5, 1), None], ["2024-05-01", ""]),
    "money": ([decimal.Decimal("1.50"), None], ["1.50", ""]),
    "category": (pyarrow.array(["b", "a"]).dictionary_encode(), ["b", "a"]),
    "large": (pyarrow.array(["b", None], pyarrow.large_string()), ["b", ""]),
    "bytes": ([b"caf\xc3\xa9", None], ["caf\u00e9", ""]),
    "nothing": ([None, None], ["", ""]),
}


@any_format
def test_values_become_text(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, {"text": ["a", "b"], **{kind: each[0] for kind, each in VALUES.items()}})
    records = list(read_records(path, context=list(VALUES)))
    for kind, (_, expected) in VALUES.items():
        assert [record.context[kind] for record in records] == expected


@any_format
def test_columns_by_number(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, {"b": ["x"], "a": ["y"], "c.d": ["z"]})
    assert [record.text for record in read_records(path, text=[2, 0, "a"])] == ["z x y"]
    (record,) = read_records(path, text="c.d", context=1)
    assert (record.text, record.context) == ("z", {"a": "y"})


@any_format
def test_a_column_of_lists_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, {"text": ["a"], "tags": [["b"]], "facts": [{"x": 1}]})
    assert [record.text for record in read_records(path)] == ["a"]
    for column, kind in (("tags", "list<"), ("facts", "struct<")):
        with pytest.raises(CorpusError, match=f"{name}, column '{column}': expected texts.* got {kind}"):
            list(read_records(path, text=column))


@any_format
def test_two_columns_of_one_name_are_refused(tmp_path: Path, name: str) -> None:
    table = pyarrow.table([["a"], ["b"]], names=["text", "text"])
    if name.endswith("feather"):
        with pyarrow.ipc.new_file(str(tmp_path / name), table.schema) as file:
            file.write_table(table)
    else:
        write_table(tmp_path / name, table)
    for column in ("text", 1):
        with pytest.raises(CorpusError, match="more than one"):
            list(read_records(tmp_path / name, text=column))


@any_format
def test_what_is_not_utf8_is_named_with_its_row(tmp_path: Path, name: str) -> None:
    data = pyarrow.array([b"a"] * 6000 + [b"caf\xe9", b"b"])
    text = pyarrow.Array.from_buffers(pyarrow.string(), len(data), data.buffers())
    for values in (data, text):
        path = write(tmp_path, name, {"text": values})
        with pytest.raises(CorpusError, match=rf"{name}, column 'text', row 6,001: not UTF-8: got b'caf"):
            list(read_records(path))


@any_format
def test_a_damaged_middle_is_one_error(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, name, {"text": [f"{number} of many" for number in range(9000)]})
    data = bytearray(path.read_bytes())
    data[100 : len(data) // 2] = b"\xff" * (len(data) // 2 - 100)
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=rf"{name}.*(broken|not UTF-8)"):
        list(read_records(path))
