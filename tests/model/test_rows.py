"""Rows that a model writes: valid, as given, in their proportions; missing values filled; files."""

import csv
import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool import ConfigError, CorpusError, Generator, TableSchema
from unspool._running.resuming import resume_training

CAPITALS = {"FR": "Paris", "DE": "Berlin", "IT": "Rome"}


def people(count: int, seed: int) -> list[dict[str, Any]]:
    """Make rows whose capital follows from the country, and whose ages are all as frequent."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        country = draw.choice(list(CAPITALS))
        row = {"id": number, "age": draw.randint(30, 49), "country": country, "capital": CAPITALS[country]}
        rows.append(row | {"born": f"2{draw.randint(0, 999):03}-02-03", "member": draw.random() < 0.3})
    return rows


@pytest.fixture(scope="module")
def model() -> Generator:
    """Learn the rows for some seconds."""
    options: dict[str, Any] = {"hidden_size": 48, "learning_rate": 0.01, "epochs": 4, "threads": 1}
    return unspool.train(people(600, 0), table=True, progress=False, **options)


def test_rows_have_the_columns_and_types_of_the_source(model: Generator) -> None:
    rows = model.sample_rows(300, seed=1)
    assert len(rows) == 300
    assert [list(row) for row in rows] == [["id", "age", "country", "capital", "born", "member"]] * 300
    assert [row["id"] for row in rows] == list(range(600, 900))
    assert {type(row["age"]) for row in rows} == {int}
    assert {type(row["member"]) for row in rows} == {bool}
    assert all(30 <= row["age"] <= 49 for row in rows)
    right = sum(CAPITALS[row["country"]] == row["capital"] for row in rows)
    assert right > 280


def test_a_seed_is_its_rows(model: Generator) -> None:
    assert model.sample_rows(20, seed=3) == model.sample_rows(20, seed=3)
    assert model.sample_rows(20, seed=3) != model.sample_rows(20, seed=4)
    assert model.sample_rows(5, seed=3) == model.sample_rows(20, seed=3)[:5]


@pytest.mark.parametrize(
    "given", [{"country": "FR"}, {"capital": "Rome"}, {"capital": "Rome", "member": True, "age": 33}]
)
def test_any_columns_can_be_fixed(model: Generator, given: dict[str, Any]) -> None:
    rows = model.sample_rows(100, given=given, seed=1)
    assert all(row[name] == value for row in rows for name, value in given.items())
    assert sum(CAPITALS[row["country"]] == row["capital"] for row in rows) > 90


def test_the_values_of_a_range_are_as_frequent_as_without_it(model: Generator) -> None:
    """Ages from 30 to 49 are as frequent; were digits left out, 40 would come in half of the rows."""
    ages = Counter(row["age"] for row in model.sample_rows(1_000, given={"age": (30, 40)}, seed=1))
    assert set(ages) == set(range(30, 41))
    assert ages[40] < 200


def test_shares_are_those_that_were_learnt(model: Generator) -> None:
    """Three in ten are members, and half as many where what is frequent gains by a low temperature."""
    shares = [
        sum(row["member"] for row in model.sample_rows(2_000, seed=1, **options)) / 2_000
        for options in ({}, {"temperature": 1.0}, {"temp": 0.5})
    ]
    learnt = sum(row["member"] for row in people(600, 0)) / 600
    assert shares[0] == shares[1] == pytest.approx(learnt, abs=0.06)
    assert shares[2] < 0.7 * learnt


def test_a_rare_range_is_forced_and_told(model: Generator) -> None:
    rows = model.sample_rows(20, given={"born": ("2000-02-03", "2000-02-10")}, seed=1)
    assert all("2000-02-03" <= row["born"] <= "2000-02-10" for row in rows)
    assert rows.report.forced > 0
    assert "forced" in rows.report.sentence


def test_missing_values_are_filled_and_others_stay(model: Generator) -> None:
    known = people(200, 9)
    gaps = [dict(row) for row in known]
    draw = random.Random(1)
    for row in gaps:
        for name in draw.sample(["age", "country", "capital", "born", "member", "id"], 2):
            row[name] = None
    filled = model.impute(gaps, seed=1)
    assert all(value is not None for row in filled for value in row.values())
    for row, gap in zip(filled, gaps, strict=True):
        assert all(row[name] == value for name, value in gap.items() if value is not None)
    sure = [i for i, gap in enumerate(gaps) if (gap["country"] is None) != (gap["capital"] is None)]
    right = sum(filled[i]["capital"] == CAPITALS[filled[i]["country"]] for i in sure)
    assert right > 0.9 * len(sure)


def test_a_known_value_that_contradicts_the_schema_is_named(model: Generator) -> None:
    rows = [dict(row) for row in people(3, 9)]
    rows[1] |= {"age": 99, "country": None}
    with pytest.raises(CorpusError, match=r"row 2, column 'age'.*30 to 49"):
        model.impute(rows)


def test_rules_are_met_and_refusals_reported() -> None:
    draw = random.Random(2)
    rows = [
        {"low": low, "high": low + draw.randint(0, 3)} for low in (draw.randint(0, 9) for _ in range(300))
    ]
    schema = TableSchema(columns=TableSchema.of(rows).columns, rules=("low <= high", "high - low <= 3"))
    model = unspool.train(rows, table=schema, progress=False, hidden_size=16, epochs=1, threads=1)
    found = model.sample_rows(200, seed=1)
    assert all(0 <= row["high"] - row["low"] <= 3 for row in found)
    report = found.report
    assert report.accepted == 200
    assert report.written - report.accepted == sum(report.refused.values()) > 0
    assert "they break the rule low <= high" in report.sentence


def test_what_no_model_can_write_ends_with_the_report() -> None:
    rows = [{"a": i % 10, "b": "xy"[i // 10 % 2]} for i in range(300)]
    rows = [row for row in rows if row != {"a": 3, "b": "x"}]
    schema = TableSchema(columns=TableSchema.of(rows).columns, rules=("a != 3 or b != 'x'",))
    model = unspool.train(rows, table=schema, progress=False, hidden_size=8, epochs=1, threads=1)
    with pytest.raises(ConfigError, match=r"too few rows pass.*refused"):
        model.sample_rows(5, given={"a": 3, "b": "x"}, seed=1)


def test_keys_of_text_differ() -> None:
    rows = [{"code": f"{chr(65 + i % 26)}{chr(65 + i // 26)}", "n": i % 3} for i in range(300)]
    schema = TableSchema.of(rows)
    assert schema.columns[0].key
    model = unspool.train(rows, table=True, progress=False, hidden_size=16, epochs=1, threads=1)
    codes = [row["code"] for row in model.sample_rows(150, seed=1)]
    assert len(set(codes)) == 150


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_each_format_says_the_same(model: Generator, suffix: str, tmp_path: Path) -> None:
    rows, path = model.sample_rows(50, seed=1), tmp_path / f"rows.{suffix}"
    if suffix == "parquet":
        pyarrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        rows.save(path)
        table = parquet.read_table(path)
        kinds = [pyarrow.int64()] * 2 + [pyarrow.string()] * 2 + [pyarrow.date32(), pyarrow.bool_()]
        assert table.schema.types == kinds
        assert [row | {"born": str(row["born"])} for row in table.to_pylist()] == rows
        return
    rows.save(path)
    text = path.read_text("utf-8")
    if suffix == "jsonl":
        assert [json.loads(line) for line in text.splitlines()] == rows
    else:
        found = list(csv.DictReader(text.splitlines(), delimiter="," if suffix == "csv" else "\t"))
        assert found == [{name: json.dumps(value).strip('"') for name, value in row.items()} for row in rows]


def test_the_schema_is_saved_with_the_model(model: Generator, tmp_path: Path) -> None:
    model.save(tmp_path / "rows")
    again = unspool.load(tmp_path / "rows", threads=1)
    assert again.sample_rows(10, seed=1) == model.sample_rows(10, seed=1)


def test_a_model_of_texts_has_no_rows() -> None:
    model = unspool.train(["anna", "otto"] * 20, epochs=1, hidden_size=8, progress=False)
    with pytest.raises(ConfigError, match="not learnt the rows of a table"):
        model.sample_rows(1)
    with pytest.raises(ConfigError, match="not learnt the rows of a table"):
        model.impute([{"a": 1}])


@pytest.mark.parametrize("option", [{"max_new_tokens": 5}, {"stop": ["a"]}, {"best_of": 2}])
def test_options_of_texts_are_refused(model: Generator, option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="rows take temperature"):
        model.sample_rows(1, **option)


@pytest.mark.parametrize("argument", [{"canaries": unspool.Canaries(count=1)}, {"tokenizer": "word"}])
def test_arguments_of_texts_are_refused(argument: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(argument))):
        unspool.train(people(50, 0), table=True, epochs=1, progress=False, **argument)


def test_a_run_is_resumed_with_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(people(1, 0)[0]))
        writer.writeheader()
        writer.writerows(people(200, 0))
    options: dict[str, Any] = {"hidden_size": 16, "progress": False, "threads": 1}
    run = tmp_path / "run"
    unspool.train(path, table=True, out=run, epochs=1, **options)
    copy = shutil.copytree(run, tmp_path / "copy")
    by_place = resume_training(copy, changes={"epochs": 2})
    by_name = unspool.train(path, table=True, out=run, epochs=2, resume=True, progress=False)
    assert by_place.sample_rows(20, seed=1) == by_name.sample_rows(20, seed=1)
