"""What is drawn in place on a terminal alone: downloads, scores, texts, a histogram; and play's facts."""

import contextlib
import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from unspool._cli.commands import audit
from unspool._cli.open_corpus import Download
from unspool._cli.output import score_sinks
from unspool._cli.play.screen import facts_of
from unspool._cli.steps import collecting


class Stream(io.StringIO):
    """A stream that is a terminal, or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "drawn"),
    [
        (True, ["", "downloading AG News: 0 B of 2.0 kB", "downloading AG News: 20 B of 2.0 kB",
                "downloading AG News: 190 B of 2.0 kB",
                "downloading AG News: 2.0 kB of 2.0 kB\n"]),
        (False, ["downloading AG News: 0 B of 2.0 kB\ndownloading AG News: 2.0 kB of 2.0 kB\n"]),
    ],
)  # fmt: skip
def test_a_download_is_shown_when_it_has_moved(
    terminal: bool, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Stream(terminal=terminal)
    monkeypatch.setattr("sys.stderr", shown)
    download = Download("AG News")
    for done in (0, 1, 20, 39, 190, 2000):
        download.report(done, 2000)
    download.close()
    assert shown.getvalue().split("\r") == drawn


def test_a_download_of_nothing_leaves_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Stream(terminal=True)
    monkeypatch.setattr("sys.stderr", shown)
    Download("x").close()
    assert shown.getvalue() == ""
    download = Download("x")
    download.report(0, 0)
    assert shown.getvalue() == "\rdownloading x: 0 B of 0 B"
    download.close()
    assert shown.getvalue().endswith("0 B\n")


def test_scored_texts_are_counted_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told = [100.0], []

    @contextlib.contextmanager
    def task_line(text: str, *, bar: bool) -> Iterator[Callable[..., None]]:
        told.append((text, bar))
        yield lambda *facts: told.append(facts)

    monkeypatch.setattr("unspool._screen.drawing.task_line", task_line)
    monkeypatch.setattr(score_sinks.time, "monotonic", lambda: now[0])
    with score_sinks.progress_bar(shown=True) as seen:
        for texts, seconds in ((1, 0.5), (2, 0.05), (3, 0.06), (4000, 1.39)):
            now[0] += seconds
            seen(texts, 10 * texts)
    assert told == [
        ("scoring …", False),
        ("1 text, 10 characters, 20 characters/s", None, None),
        ("3 texts, 30 characters, 49 characters/s", None, None),
        ("4,000 texts, 40,000 characters, 20,000 characters/s", None, None),
    ]
    with score_sinks.progress_bar(shown=False) as seen:
        seen(1, 1)
    assert len(told) == 4


@pytest.mark.parametrize(
    ("accepted", "line"),
    [
        (0, "0 of 1,000 {bar} 25 attempts/s -:-- left"),
        (250, "250 of 1,000 {bar} 25 attempts/s 2:00 left"),
        (1000, "1,000 of 1,000 {bar} 25 attempts/s 0:00 left"),
    ],
)
def test_good_texts_are_counted_with_the_time_that_is_left(
    accepted: int, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Callable[[], Any]] = []
    monkeypatch.setattr("unspool._screen.drawing.redrawn", drawn.append)
    report = SimpleNamespace(accepted=accepted, asked=1000, attempts=1000, seconds=40.0)
    collecting.live_line(cast("Any", SimpleNamespace(report=report)))
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=False).print(drawn[0]())
    (shown,) = out.getvalue().splitlines()
    before, after = line.split("{bar}")
    assert shown.startswith(before)
    assert shown[:77].endswith(after)
    assert shown[77:].strip() == "", "the last three columns are free for ^C"
    bar = shown[len(before) : 77 - len(after)]
    assert bar.strip("━╸╺ ") == ""
    assert len(bar) == 77 - len(before) - len(after)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_a_histogram_of_copied_passages(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def texts(*copied: int) -> list[Any]:
        return [SimpleNamespace(copied=number) for number in copied]

    copying = SimpleNamespace(
        samples=texts(0, 0, 0, 1), held_out=texts(1, 2), lengths=None, held_out_lengths=None
    )
    out = Stream(terminal=terminal)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr(audit, "print_table", lambda *_, **__: None)
    audit.show_lengths(cast("Any", SimpleNamespace(copying=copying)))
    lines = [line.rstrip() for line in out.getvalue().splitlines() if line]
    assert lines == ([] if not terminal else [
        "    0  generated " + 40 * "█" + " 75%", "       held-out   0%",
        "    1  generated " + 13 * "█" + " 25%", "       held-out  " + 27 * "░" + " 50%",
        "    2  generated  0%", "       held-out  " + 27 * "░" + " 50%",
    ])  # fmt: skip


def test_play_says_in_a_line_what_the_model_is() -> None:
    def model(layers: int) -> Any:
        network = SimpleNamespace(num_layers=layers, cell="gru", hidden_size=64)
        return SimpleNamespace(network=network, tokenizer=SimpleNamespace(vocab_size=1234))

    assert facts_of(model(1)) == "gru 64 · 1,234 symbols"
    assert facts_of(model(2)) == "2 × gru 64 · 1,234 symbols"
