"""Rows of a table on the command line: what is shown, what is written where, what is refused."""

import json
from pathlib import Path

import pytest

from unspool import NetworkConfig, TrainingConfig, TrainingPlan
from unspool._planning import choosing
from unspool._tables.corpus import TableRecords

from .conftest import TINY, Run


def test_a_training_shows_the_schema_and_how_to_go_on(unspool: Run, table: Path, tmp_path: Path) -> None:
    done = unspool(["train", str(table), "--table", "--out", str(tmp_path / "run"), "--epochs", "1", *TINY])
    assert done.exit_code == 0
    assert "age: whole, 20 to 49\nodd: boolean, 2 values\n" in done.stderr
    assert "letter: category, 2 values, missing as ''" in done.stderr
    assert "-n 1000 -o rows.csv" in done.stdout
    again = unspool(["train", "--resume", str(tmp_path / "run"), "--epochs", "2"])
    assert again.exit_code == 0, again.stderr


def test_a_schema_goes_round_by_a_file(unspool: Run, table: Path, tmp_path: Path) -> None:
    schema = tmp_path / "ages.toml"
    schema.write_text(unspool(["schema", str(table)]).stdout.replace("most = 49", "most = 99"), "utf-8")
    arguments = ["train", str(table), "--table", "--schema", str(schema), "--epochs", "1", "--json", *TINY]
    done = unspool([*arguments, "--out", str(tmp_path / "run")])
    assert json.loads(done.stdout)["data"]["table"]["columns"][0]["most"] == 99


def test_minutes_choose_for_rows_too(
    unspool: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[object] = []

    def plan_training(records: object, **options: object) -> TrainingPlan:
        planned.append(records)
        training = TrainingConfig(epochs=1, batch_size=4, sequence_length=16, threads=1)
        return TrainingPlan(NetworkConfig(hidden_size=8), training, ("as the test says",))

    monkeypatch.setattr(choosing, "plan_training", plan_training)
    arguments = ["train", str(table), "--table", "--minutes", "5"]
    done = unspool([*arguments, "--out", str(tmp_path / "run")])
    assert done.exit_code == 0, done.stderr
    assert [type(each) for each in planned] == [TableRecords]
    assert "Read as the rows of a table." in done.stderr


def test_rows_are_a_table_with_its_names(unspool: Run, rows_model: Path) -> None:
    lines = unspool(["sample", str(rows_model), "-n", "50", "--seed", "1"]).stdout.splitlines()
    assert lines[0] == "age,odd,letter"
    assert len(lines) == 51
    for line in lines[1:]:
        age, odd, letter = line.split(",")
        assert 20 <= int(age) <= 49
        assert (odd in ("yes", "no"), letter in ("X", "Y", "")) == (True, True)


def test_what_is_given_stands_in_every_row(unspool: Run, rows_model: Path) -> None:
    given = ["--given", "age=30..40", "odd=yes", "letter="]
    rows = json.loads(unspool(["sample", str(rows_model), "-n", "20", "--json", *given]).stdout)
    assert all(30 <= row["age"] <= 40 for row in rows)
    assert {(row["odd"], row["letter"]) for row in rows} == {(True, None)}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_a_file_is_written_and_told(unspool: Run, rows_model: Path, suffix: str, tmp_path: Path) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / f"rows{suffix}"
    done = unspool(["sample", str(rows_model), "-n", "20", "-o", str(out), "--json"])
    assert json.loads(done.stdout)["rows"] == 20
    assert out.stat().st_size > 100
    refused = unspool(["sample", str(rows_model), "-n", "20", "-o", str(out)])
    assert (refused.exit_code, "--overwrite" in refused.stderr) == (2, True)


def test_gaps_are_filled_and_the_rest_stays(unspool: Run, rows_model: Path, table: Path) -> None:
    before = table.read_text("utf-8").splitlines()
    after = unspool(["impute", str(rows_model), str(table), "--seed", "1"]).stdout.splitlines()
    assert len(after) == len(before)
    for was, now in zip(before, after, strict=True):
        assert now.startswith(was)
        assert not now.endswith(",")


@pytest.fixture
def places(rows_model: Path, model: Path, table: Path, corpus: Path) -> dict[str, Path]:
    """Return what capitals stand for."""
    return {"ROWS": rows_model, "MODEL": model, "TABLE": table, "CORPUS": corpus}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sample", "ROWS", "--given", "size=3"], "unknown key 'size'"),
        (["sample", "ROWS", "--given", "age=99"], "20 to 49"),
        (["sample", "ROWS", "--given", "age"], "a column, = and a value"),
        (["sample", "ROWS", "once"], "a prompt is for texts"),
        (["sample", "ROWS", "--regex", "a"], "--regex is for texts"),
        (["sample", "ROWS", "--unique"], "--unique is for texts"),
        (["sample", "ROWS", "--max-new-tokens", "3"], "rows take temperature"),
        (["sample", "ROWS", "-o", "rows.txt"], ".parquet"),
        (["sample", "MODEL", "--given", "age=3"], "not learnt the rows of a table"),
        (["impute", "MODEL", "TABLE"], "not learnt the rows of a table"),
        (["impute", "ROWS", "CORPUS"], "rows with columns"),
        (["schema", "CORPUS"], "rows with columns"),
        (["schema", "nowhere.csv"], "no file nowhere.csv"),
        (["train", "TABLE", "--schema", "x.toml"], "add --table"),
        (["train", "TABLE", "--table", "--schema", "x.toml"], "cannot read x.toml"),
        (["train", "TABLE", "--table", "--text", "age"], "text does not work with a table"),
        (["train", "TABLE", "--table", "--tokenizer", "word"], "char for rows"),
        (["train", "-", "--table"], "standard input"),
    ],
)
def test_bad_input_is_one_line(
    unspool: Run, places: dict[str, Path], arguments: list[str], said: str
) -> None:
    done = unspool([str(places.get(word, word)) for word in arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.strip().count("\n") <= 4  # the schema of a table may stand before it
    assert done.stdout == ""
