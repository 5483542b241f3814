"""Every line that a display of a training prints, worked out by hand, and when it prints it."""

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.progress.records import MEASURING, STOP, evaluation, finish, plan, sample, step
from unspool import NetworkConfig, Records, TrainingConfig
from unspool._cli.output.printing import note
from unspool._progress import choice, plain
from unspool._progress.latest import Latest
from unspool._progress.plain import PlainProgress
from unspool._progress.plan_lines import plan_lines
from unspool._progress.record_lines import end_line, evaluation_line, step_line
from unspool._training.announcement import Announcement
from unspool._training.records import TrainingRecord

TEXT = "text     news.csv"
COUNTS = "         1,000 records, 45,000 characters, 5,000 held out"
NETWORK = "network  lstm 256, 1,084 symbols, 119,892 parameters"
FOLDER = "folder   runs/news"


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, [TEXT, COUNTS, NETWORK, FOLDER]),
        ({"first_step": 1}, [TEXT, COUNTS, NETWORK, f"{FOLDER}, continuing after step 1"]),
        ({"first_step": 1500}, [TEXT, COUNTS, NETWORK, f"{FOLDER}, continuing after step 1,500"]),
        ({"out": None}, [TEXT, COUNTS, NETWORK, "folder   none: the model stays in memory"]),
        (
            {"records": 1, "held_out_characters": 0},
            [TEXT, "         1 record, 45,000 characters, none held out", NETWORK, FOLDER],
        ),
        (
            {"unknown": 1200, "note": "read anew"},
            [TEXT, COUNTS, "         read anew", "         1,200 rare symbols are read as <unk>", NETWORK,
             FOLDER],
        ),
        (
            {"network": NetworkConfig(num_layers=2, hidden_size=64, source_vocab_size=1200)},
            [TEXT, COUNTS, "network  2 × lstm 64, 1,084 symbols, 119,892 parameters",
             "encoder  2 × lstm 64, 1,200 symbols in the sources", FOLDER],
        ),
        (
            {"schema": SimpleNamespace(described=[("label", "Sports\nand more"), ("year", "a number")])},
            [TEXT, COUNTS, "context  label: Sports⏎and more", "context  year: a number", NETWORK, FOLDER],
        ),
        (
            {"precision": "bf16", "missing": "no bf16 here"},
            [TEXT, COUNTS, NETWORK, "         matrix products in bf16, everything else in float32",
             "warning  no bf16 here", FOLDER],
        ),
        ({"description": "a\nb"}, ["text     a⏎b", COUNTS, NETWORK, FOLDER]),
    ],
    ids=str,
)  # fmt: skip
def test_the_facts_before_the_first_step(changes: dict[str, Any], lines: list[str]) -> None:
    assert plan_lines(plan(**changes)) == lines


def test_a_step_in_a_line() -> None:
    record = step(1500, progress=0.257, seconds=75.0)
    rest = ", step 1,500, 26%: 2.976 bits/character, 312,346 characters/s"
    assert step_line(record, 3) == f"epoch 2/3{rest}"
    assert step_line(record, None) == f"epoch 2{rest}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ", 2.345 on held-out text (best so far)"),
        ({"best": False}, ", 2.345 on held-out text"),
        ({"bits_per_character": None}, ""),
        ({"exact": 0.1234}, ", 2.345 on held-out text (best so far), 12.3% answered exactly"),
        ({"bits_per_character": None, "exact": 0.0}, ", 0.0% answered exactly"),
    ],
    ids=str,
)
def test_an_evaluation_in_a_line(changes: dict[str, Any], words: str) -> None:
    begin = "epoch 2/3, step 1,500, 1:15: 2.789 bits/character in training"
    assert evaluation_line(evaluation(**changes), 3) == begin + words


def test_the_end_in_a_line() -> None:
    assert {reason: end_line(finish(reason), None) for reason in ("epochs", "minutes", "patience")} == {
        "epochs": "Finished after 2:30: all epochs are done",
        "minutes": "Stopped after 2:30: the time limit was reached",
        "patience": "Stopped after 2:30: held-out loss no longer improves",
    }
    assert end_line(STOP, plan()) is None
    assert end_line(STOP, None) is None
    assert end_line(STOP, plan(out=None)) == (
        "Stopped after 1:01 at step 1,501: the best model so far is kept"
    )


def test_the_latest_record_of_each_kind_counts() -> None:
    latest = Latest()
    assert (latest.epoch, latest.time_left) == ("epoch 0", "-:--")
    latest.plan = plan()
    first, second = (step(number, progress=number / 10, seconds=10.0 * number) for number in (1, 2))
    latest.add(first)
    assert (latest.epoch, latest.time_left) == ("epoch 2/3", "-:--")
    latest.add(second)
    assert latest.time_left == "1:20"  # ten seconds for each tenth, of which eight are left
    latest.plan = plan(training=TrainingConfig(epochs=None, minutes=1.0))
    assert latest.epoch == "epoch 2"
    latest.add(sample("before"))
    latest.add(MEASURING)
    assert (latest.measuring, latest.samples) == (MEASURING, [sample("before")])
    latest.add(evaluation())
    latest.add(sample("after"))
    assert (latest.measuring, latest.evaluation, latest.samples) == (None, evaluation(), [sample("after")])
    ended = Latest()
    ended.add(STOP)
    assert (latest.end, ended.end, ended.step, latest.step) == (None, STOP, None, second)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the plain display, which a test sets."""
    now = [1000.0]
    monkeypatch.setattr(plain, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_log_gets_a_word_every_ten_seconds(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainProgress()
    for now in (1009.9, 1010.0, 1019.9, 1020.0):
        clock[0] = now
        screen.read(1_500, 2_000)
    assert capsys.readouterr().err.splitlines() == ["reading the corpus: 1.5 kB of 2.0 kB"] * 2
    for now in (1029.9, 1030.0, 1039.9, 1040.0):
        clock[0] = now
        screen.show(MEASURING)
    told = "measuring the held-out text: 1,000 of 4,000 symbols"
    assert capsys.readouterr().err.splitlines() == [told] * 2
    steps = [step(number, progress=0.5, seconds=float(number)) for number in (9, 10, 19, 20, 84, 85)]
    records: list[TrainingRecord] = [*steps[:4], evaluation(seconds=75.0), *steps[4:]]
    for record in records:
        screen.show(record)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[1] for line in lines] == ["step 10", "step 20", "step 1,500", "step 85"]


def test_a_stopped_run_is_told_of_where_nothing_of_it_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    for out in (None, "runs/news"):
        screen = PlainProgress()
        screen.start(plan(out=out))
        assert len(capsys.readouterr().err.splitlines()) == 4
        screen.show(STOP)
        assert len(capsys.readouterr().err.splitlines()) == (out is None)


def test_the_later_parts_of_a_long_line_stand_below_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    PlainProgress().start(plan(description="news " * 9))
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["text     news news news news news news", "         news news news"]


def test_each_line_is_passed_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream(io.StringIO):
        def flush(self) -> None:
            passed.append(self.getvalue())

    passed = list[str]()
    monkeypatch.setattr("sys.stderr", Stream())
    for write in (plain._write, choice._say, note):
        write("a")
    assert passed == ["a\n", "a\na\n", "a\na\na\n"]


class Screen:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def __enter__(self) -> "Screen":
        self.told.append("begin")
        return self

    def __exit__(self, *error: object) -> None:
        self.told.append("end")

    def read(self, done: int, total: int) -> None:
        self.told.append((done, total))

    def start(self, facts: Announcement) -> None:
        self.told.append(facts)

    def show(self, record: object) -> None:
        self.told.append(record)


@pytest.mark.parametrize(
    ("progress", "listens", "shown"),
    [
        (None, False, True),
        (None, True, False),
        (True, True, True),
        (False, False, False),
        (True, False, True),
    ],
)
def test_those_who_watch_a_training_are_told_in_turn(
    progress: bool | None,
    listens: bool,
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    screen, heard = Screen(), list[object]()
    monkeypatch.setattr(choice, "choose_progress", lambda: screen)
    corpus, listener = Records.of(["a"]), heard.append if listens else None
    with choice.watching(corpus, progress, on_start=heard.append, on_record=listener, how="read\nso") as all_:
        for call, value in ((all_["on_start"], plan()), (all_["on_record"], STOP)):
            assert (call is not None) == (shown or listens or call is all_["on_start"])
            if call is not None:
                call(cast("Any", value))
        reported = corpus.notes.report
        assert (reported is not None) == shown
        if shown:
            assert reported is not None
            reported("two\nlines")
            assert corpus.meter.report is not None
            corpus.meter.report(1, 2)
    assert screen.told == (["begin", plan(), STOP, (1, 2), "end"] if shown else [])
    assert heard == [plan(), *[STOP] * listens]
    assert capsys.readouterr().err == ("read⏎so\ntwo⏎lines\n" if shown else "")
    assert corpus.notes.report is None


def test_a_command_that_tells_of_the_reading_itself_goes_on_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choice, "choose_progress", Screen)
    corpus, said = Records.of(["a"]), list[str]()
    tell: Callable[[str], None] = said.append
    corpus.notes.report = tell
    with choice.watching(corpus, progress=True):
        assert corpus.notes.report is tell
    assert corpus.notes.report is tell
    assert capsys.readouterr().err == ""
