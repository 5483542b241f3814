"""A schema is read from rows, written for people, and read again; what contradicts itself is refused."""

from pathlib import Path
from typing import Any

import pytest

from unspool import ConfigError, CorpusError, TableSchema
from unspool._tables.columns import Column
from unspool._tables.corpus import table_records

Rows = list[dict[str, str]]


def column(*values: Any, times: int = 1) -> Column:
    """Return what a column of some values is taken for."""
    return TableSchema.of([{"a": value, "b": "x"} for value in values] * times).columns[0]


def test_every_type_is_seen(people: Rows) -> None:
    schema = TableSchema.of(people)
    assert [(each.name, each.type) for each in schema.columns] == [
        ("id", "whole"), ("name", "text"), ("country", "category"), ("capital", "category"), ("age", "whole"),
        ("height", "decimal"), ("born", "date"), ("member", "boolean"), ("planet", "category"),
    ]  # fmt: skip
    of = {each.name: each for each in schema.columns}
    assert of["id"].is_counted
    assert (of["id"].least, of["id"].most) == (100, 399)
    assert (of["capital"].values, of["capital"].missing) == (("Berlin", "Paris", "Rome"), ("",))
    assert of["age"].missing == ("NA",)
    assert of["height"].places == 2
    assert of["born"].format == "%d.%m.%Y"
    assert of["member"].values == ("no", "yes")
    assert of["planet"].constant == "Earth"


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "22", "-3"], "whole"),
        (["007", "112"], "category"),  # a code: its zeros mean something
        (["1", "2.5", "1e3"], "decimal"),
        (["2024-02-29", "2023-01-01"], "date"),
        (["2024-02-29 10:00:00", "2023-01-01 23:59:59"], "date"),
        (["2024-02-30", "2023-01-01"], "category"),  # there is no such day
        (["True", "False"], "boolean"),
        (["true", "maybe"], "category"),
        (["0", "1"], "whole"),
        (["1", "2", "3+"], "category"),
        ([f"a sentence, number {i}" for i in range(99)], "text"),
    ],
)
def test_types(values: list[str], type_: str) -> None:
    assert column(*values).type == type_


def test_days_and_months_are_told_apart_by_all_rows() -> None:
    assert column("01/02/2024", "13/02/2024").format == "%d/%m/%Y"
    assert column("01/02/2024", "02/13/2024").format == "%m/%d/%Y"


def test_a_column_of_floats_is_rounded_to_what_can_be_learnt() -> None:
    found = column("0.1234567890123456", "52.5200080000001")
    assert found.type == "decimal"
    assert found.places == 7


def test_toml_says_all_of_it(people: Rows, tmp_path: Path) -> None:
    schema = TableSchema.of(people)
    (tmp_path / "people.toml").write_text(schema.to_toml(), "utf-8")
    assert TableSchema.load(tmp_path / "people.toml") == schema


def test_hostile_names_and_values_survive_toml(tmp_path: Path) -> None:
    rows = [{'a "b"\\\x7f': "ä\n\t'", "c": "1"}, {'a "b"\\\x7f': "\U0001f388", "c": "2"}]
    schema = TableSchema.of(rows)
    (tmp_path / "s.toml").write_text(schema.to_toml(), "utf-8", newline="")
    assert TableSchema.load(tmp_path / "s.toml") == schema


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns = 3", "columns"),
        ('[[columns]]\nname = "a"\ntype = "hole"', "hole"),
        ('[[columns]]\nname = "a"\ntype = "whole"\nleast = 3\nmost = 1', "least"),
        ('[[columns]]\nname = "a"\ntype = "whole"', "least"),
        ('[[columns]]\nname = "a"\ntype = "text"\nlongest = 9\npattern = "("', "pattern"),
        ('[[columns]]\nname = "a"\ntype = "category"', "at least one value"),
        ('[[columns]]\nname = "a"\ntype = "date"\nleast = "2024-02-30"\nmost = "2024-03-01"', "day"),
        ('rules = ["a.b"]\n[[columns]]\nname = "a"\ntype = "whole"\nleast = 1\nmost = 2', "Attribute"),
        ('rules = ["b > 1"]\n[[columns]]\nname = "a"\ntype = "whole"\nleast = 1\nmost = 2', "no column"),
        ('[[columns]]\nname = "a"\ntype = "date"\nformat = "%Y"\nleast = "1"\nmost = "2"', "format"),
    ],
)
def test_a_broken_schema_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said):
        TableSchema.load(tmp_path / "s.toml")


def test_mixed_types_are_refused_with_row_and_column() -> None:
    rows = [{"a": str(i * i), "b": "x"} for i in range(99)]
    rows[41]["a"] = "n/k"
    with pytest.raises(CorpusError, match=r"row 42, column 'a': mixed types.*'n/k'"):
        TableSchema.of(rows)


def test_too_many_categories_are_refused() -> None:
    values = tuple(map(str, range(10_001)))
    with pytest.raises(ConfigError, match="at most 10,000 values"):
        Column(name="city", type="category", values=values)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"age": "17"}, "row 3, column 'age'.*18 to 70.*'17'"),
        ({"age": "old"}, "row 3, column 'age'.*whole number"),
        ({"country": "US"}, "row 3, column 'country'.*'DE', 'FR', 'IT'.*'US'"),
        ({"born": "30.02.1970"}, "row 3, column 'born'.*calendar"),
        ({"height": ""}, "row 3, column 'height'.*missing"),
        ({"id": "100"}, "row 3, column 'id'.*key"),
        ({"planet": "Mars"}, "row 3, column 'planet'.*'Earth'"),
        ({"name": "A" * 99}, "row 3, column 'name'.*characters"),
    ],
)
def test_rows_that_contradict_the_schema_are_refused(
    people: Rows, changes: dict[str, str], said: str
) -> None:
    schema = TableSchema.of(people)
    rows = [dict(row) for row in people]
    rows[2] |= changes
    with pytest.raises(CorpusError, match=said):
        table_records(rows, schema, {}, fraction=0.1)


def test_a_rule_that_rows_break_is_refused_with_the_row() -> None:
    rows = [{"begin": str(i % 25), "end": str(i % 25 + 1)} for i in range(50)]
    rows[7]["end"] = "0"
    schema = TableSchema(columns=TableSchema.of(rows).columns, rules=("begin < end",))
    with pytest.raises(CorpusError, match=r"row 8.*begin < end"):
        table_records(rows, schema, {}, fraction=0.1)


def test_other_columns_than_those_of_the_schema_are_refused(people: Rows) -> None:
    rows = [{"x": row["age"], **row} for row in people]
    with pytest.raises(ConfigError, match="column 'id' next"):
        table_records(rows, TableSchema.of(people), {}, fraction=0.1)


def test_a_table_without_anything_to_learn_is_refused() -> None:
    with pytest.raises(CorpusError, match="a column to learn"):
        table_records([{"a": "x", "b": "1"}] * 9, True, {}, fraction=0.1)
