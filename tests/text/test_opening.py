"""Whatever has texts goes through one door, by the rules of a file, or is refused with what to write."""

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool import CorpusError, Record, Records
from unspool._text.opening import as_records

TITLES = ["one", None, "two", " "]
LABELS = ["a", "b", None, "d"]
READ = [("one", "a"), ("two", "")]
PASSED_OVER = "2 texts are blank or missing and were passed over (the first: text 1)"


class Frame:
    """A table as pandas has it: columns by name, whose iteration gives the names."""

    ndim = 2

    def __init__(self, **columns: list[Any]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


def of_pandas(**columns: list[Any]) -> Any:
    return pytest.importorskip("pandas").DataFrame(columns)


def of_polars(**columns: list[Any]) -> Any:
    return pytest.importorskip("polars").DataFrame(columns)


def of_pyarrow(**columns: list[Any]) -> Any:
    return pytest.importorskip("pyarrow").table(columns)


def of_datasets(**columns: list[Any]) -> Any:
    return pytest.importorskip("datasets").Dataset.from_dict(columns)


def of_mappings(**columns: list[Any]) -> Any:
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


TABLES: dict[str, Callable[..., Any]] = {
    "own": Frame, "pandas": of_pandas, "polars": of_polars, "pyarrow": of_pyarrow, "datasets": of_datasets,
}  # fmt: skip
ROWS = {**TABLES, "mappings": of_mappings}


@pytest.mark.parametrize("library", ROWS)
def test_the_columns_of_a_table_are_chosen_as_those_of_a_file(library: str) -> None:
    table = ROWS[library](title=TITLES, label=LABELS, number=[1, 2, 3, 4])
    records = as_records(table, {"text": "title", "context": ["label", "length"]})
    assert [(record.text, record.context["label"]) for record in records] == READ
    assert [record.context["length"] for record in records] == ["3", "3"]
    assert list(records.notes) == [PASSED_OVER]


@pytest.mark.parametrize("library", ROWS)
def test_several_columns_are_joined_and_a_source_makes_pairs(library: str) -> None:
    table = ROWS[library](en=["a dog", "a cat"], de=["ein Hund", "eine Katze"], mark=["!", "?"])
    records = as_records(table, {"text": ["de", "mark"], "source_text": "en", "separator": ""})
    assert list(records) == [Record("ein Hund!", source="a dog"), Record("eine Katze?", source="a cat")]
    assert records.pairs


@pytest.mark.parametrize("library", TABLES)
def test_the_column_named_text_or_the_only_one_needs_no_word(library: str) -> None:
    assert list(as_records(TABLES[library](other=["x"], text=["one"]))) == [Record("one")]
    assert list(as_records(TABLES[library](title=["one"]))) == [Record("one")]


@pytest.mark.parametrize("library", TABLES)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"got a table with the columns 'number', 'title', 'label'; say .*train\(table, text='title'\)"),
        ({"text": "titel"}, r"no column 'titel'.*did you mean 'title'\?"),
        ({"text": 7}, "no column 7.*from 0 to 2"),
        ({"text": "title", "delimiter": ";"}, "texts in memory have no delimiter; leave it out"),
        ({"text": "title", "format": "csv"}, "texts in memory have no format"),
    ],
)
def test_what_is_ambiguous_or_no_text_is_refused(library: str, options: dict[str, Any], message: str) -> None:
    table = TABLES[library](number=[1, 2], title=["one", "two"], label=["a", "b"])
    with pytest.raises(CorpusError, match=message):
        as_records(table, options)


@pytest.mark.parametrize("library", TABLES)
def test_a_chosen_column_of_numbers_or_dates_is_text_as_in_a_file(library: str, tmp_path: Path) -> None:
    columns = {
        "number": [7, None, -3],
        "share": [0.25, None, 1e-7],
        "day": [date(2024, 2, 29), None, date(1999, 12, 31)],
        "flag": [True, False, True],
    }
    spelled = {
        "number": ["7", "-3"],
        "share": ["0.25", "1e-07"],
        "day": ["2024-02-29", "1999-12-31"],
        "flag": ["true", "false", "true"],
    }
    if library == "pandas":
        columns["number"][1], spelled["number"] = 0, ["7", "0", "-3"]  # else it makes fractions of them
    rows = [dict(zip(columns, str_of_date(row), strict=True)) for row in zip(*columns.values(), strict=True)]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    for name, right in spelled.items():
        from_memory = [record.text for record in as_records(TABLES[library](**columns), {"text": name})]
        assert from_memory == right == [record.text for record in as_records(file, {"text": name})]
        assert [each.text for each in as_records([{"text": v} for v in columns[name]])] == right


def str_of_date(row: Sequence[object]) -> list[object]:
    """Return a row as JSON can write it, which knows no dates."""
    return [str(value) if isinstance(value, date) else value for value in row]


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, b"a"])
def test_a_chosen_column_of_anything_else_is_refused(value: object) -> None:
    with pytest.raises(CorpusError, match=r"column 'x', row 0: expected a text, a number or a date, got "):
        as_records([{"x": value}], {"text": "x"})
    with pytest.raises(CorpusError, match="text 0: expected a string"):
        as_records([{"text": value}])


@pytest.mark.parametrize("library", list(TABLES)[1:-1])
def test_a_column_is_a_list_of_texts(library: str) -> None:
    records = as_records(TABLES[library](title=TITLES)["title"])
    assert [record.text for record in records] == ["one", "two"]
    assert list(records.notes) == [PASSED_OVER]
    with pytest.raises(CorpusError, match=r"text 0: expected a string.*got 1"):
        as_records(TABLES[library](number=[1, 2])["number"])


def test_a_data_set_in_parts_asks_for_one() -> None:
    whole = {"train": Frame(text=["one"]), "test": Frame(text=["two"])}
    with pytest.raises(CorpusError, match=r"tables .* 'train', 'test'; choose one: texts\['train'\]"):
        as_records(whole)  # type: ignore[arg-type]
    datasets = pytest.importorskip("datasets")
    real = datasets.DatasetDict(train=of_datasets(text=["one"]))
    with pytest.raises(CorpusError, match=r"choose one: texts\['train'\]"):
        as_records(real)
    streamed = of_datasets(title=["one", "two"], label=["a", "b"]).to_iterable_dataset()
    assert list(as_records(streamed, {"text": "title"})) == [Record("one"), Record("two")]


def test_arrow_data_of_a_column_is_read_by_pyarrow() -> None:
    pyarrow = pytest.importorskip("pyarrow")

    class Column:
        """A column that hands on Arrow data alone."""

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pyarrow.table({"title": ["one", "two"]}).__arrow_c_stream__(requested_schema)

    table = type("Relation", (), {"columns": ["title", "n"], "__getitem__": lambda self, name: Column()})()
    assert list(as_records(table, {"text": "title"})) == [Record("one"), Record("two")]


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        ("a text", {}, r"got one string, 'a text', which is no file; .*train\(\[text\], document=True\)"),
        (b"a text", {}, "decode it"),
        ({"text": ["one"], "label": ["a"]}, {}, r"lists by the names .*; pass .* texts\['text'\]"),
        (
            ["one", "two"],
            {"text": "title"},
            "text 0: expected a row with named columns, got 'one'",
        ),
        ([{"title": "one"}], {"text": "titel"}, r"the rows: no column 'titel'.*did you mean 'title'\?"),
        ([{"title": "one"}], {"text": "title", "context": "label"}, "the rows: no column 'label'"),
        (io.StringIO("one\n"), {"text": "title"}, "an open file is read as plain text, which has no columns"),
        (["one"], {"encoding": "cp1252"}, r"texts in memory have no encoding.*encoding=\.\.\."),
        (["one"], {"language": "de"}, "language works only with split"),
        (5, {}, "expected a list of strings, got 5"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(
    texts: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        list(as_records(texts, options))


def test_records_are_read_already() -> None:
    records = Records.of(["one"])
    assert as_records(records) is records
    with pytest.raises(unspool.ConfigError, match=r"text does not work with Records.*\.\.\., text="):
        as_records(records, {"text": "title"})


def test_files_are_read_as_by_the_command(tmp_path: Path) -> None:
    file = tmp_path / "titles.csv"
    file.write_text("title;label\none;a\ntwo;b\n", "utf-8")
    for place in (file, str(file), [file]):
        assert [record.text for record in as_records(place, {"text": "title"})] == ["one", "two"]  # type: ignore[arg-type]
    assert as_records("unicode-names").description == "unicode-names"
    table = unspool.read_records(Frame(title=["one"], label=["a"]), text="title", context="label")
    assert list(table) == [Record("one", {"label": "a"})]


def test_a_missing_value_is_no_value_of_a_context() -> None:
    rows = [{"text": "one", "label": math.nan}, {"text": "two", "label": np.float32("nan")}]
    assert [record.context["label"] for record in Records.of(rows)] == ["", ""]


def test_texts_in_memory_are_cut_into_sentences() -> None:
    pytest.importorskip("sentencex")
    records = as_records(["One is here. Two is there."], {"split": "sentences"})
    assert [record.text.strip() for record in records] == ["One is here.", "Two is there."]


def test_what_reading_guesses_is_said_beside_the_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "titles.csv"
    file.write_text("title;label\n" + "oil rises;a\nteam wins;b\n;c\n" * 9, "utf-8")
    options: dict[str, Any] = {"text": "title", "hidden_size": 4, "epochs": 1, "threads": 1}
    unspool.train(file, **options)
    said = capsys.readouterr().err
    notes = list(records := unspool.read_records(file, text="title")) and list(records.notes)
    assert len(notes) == 2  # the delimiter that was found, the rows without a text
    assert all(said.count(note) == 1 for note in notes)
    with pytest.warns(RuntimeWarning, match="rows have no text"):
        unspool.train(file, progress=False, **options)
    assert capsys.readouterr().err == ""
    unspool.train(["oil rises", None, "team wins"] * 9, hidden_size=4, epochs=1)  # type: ignore[list-item]
    assert "9 texts are blank or missing" in capsys.readouterr().err


def test_the_same_model_whatever_the_texts_come_in(tmp_path: Path) -> None:
    texts = [f"{a} {b}" for a in ("oil", "team", "chip") for b in ("rises", "wins", "sells")] * 4
    options: dict[str, Any] = {"hidden_size": 4, "epochs": 1, "threads": 1, "progress": False}
    file = tmp_path / "titles.csv"
    file.write_text("title,label\n" + "".join(f"{text},a\n" for text in texts), "utf-8")
    whole = unspool.train(texts, **options).parameters
    for other in (
        unspool.train((text for text in texts), **options),
        unspool.train(np.array(texts), **options),
        unspool.train(Frame(title=texts, label=["a"] * len(texts)), text="title", **options),
        unspool.train(str(file), text="title", **options),
    ):
        assert whole.keys() == other.parameters.keys()
        assert all(np.array_equal(whole[name], other.parameters[name]) for name in whole)


def test_a_model_takes_the_same(tmp_path: Path) -> None:
    texts = ["oil rises", "team wins", "oil wins"]
    model = unspool.train(texts * 8, hidden_size=4, epochs=1, threads=1, progress=False)
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(texts) + "\n", "utf-8")
    expected = [score.total_logprob for score in model.score(texts)]
    for same in (np.array(texts), (text for text in texts), file, str(file), Records.of(texts)):
        assert [score.total_logprob for score in model.score(same)] == expected
        if not isinstance(same, Iterator):
            assert model.evaluate(same).loss == model.evaluate(texts).loss
    assert model.rank(file)[0].text in texts
    with pytest.raises(CorpusError, match=r"texts\[1\]: expected a string, got None; leave it out"):
        model.score(["oil", None])  # type: ignore[list-item]
    with pytest.raises(CorpusError, match="a table with the columns 'title'; pass the column"):
        model.score(Frame(title=texts))
    with pytest.raises(CorpusError, match="lists by the names 'text'"):
        model.score({"text": texts})  # type: ignore[arg-type]


def test_held_out_texts_are_read_as_the_texts_to_learn_from() -> None:
    table = Frame(title=["oil rises", "team wins"] * 9, label=["a", "b"] * 9)
    options: dict[str, Any] = {"hidden_size": 4, "epochs": 1, "threads": 1, "progress": False}
    model = unspool.train(table, source="label", target="title", validation=table, **options)
    assert model.evaluate(unspool.read_records(table, source_text="label", text="title")).loss > 0
    with pytest.raises(unspool.ConfigError, match=r"^target and another name of text"):
        unspool.train(table, text="title", target="title", **options)
