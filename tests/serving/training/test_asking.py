"""The fields of requests for trainings: each at its bounds, and the words where it goes beyond."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError
from unspool._serving.training.asking import (
    LONGEST_TEXT,
    desk_of,
    minutes_of,
    refuse_others,
    text_of,
    truth_of,
    whole_length,
)
from unspool._serving.training.corpora import wishes_of
from unspool._serving.training.desk import TrainingDesk, folder_of_runs
from unspool._serving.training.reading import Wishes
from unspool._serving.training.trainings import checked_name, settings_of


def refused(call: Any, *arguments: Any) -> tuple[int, str, str | None, str | None]:
    with pytest.raises(RefusedError) as error:
        call(*arguments)
    refusal = error.value
    return refusal.status, refusal.message, refusal.code, refusal.param


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), ("", None), ("a b", "a b"), (3, "3"), (0, "0"), ("é" * LONGEST_TEXT, "é" * LONGEST_TEXT)],
)
def test_a_short_text_or_a_number_is_a_text(given: object, read: str | None) -> None:
    assert text_of({"label": given}, "label") == read
    assert text_of({}, "label") is None


@pytest.mark.parametrize("given", ["a\n", True, False, 1.5, ["a"], "x" * (LONGEST_TEXT + 1)])
def test_what_is_no_short_text_is_refused(given: object) -> None:
    status, message, _, param = refused(text_of, {"label": given}, "label")
    shown = repr(str(given)[:60])
    assert message == f"label must be a text of at most 200 printable characters; got {shown}"
    assert (status, param) == (400, "label")


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), ("", None), (True, True), (False, False), ("true", True), ("false", False)],
)
def test_a_truth_is_true_or_false(given: object, read: bool | None) -> None:
    assert truth_of({"header": given}, "header") is read
    assert truth_of({}, "header") is None


@pytest.mark.parametrize("given", ["True", "yes", 1, 0, [], "x" * 99])
def test_nothing_else_is_a_truth(given: object) -> None:
    shown = repr(str(given)[:60])
    assert refused(truth_of, {"header": given}, "header")[1] == f"header must be true or false; got {shown}"


@pytest.mark.parametrize(
    ("given", "read"),
    [(None, None), ("", None), (1, 1.0), (0.01, 0.01), ("2.5", 2.5), (1440, 1440.0), ("1440", 1440.0)],
)
def test_minutes_are_a_number_up_to_a_day(given: object, read: float | None) -> None:
    assert minutes_of({"minutes": given}) == read
    assert read is None or type(minutes_of({"minutes": given})) is float
    assert minutes_of({}) is None


@pytest.mark.parametrize("given", [0, "0", -1, 1440.5, "nan", "inf", True, "x" * 99, [1]])
def test_no_other_time_is_taken(given: object) -> None:
    status, message, _, param = refused(minutes_of, {"minutes": given})
    assert message.startswith("minutes must be a number > 0, at most 1440; got ")
    assert (status, param, len(message) < 120) == (400, "minutes", True)


@pytest.mark.parametrize(
    ("given", "read"),
    [("17", 17), ("0", 0), (None, None), ("", None), ("-1", None), ("1e3", None), ("¹", None),
     ("9" * 19, int("9" * 19)), ("9" * 20, None)],
)  # fmt: skip
def test_the_length_of_a_body_is_what_its_header_says(given: str | None, read: int | None) -> None:
    headers = {} if given is None else {"content-length": given}
    assert whole_length(cast("Any", SimpleNamespace(headers=headers))) == read


def test_a_field_that_nobody_knows_is_named() -> None:
    refuse_others({"a": 1}, {"a", "b"})
    name = "x" * 99
    assert refused(refuse_others, {"a": 1, name: 2}, {"b", "a"}) == (
        400, f"{'x' * 60!r} is no field here: expected one of a, b", "unknown_field", "x" * 60,
    )  # fmt: skip


def served(*roots: Path, **changes: Any) -> Any:
    facts = {
        "trainings": None,
        "roots": roots,
        "is_local": True,
        "keys": (),
        "limits": Limits(max_upload=2048, max_trainings=3),
    }
    return cast("Any", SimpleNamespace(**facts | changes))


def test_the_first_folder_that_is_no_model_has_the_runs(tmp_path: Path) -> None:
    model, file, runs, more = (tmp_path / name for name in ("model", "file", "runs", "more"))
    for folder in (model, runs, more):
        folder.mkdir()
    (model / "config.json").write_text("{}", "utf-8")
    file.write_text("x", "utf-8")
    assert folder_of_runs([model, file, tmp_path / "none", runs, more]) == runs
    assert folder_of_runs([model]) is None
    server = served(model, runs)
    desk = desk_of(server)
    assert (desk.root, desk.uploads.most_bytes, desk.most_running) == (runs.resolve(), 2048, 3)
    assert desk_of(server) is desk
    assert refused(desk_of, served(model)) == (
        403, "this server has models alone, and no folder for new ones; start it with one: "
        "unspool serve runs",
        "no_trainings", None,
    )  # fmt: skip
    open_to_all = (403, "this server is open to everybody, so that it trains nothing; start it with "
                   "--api-key-file FILE", "no_trainings", None)  # fmt: skip
    assert refused(desk_of, served(runs, is_local=False)) == open_to_all
    assert desk_of(served(runs, is_local=False, keys=(b"k",))).root == runs.resolve()


def test_no_more_trainings_run_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, running = TrainingDesk(tmp_path, Limits(max_trainings=2)), ["a"]
    monkeypatch.setattr(desk.jobs, "running", lambda: running)
    desk.refuse_more()
    running.append("b")
    assert refused(desk.refuse_more) == (
        429, "too many trainings are running: at most 2 at once, now a, b; stop one, or wait until it ends",
        "too_many_trainings", None,
    )  # fmt: skip
    assert refused(desk.job, "x") == (404, "no training here is called 'x'", "training_not_found", None)


def test_wishes_are_read_from_all_fields() -> None:
    everything = {"column": 2, "label": "l", "document": "false", "header": True, "encoding": "latin-1",
                  "tokenizer": "word", "minutes": "3"}  # fmt: skip
    wishes = Wishes(column="2", label="l", document=False, header=True, encoding="latin-1", tokenizer="word",
                    minutes=3.0)  # fmt: skip
    assert wishes_of(everything) == wishes
    assert wishes_of({}) == Wishes()
    assert wishes.options() == {"document": False, "header": True, "encoding": "latin-1"}
    assert settings_of(wishes, novelty_index=True) == {
        "text": ["2"], "context": ["l"], "document": False, "header": True, "encoding": "latin-1",
        "tokenizer": "word", "novelty_index": True,
    }  # fmt: skip
    assert settings_of(Wishes(), novelty_index=False) == {}
    for name, value in (("tokenizer", "letters"), ("encoding", "no such")):
        status, message, _, param = refused(wishes_of, {name: value})
        assert (status, param) == (400, name)
        assert message.startswith(f"{name} must be ")


@pytest.mark.parametrize("name", ["a", "1", "É-x_y.z", "a" * 64, "console", "com10"])
def test_a_name_is_a_folder_on_every_system(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a.", "_a", ".a", "a b", "a/b", "a" * 65, "con", "COM1.txt", "a\n"]
)
def test_what_is_no_such_folder_is_refused(name: str) -> None:
    assert refused(checked_name, name) == (
        400, f"name must be letters, digits, - _ and . inside, at most 64 of them; got {name!r}",
        RefusedError(400, "").code, "name",
    )  # fmt: skip
