"""What a terminal shows of a training: each word in its colour, each line at its time."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.text import Text

from tests.progress.records import MEASURING, STOP, evaluation, finish, plan, sample, step
from unspool._progress import terminal
from unspool._progress.terminal import MOST_SAMPLES, TerminalProgress
from unspool._training.announcement import Announcement
from unspool._training.records import TrainingRecord

# The numbers of ANSI: 0 as usual, 1 bold, 2 dim, 32 green, 33 yellow, 36 cyan.
REACHED = "<1>epoch 2<0>  1:15<2>  bits/char <0>2.789"
BEST = "<2>  held out <0><1;32>2.345<0>"


def coloured(console: Console) -> list[str]:
    """Return the lines that a console drew, with the numbers of the colours between angles."""
    assert isinstance(console.file, io.StringIO)
    return re.sub("\x1b\\[([0-9;]*)m", r"<\1>", console.file.getvalue()).splitlines()


def console_of(width: int = 70) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=24, color_system="standard")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time of the display, which a test sets."""
    now = [1000.0]
    monkeypatch.setattr(terminal, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def scrolled(*records: TrainingRecord, facts: Announcement | None = None) -> list[str]:
    """Return the lines that stay."""
    console = console_of()
    screen = TerminalProgress(console)
    screen.start(facts or plan())
    begun = len(coloured(console))
    for record in records:
        screen.show(record)
    return coloured(console)[begun:]


def changing(screen: TerminalProgress) -> list[str]:
    """Return the lines of the part that changes in place."""
    console = console_of()
    console.print(screen._live.renderable)
    return coloured(console)


def test_the_facts_have_labels_in_a_colour() -> None:
    console = console_of()
    TerminalProgress(console).start(plan())
    assert coloured(console) == [
        "<1;36>text     <0>news.csv",
        "<1;36>         <0>1,000 records, 45,000 characters, 5,000 held out",
        "<1;36>network  <0>lstm 256, 1,084 symbols, 119,892 parameters",
        "<1;36>folder   <0>runs/news",
    ]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (evaluation(), f"{REACHED}{BEST}<32> best<0>"),
        (evaluation(best=False), f"{REACHED}<2>  held out <0><33>2.345<0>"),
        (evaluation(bits_per_character=None, exact=0.2468), f"{REACHED}<2>  exact <0>24.7%"),
        (finish("minutes"), "<1>Stopped after 2:30: the time limit was reached<0>"),
    ],
)
def test_what_stays_is_a_line_with_what_was_reached(record: TrainingRecord, line: str) -> None:
    assert scrolled(record) == [line]


def test_a_stop_is_a_line_where_nothing_is_kept() -> None:
    line = "<1>Stopped after 1:01 at step 1,501: the best model so far is kept<0>"
    assert scrolled(STOP, facts=plan(out=None)) == [line]
    assert scrolled(STOP) == []


def test_the_sample_nearest_to_the_usual_temperature_stays_once() -> None:
    samples = [sample("cold", temperature=0.3), sample("a\nb", temperature=0.9), sample("hot", temperature=1)]
    steps = [step(number, progress=0.5, seconds=1.0) for number in (1, 2)]
    kept = "<36>  0.9 <0><1>To<0>a⏎b"
    best = f"{REACHED}{BEST}<32> best<0>"
    assert scrolled(evaluation(), *samples, *steps) == [best, kept]
    assert scrolled(evaluation(), *samples, *steps, evaluation(), *samples, *steps) == [best, kept] * 2
    assert scrolled(evaluation(), *samples) == [best]


def test_a_line_that_stays_is_cut_at_the_width() -> None:
    line = scrolled(evaluation(), sample("x" * 99), step(1, progress=0.5, seconds=1.0))[1]
    assert line == f"<36>  0.8 <0><1>To<0>{'x' * 61}…"
    assert 6 + 2 + 61 + 1 == 70


def test_the_changing_part_has_a_bar_figures_and_the_latest_samples(clock: list[float]) -> None:
    screen = TerminalProgress(console_of())
    screen.start(plan())
    for number in (1, 2):
        clock[0] += 1
        screen.show(step(number, progress=number / 10, seconds=10.0 * number))
    figures = "<2>loss <0>2.062<2>  bits/char <0><1>2.976<0><2>  chars/s <0>312,346"
    bar, below = changing(screen)
    assert bar.startswith("<1>epoch 2/3<0> ")
    assert bar.endswith("  20% <36>1:20 left<0>")
    assert len(re.sub("<[0-9;]*>", "", bar)) == 70
    assert below == figures
    clock[0] += 1
    screen.show(MEASURING)
    assert changing(screen)[1:] == [figures, "<2>measuring the held-out text: 1,000 of 4,000 symbols<0>"]
    screen.show(evaluation())
    assert changing(screen)[1:] == [figures + BEST]
    for number in range(MOST_SAMPLES + 1):
        clock[0] += 1
        screen.show(sample(f"text {number}", source="q" if number else None))
    lines = changing(screen)[2:]
    assert lines == [
        "<36>  0.8 <0><1>To<0>text 0",
        *(f"<36>  0.8 <0><1>q → <0>text {n}" for n in range(1, 8)),
    ]
    screen.show(evaluation(bits_per_character=None))
    assert changing(screen)[1:] == [figures]


def test_the_changing_part_is_drawn_ten_times_a_second(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen, drawn = TerminalProgress(console_of()), list[object]()

    def update(what: object, *, refresh: bool) -> None:
        assert refresh
        drawn.append((clock[0], what.plain) if isinstance(what, Text) else clock[0])

    monkeypatch.setattr(screen._live, "update", update)
    for clock[0] in (1.0, 1.0625, 1.125):
        screen.read(500, 2_000)
    screen.read(0, 0)
    assert drawn == [(now, "reading the corpus: 500 B of 2.0 kB, 25%") for now in (1.0, 1.125)]
    drawn.clear()
    for clock[0] in (2.0, 2.0625, 2.125):
        screen.show(step(1, progress=0.5, seconds=1.0))
        screen.show(sample("x"))
    assert drawn == [2.0, 2.125]
    screen.show(MEASURING)
    screen.show(evaluation())
    assert drawn == [2.0, 2.125, 2.125, 2.125], "what is rare is drawn at once"


def test_the_display_begins_with_the_reading_and_disappears() -> None:
    console = console_of()
    with TerminalProgress(console) as screen:
        assert screen._live.is_started
        assert changing(screen) == ["<2>reading the corpus …<0>"]
        assert any("reading the corpus …" in line for line in coloured(console))
    assert not screen._live.is_started
    assert console.file.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
