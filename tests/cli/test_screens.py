"""What a training looks like, on a terminal and in a log, fed with records that were made up."""

import io
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console

import unspool
from unspool._cli.output import printing
from unspool._cli.output.tables import print_facts, print_table
from unspool._progress.choice import choose_progress
from unspool._progress.plain import PlainProgress
from unspool._progress.terminal import TerminalProgress
from unspool._screen import wording
from unspool._screen.drawing import Display
from unspool._training.announcement import Announcement
from unspool._training.records import (
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    TrainingRecord,
)

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plan(**changes: object) -> Announcement:
    values: dict[str, object] = {
        "out": Path("runs/headlines"), "description": "headlines.csv", "records": 1000,
        "characters": 45000,
        "held_out_characters": 5000, "unknown": 0, "vocab_size": 84, "num_parameters": 119892,
        "first_step": 0,
        "network": unspool.NetworkConfig(), "training": unspool.TrainingConfig(epochs=3),
    }  # fmt: skip
    return Announcement(**{**values, **changes})  # type: ignore[arg-type]


def step(number: int, *, of: int = 300, seconds: float | None = None) -> StepRecord:
    return StepRecord(
        step=number, epoch=1 + number * 3 // (of + 1), progress=number / of, loss=2.0,
        bits_per_character=2.95,
        learning_rate=1e-3, grad_norm=0.5, characters=number * 2000, characters_per_second=312_345.6,
        seconds=number / 10 if seconds is None else seconds,
    )  # fmt: skip


def evaluation(number: int, *, bits: float | None = 2.345) -> EvaluationRecord:
    return EvaluationRecord(
        step=number, epoch=1, training_loss=1.9, training_bits_per_character=2.789, best=True,
        loss=None if bits is None else 1.6, bits_per_character=bits,
        perplexity=None if bits is None else 5.0, seconds=number / 10,
    )  # fmt: skip


def sample(text: str, *, prompt: str = "Today ", temperature: float = 0.8) -> SampleRecord:
    return SampleRecord(step=100, epoch=1, prompt=prompt, temperature=temperature, text=text)


def finish() -> FinishRecord:
    return FinishRecord(
        step=300, epoch=3, reason="epochs", best_step=300, best_bits_per_character=2.3, seconds=30.0
    )


def run_of(texts: list[str]) -> list[TrainingRecord]:
    temperatures = (0.3, 0.8, 1.0)
    samples = [sample(text, temperature=t) for text, t in zip(texts, temperatures, strict=False)]
    return [step(50), step(100), evaluation(100), *samples, step(101), step(200), step(300), finish()]


def cells(line: str) -> int:
    """Count the columns that a line takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in line)


def drawn(records: list[TrainingRecord], *, width: int = 80, **changes: object) -> str:
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=24, color_system="standard"
    )
    with TerminalProgress(console) as screen:
        screen.start(plan(**changes))
        for record in records:
            screen._drawn = float("-inf")  # as if a tenth of a second had passed
            screen.show(record)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_terminal_shows_what_matters() -> None:
    shown = CONTROL.sub("", drawn(run_of(["the oil", "a team wins", "x"])))
    for part in ("headlines.csv", "1,000 records", "119,892 parameters", "epoch 1/3", "33%", "0:10 left",
                 "312,346", "2.950", "2.345 best", "Today a team wins", "Finished after 0:30"):  # fmt: skip
        assert part in shown, part


def test_a_line_that_is_begun_above_a_display_is_not_lost() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    with Display(console):
        sys.stderr.write("whole\nhalf")
    assert isinstance(console.file, io.StringIO)
    assert "half" in CONTROL.sub("", console.file.getvalue()).splitlines()


def test_reading_and_measuring_show_how_far_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    measuring = MeasuringRecord(step=100, done=1_000, total=4_000)
    assert "measuring the held-out text: 1,000 of 4,000 symbols" in drawn([step(50), measuring])
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    with TerminalProgress(console) as screen:
        screen.read(5_000_000, 20_000_000)
    assert isinstance(console.file, io.StringIO)
    assert "reading the corpus: 5.0 MB of 20.0 MB, 25%" in console.file.getvalue()
    plain = PlainProgress()
    plain._read = float("-inf")
    plain.read(5_000_000, 20_000_000)
    plain._read = float("-inf")
    plain.show(measuring)
    assert capsys.readouterr().err.splitlines() == [
        "reading the corpus: 5.0 MB of 20.0 MB",
        "measuring the held-out text: 1,000 of 4,000 symbols",
    ]


def test_one_sample_of_each_evaluation_scrolls_up() -> None:
    shown = drawn(run_of(["cold", "warm", "hot"]))
    last = CONTROL.sub("", shown[shown.rindex("Finished") - 2000 :]).splitlines()
    kept = [line for line in CONTROL.sub("", shown).splitlines() if line.strip() == "0.8 Today warm"]
    assert kept
    assert not any("best" in line and "cold" in line for line in last)


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize("text", ["x" * 300, "猫" * 200, "é" * 200, "a\n\nb\tc", ""], ids=len)
def test_no_line_is_wider_than_the_terminal(width: int, text: str) -> None:
    lines = CONTROL.sub("", drawn(run_of([text] * 3), width=width, description="d")).splitlines()
    assert [line for line in lines if cells(line.rstrip()) > width] == []
    rows = [line for line in lines if line.startswith("  0.8 Today")]
    assert len(set(rows)) == 1, "a sample takes one line"


def test_a_text_cannot_steer_the_terminal() -> None:
    shown = drawn(run_of(["\x1b[2J\x9b5A\r\x07 [bold]x[/bold] \u202egnp"] * 3))
    assert "\x1b[2J" not in shown
    for character in "\x9b\x07\u202e":
        assert character not in shown
    assert "[bold]x[/bold]" in shown


def test_the_time_left_is_measured_in_this_process_alone() -> None:
    """A resumed run starts at half the way after an hour; its first tenth took ten seconds."""
    records: list[TrainingRecord] = [step(150, seconds=3600.0), step(180, seconds=3610.0)]
    assert "0:40 left" in CONTROL.sub("", drawn(records, first_step=149))
    assert "continuing after step 149" in CONTROL.sub("", drawn(records, first_step=149))


def test_nothing_held_out_is_said_and_shows_no_figure() -> None:
    shown = CONTROL.sub("", drawn([step(1), evaluation(1, bits=None), finish()], held_out_characters=0))
    assert "none held out" in shown
    assert "held out 2" not in shown


def test_a_log_gets_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainProgress() as screen:
        screen.start(plan())
        for record in run_of(["the\noil", "猫\x1b[31m", "x"]):
            screen.show(record)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert "\x1b" not in shown.err
    assert "epoch 1/3, step 100, 0:10: 2.789 bits/character in training, 2.345 on held-out text" in lines[5]
    assert "  0.3: Today the⏎oil" in lines
    assert lines[-1] == "Finished after 0:30: all epochs are done"


def test_a_log_gets_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainProgress()
    for number in range(1, 300):
        screen.show(step(number))
    assert [line.split(",")[1] for line in capsys.readouterr().err.splitlines()] == [" step 100", " step 200"]


def test_the_screen_fits_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_progress(), PlainProgress)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_progress(), PlainProgress)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(choose_progress(), TerminalProgress)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 猫", "plain é 猫"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("bell\x07 del\x7f", "bell␇ del␡"),
        ("\x9b31m", "\\u009b31m"),
        ("\u202eabc", "\\u202eabc"),
        ("lone \ud800", "lone \\ud800"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_control_characters_are_shown_as_pictures(text: str, shown: str) -> None:
    assert wording.safe(text) == shown


def test_figures_are_written_as_people_do() -> None:
    assert [wording.duration(s) for s in (0, 7.4, 60, 3723)] == ["0:00", "0:07", "1:00", "1:02:03"]
    assert [wording.size(n) for n in (12, 1500, 29_500_000, 3e9)] == ["12 B", "1.5 kB", "29.5 MB", "3.0 GB"]
    assert printing.finite(float("inf")) is None


def test_tables_are_tab_separated_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("1", "x\ty"), ("2", "z\n")])
    assert capsys.readouterr().out == "a\tb\n1\tx y\n2\tz⏎\n"
    print_facts([("name", "x"), ("longer", "y")])
    assert capsys.readouterr().out == "name    x\nlonger  y\n"
