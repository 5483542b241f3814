"""Figures and lists of runs at their bounds: what still counts, what is kept, and in which order."""

import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unspool._serving.watching import figures as room
from unspool._serving.watching import listing
from unspool._serving.watching.figures import Figures, Spans
from unspool._serving.watching.listing import Runs, is_run, runs_below


def read(*lines: dict[str, Any], after: Figures | None = None) -> Figures:
    found = Figures(after)
    for line in lines:
        found.add(line)
    return found


def step(number: int, **changes: Any) -> dict[str, Any]:
    return {"kind": "step", "step": number, "epoch": 1, "seconds": float(number), "characters": 10 * number,
            "bits_per_character": 2.0} | changes  # fmt: skip


def evaluation(
    number: int, bits: float | None = 2.5, training: float = 3.0, **changes: Any
) -> dict[str, Any]:
    return {"kind": "evaluation", "step": number, "epoch": 1, "training_bits_per_character": training,
            "bits_per_character": bits} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (step(0), True), (step(2**53 - 1), True), (step(2**53), False), (step(-1), False),
        (step(1, step=1.0), False),
        (step(1, step=True), False), (step(1, epoch=None), False), (step(1, kind=3), False),
        (step(1, kind="other"), False), (step(1, bits_per_character=1e30), False),
        (step(1, bits_per_character=0.9e30), True), (step(1, bits_per_character=-0.9e30), True),
        (step(1, bits_per_character=math.nan), False), (step(1, bits_per_character=True), False),
        (step(1, bits_per_character=2), True), (step(1, seconds="x", characters=None), True),
        (evaluation(1), True), (evaluation(1, bits=None), True),
        (evaluation(1, training_bits_per_character=None), False),
        ({"kind": "sample", "step": 1, "epoch": 1, "text": "a", "temperature": 1}, True),
        ({"kind": "sample", "step": 1, "epoch": 1, "text": 3, "temperature": 1}, False),
        ({"kind": "sample", "step": 1, "epoch": 1, "text": "a"}, False),
        ({"kind": "change", "step": 1, "epoch": 1, "changes": {}}, True),
        ({"kind": "change", "step": 1, "epoch": 1, "changes": []}, False),
        ({"kind": "finish", "step": 1, "epoch": 1, "reason": "epochs"}, True),
        ({"kind": "finish", "step": 1, "epoch": 1, "reason": None}, False),
    ],
)  # fmt: skip
def test_a_line_counts_if_a_training_can_have_written_it(line: dict[str, Any], counts: bool) -> None:
    assert read(line).broken == (not counts)


def test_what_is_told_of_a_training() -> None:
    found = read(
        step(1, progress=0.1, learning_rate=0.5, grad_norm=2, characters_per_second="x"),
        {"kind": "sample", "step": 1, "epoch": 1, "prompt": 3, "text": "x" * 1001, "source": "s",
         "temperature": 1},
        evaluation(1, best=True, seconds=4.0, exact=0.5), evaluation(1, best=1, bits=2.25),
        {"kind": "change", "step": 1, "epoch": 2,
         "changes": {"n" * 101: "v" * 201, **{str(number): number for number in range(99)}}},
        {"kind": "finish", "step": 2, "epoch": 2, "reason": "r" * 101, "seconds": 9.0, "best_step": 1,
         "best_bits_per_character": 2.25},
        step(3, epoch=0, seconds=0.0),
    )  # fmt: skip
    told = found.to_dict()
    assert (told["step"], told["epoch"], told["seconds"], told["broken"]) == (3, 2, 9.0, 0)
    assert told["training"] == [(1, 1, 1.0, 10, 2.0, 2.0, 2.0), (1, 3, 0.0, 30, 2.0, 2.0, 2.0)]
    assert told["last"] == dict.fromkeys(room.STEP_KEYS)
    assert told["finish"] is None, "it goes on"
    assert told["samples"] == [
        {"step": 1, "epoch": 1, "temperature": 1.0, "prompt": None, "text": "x" * 1000, "source": "s"},
    ]  # fmt: skip
    usual = {"step": 1, "epoch": 1, "characters": 10.0, "training_bits_per_character": 3.0}
    assert told["evaluations"] == [
        usual | {"best": True, "bits_per_character": 2.5, "seconds": 4.0, "exact": 0.5},
        usual | {"best": False, "bits_per_character": 2.25, "seconds": None, "exact": None},
    ]
    assert found.best == told["evaluations"][1]
    (change,) = told["changes"]
    assert (change["step"], change["epoch"], len(change["changes"])) == (1, 2, room.MOST_CHANGES)
    assert next(iter(change["changes"].items())) == ("n" * 100, "v" * 200)
    end = read({"kind": "finish", "step": 2, "epoch": 3, "reason": "r" * 101, "seconds": 9.0}).finish
    assert end == {"step": 2, "epoch": 3, "reason": "r" * 100, "seconds": 9.0, "best_step": None,
                   "best_bits_per_character": None}  # fmt: skip
    last = read(step(1, progress=0.1, learning_rate=1, grad_norm=None)).last
    assert last == {"progress": 0.1, "learning_rate": 1.0, "grad_norm": None, "characters_per_second": None}


def test_a_part_goes_on_where_the_one_before_it_ended() -> None:
    first = read(step(1), step(2))
    assert (first.reached, read().reached, read().last, read().best) == ((2, 20.0), None, None, None)
    second = read(step(2), evaluation(2), step(3), step(3), after=first)
    assert (second.broken, second.reached) == (2, (3, 30.0))
    assert second.evaluations[0]["characters"] == 20.0
    assert read(evaluation(3), evaluation(2)).broken == 1
    assert read(evaluation(3), evaluation(3)).broken == 0
    assert read(evaluation(3)).evaluations[0]["characters"] is None


def test_of_two_neighbours_the_lower_evaluation_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_EVALUATIONS", 5)
    bits = [5.0, 4.0, 3.0, 3.5, 6.0, 7.0]
    assert [one["step"] for one in read(*(evaluation(n, b) for n, b in enumerate(bits[:5]))).evaluations] == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip
    kept = [one["step"] for one in read(*(evaluation(n, b) for n, b in enumerate(bits))).evaluations]
    assert kept == [1, 2, 4, 5]
    monkeypatch.setattr(room, "MOST_EVALUATIONS", 4)
    kept = [one["step"] for one in read(*(evaluation(n, b) for n, b in enumerate(bits[:5]))).evaluations]
    assert kept == [1, 2, 3, 4], "an odd one stays as it is"
    without = [evaluation(n, None, training) for n, training in enumerate((2.0, 1.0, 3.0, 3.0, 3.0))]
    assert [one["step"] for one in read(*without).evaluations] == [1, 2, 3, 4]


def test_a_curve_is_halved_when_it_is_twice_as_long() -> None:
    curve = Spans(2)
    assert (curve.all(), curve.last()) == ([], None)
    for number, bits in enumerate((1.0, 3.0, 2.0, 6.0, 5.0), start=1):
        curve.add(number, number / 2, 10.0 * number, bits)
        assert curve.last() is not None
    assert curve.all() == [(2, 2, 1.0, 20.0, 2.0, 1.0, 3.0), (2, 4, 2.0, 40.0, 4.0, 2.0, 6.0),
                           (1, 5, 2.5, 50.0, 5.0, 5.0, 5.0)]  # fmt: skip
    assert curve.last() == (1, 5, 2.5, 50.0, 5.0, 5.0, 5.0)
    three = Spans(9)
    for number in range(3):
        three.add(number, 0, 0, 1.0)
    assert len(three.all()) == 3
    assert room._rounded((3, 4, 1.23456, 7.6, 1.234567, 0.000004, 9.999996)) == (
        3, 4, 1.235, 8, 1.23457, 0.0, 10.0,
    )  # fmt: skip


def made(*places: Path) -> None:
    for place in places:
        place.mkdir(parents=True)
        (place / "metrics.jsonl").write_text("", "utf-8")


def test_runs_have_names_of_their_own(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name / "runs" for name in "abc")
    made(
        one / "x",
        one / "deep" / "er" / "y",
        two / "x",
        three / "x",
        one / "x" / "inner",
        one / ".hidden" / "z",
    )
    assert runs_below([one, two, three, two / "x", tmp_path / "none"]) == {
        "x": one / "x", "deep/er/y": one / "deep" / "er" / "y", "runs/x": two / "x", "runs/x~2": three / "x",
    }  # fmt: skip
    assert runs_below([two / "x", three / "x"]) == {"x": two / "x", "x~2": three / "x"}


def test_a_run_is_found_down_to_a_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path / "1" / "2" / "3" / "4", tmp_path / "a" / "b" / "c" / "d" / "e")
    assert list(runs_below([tmp_path])) == ["1/2/3/4"]
    made(tmp_path / "z")
    monkeypatch.setattr(listing, "MOST_RUNS", 1)
    assert list(runs_below([tmp_path])) == ["z"], "the nearest come first"
    monkeypatch.undo()
    monkeypatch.setattr(listing, "MOST_FOLDERS", 4)
    assert list(runs_below([tmp_path])) == ["z"]
    monkeypatch.setattr(listing, "MOST_FOLDERS", 3)
    assert runs_below([tmp_path]) == {}


def test_a_folder_is_a_run_by_its_files(tmp_path: Path) -> None:
    assert not is_run(tmp_path)
    (tmp_path / "config.json").write_text("{}", "utf-8")
    assert not is_run(tmp_path), "a model alone is none"
    (tmp_path / "checkpoint").mkdir()
    assert is_run(tmp_path)
    (tmp_path / "config.json").unlink()
    assert not is_run(tmp_path)
    (tmp_path / "metrics.jsonl").write_text("", "utf-8")
    assert is_run(tmp_path)


def test_the_rows_come_by_state_and_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, updated = [50.0], []

    def facts(name: str, unread: int, state: str, changed: float) -> Any:
        log = SimpleNamespace(unread=unread, update=lambda deadline: updated.append((name, deadline)))
        return SimpleNamespace(log=log, row=lambda: {"name": name, "state": state, "changed": changed},
                               path=tmp_path / name, details=lambda: {"name": name})  # fmt: skip

    monkeypatch.setattr(listing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    runs = Runs([tmp_path])
    monkeypatch.setattr(runs, "_look", lambda: None)
    runs._runs = {"a": facts("a", 9, "finished", 1.0), "b": facts("b", 5, "finished", 2.0),
                  "c": facts("c", 7, "training", 0.0)}  # fmt: skip
    assert [row["name"] for row in runs.rows()] == ["c", "b", "a"]
    assert updated == [("b", 51.0), ("c", 51.0), ("a", 51.0)], "short files are read first"
    for now[0], count in ((50.5, 3), (50.90625, 6), (51.0, 6)):
        runs.rows()
        assert len(updated) == count
    assert (runs.details("x"), runs.path("x")) == (None, None)
    made(tmp_path / "a")
    assert (runs.details("a"), runs.path("a")) == ({"name": "a"}, tmp_path / "a")


def test_a_run_keeps_what_was_read_of_it_while_it_stays(tmp_path: Path) -> None:
    made(tmp_path / "a", tmp_path / "b")
    runs = Runs([tmp_path])
    assert {row["name"] for row in runs.rows()} == {"a", "b"}
    before = dict(runs._runs)
    (tmp_path / "b" / "metrics.jsonl").unlink()
    runs._made = time.monotonic() - 1
    assert [row["name"] for row in runs.rows()] == ["a"]
    assert runs._runs["a"] is before["a"]
    assert runs.path("b") is None
