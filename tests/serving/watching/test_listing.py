"""Which runs there are, and that a name is looked up and never opened."""

import os
import shutil
from pathlib import Path

import pytest

from tests.serving.watching.lines import step, text_of
from unspool._serving.watching import listing as module
from unspool._serving.watching.listing import Runs, is_run, runs_below


def make_run(path: Path) -> Path:
    path.mkdir(parents=True)
    (path / "metrics.jsonl").write_bytes(text_of(step(1)))
    return path


def test_runs_are_named_by_their_places(tmp_path: Path) -> None:
    for name in ("names", "titles/small", "titles/large", "titles/large/inner", ".hidden/run", "a/b/c/d"):
        make_run(tmp_path / name)
    make_run(tmp_path / "a/b/c/e/too-deep")
    (tmp_path / "no-run").mkdir()
    (tmp_path / "file").write_text("")
    assert list(runs_below([tmp_path])) == ["names", "titles/large", "titles/small", "a/b/c/d"]
    assert runs_below([tmp_path / "names"]) == {"names": tmp_path / "names"}


def test_two_runs_of_one_name_have_two_names(tmp_path: Path) -> None:
    for name in ("a/x", "b/x", "c/b/x"):
        make_run(tmp_path / name)
    roots = [tmp_path / "a", tmp_path / "b", tmp_path / "c/b"]
    assert runs_below(roots) == {
        "x": tmp_path / "a/x",
        "b/x": tmp_path / "b/x",
        "b/x~2": tmp_path / "c/b/x",
    }


def test_a_run_that_is_found_twice_is_one(tmp_path: Path) -> None:
    make_run(tmp_path / "a/x")
    (tmp_path / "a/loop").symlink_to(tmp_path, target_is_directory=True)
    assert runs_below([tmp_path / "a", tmp_path / "a", tmp_path]) == {"x": tmp_path / "a/x"}


def test_a_new_run_is_one_before_its_first_line(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert not is_run(tmp_path)  # a model that was saved
    (tmp_path / "checkpoint").mkdir()
    assert is_run(tmp_path)


def test_what_cannot_be_looked_into_is_passed_over(tmp_path: Path) -> None:
    make_run(tmp_path / "names")
    assert list(runs_below([tmp_path / "gone", tmp_path])) == ["names"]


def test_there_is_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        make_run(tmp_path / f"run{number}")
    monkeypatch.setattr(module, "MOST_RUNS", 4)
    assert len(runs_below([tmp_path])) == 4
    monkeypatch.setattr(module, "MOST_FOLDERS", 3)
    assert len(runs_below([tmp_path])) == 2


@pytest.mark.skipif(os.name == "nt", reason="names of files are Unicode there")
def test_a_name_that_is_no_text_is_spelled(tmp_path: Path) -> None:
    make_run(tmp_path / os.fsdecode(b"caf\xe9"))
    assert list(runs_below([tmp_path])) == ["caf\\xe9"]


@pytest.mark.parametrize(
    "name", ["..", "../tiny", "/etc", "", ".", "tiny/", "tiny/checkpoint", "TINY", "tiny\0"]
)
def test_a_name_is_looked_up_and_never_opened(models: Path, name: str) -> None:
    runs = Runs([models])
    assert runs.path(name) is None
    assert runs.details(name) is None
    assert runs.path("tiny") == models / "tiny"


def test_the_list_follows_the_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    runs, first = Runs([tmp_path]), make_run(tmp_path / "first")
    assert [row["name"] for row in runs.rows()] == ["first"]
    second = make_run(tmp_path / "second")
    os.utime(second / "metrics.jsonl", (2e9, 2e9))
    assert [row["name"] for row in runs.rows()] == ["second", "first"]  # the newest first
    with (second / "metrics.jsonl").open("ab") as file:
        file.write(text_of(step(2)))
    assert [row["step"] for row in runs.rows() if row["name"] == "second"] == [2]
    shutil.rmtree(first)
    assert [row["name"] for row in runs.rows()] == ["second"]
    assert runs.path("first") is None


def test_a_list_is_not_made_anew_for_each_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 1e9)
    runs = Runs([tmp_path])
    assert runs.rows() == []
    make_run(tmp_path / "first")
    assert runs.rows() == []
    assert runs.path("first") == tmp_path / "first"  # who names a run is not kept waiting
