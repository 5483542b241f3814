"""What a notebook shows of a training, without a notebook: each form of it, and when it is drawn anew."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.progress.records import MEASURING, STOP, evaluation, finish, plan, sample, step
from unspool import TrainingConfig
from unspool._progress import notebook
from unspool._progress.notebook import NotebookProgress

LINES = ["text     news.csv", "         1,000 records, 45,000 characters, 5,000 held out",
         "network  lstm 256, 1,084 symbols, 119,892 parameters", "folder   runs/news"]  # fmt: skip
FACTS = [["text", "news.csv"], ["", "1,000 records, 45,000 characters, 5,000 held out"],
         ["network", "lstm 256, 1,084 symbols, 119,892 parameters"], ["folder", "runs/news"]]  # fmt: skip


class Output:
    """The output of a cell, which keeps what it shows and when."""

    def __init__(self, clock: list[float]) -> None:
        self._clock = clock
        self.shown: list[tuple[float, dict[str, str]]] = []

    def display(self, bundle: dict[str, str], **how: Any) -> "Output":
        assert how == {"raw": True, "display_id": True}
        self.shown.append((self._clock[0], bundle))
        return self

    def update(self, bundle: dict[str, str], **how: Any) -> None:
        assert how == {"raw": True}
        self.shown.append((self._clock[0], bundle))

    @property
    def plain(self) -> list[str]:
        return self.shown[-1][1]["text/plain"].splitlines()

    @property
    def rows(self) -> list[list[str]]:
        """The words of each row of its tables, and the length of a bar; a sentence below them is one, too."""
        html = self.shown[-1][1]["text/html"]
        rows = re.findall(r"<tr>.*?</tr>|(?<=^<div>)[^\n].*?(?=</div>)", html, flags=re.MULTILINE | re.DOTALL)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) or [row] for row in rows]
        return [[re.sub(r"<div.*width:([0-9.]+%)\"></div>", r"|\1|", cell) for cell in row] for row in cells]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(notebook, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


@pytest.fixture
def output(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> Output:
    shown = Output(clock)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.display))
    return shown


def test_the_cell_shows_what_is_known_so_far(clock: list[float], output: Output) -> None:
    with NotebookProgress() as screen:
        assert (output.plain, output.rows) == (["reading the corpus …"], [["reading the corpus …"]])
        screen.read(1_500, 2_000)
        told = "reading the corpus: 1.5 kB of 2.0 kB"
        assert (output.plain, output.rows) == ([told], [[told]])
        screen.start(plan())
        assert (output.plain, output.rows) == (LINES, FACTS)
        for number in (1, 2):
            clock[0] += 1
            screen.show(step(number, progress=number / 10, seconds=10.0 * number))
        bar = ["epoch 2/3", "|20.0%|", "20%", "1:20 left"]
        names = ["loss", "bits per character", "characters per second"]
        figures = ["2.062", "2.976", "312,346"]
        assert (output.plain, output.rows) == (LINES, [*FACTS, bar, names, figures])
        clock[0] += 1
        screen.show(MEASURING)
        measured = "measuring the held-out text: 1,000 of 4,000 symbols"
        assert output.plain == [*LINES, measured]
        assert output.rows == [*FACTS, bar, names, figures, [measured]]
        clock[0] += 1
        screen.show(evaluation(exact=0.25))
        held_out = [*names, "held out, bits per character (best)", "answered exactly"]
        assert output.rows == [*FACTS, bar, held_out, [*figures, "2.345", "0.25"]]
        clock[0] += 1
        screen.show(sample("\nday", temperature=0.5))
        reached = ("epoch 2/3, step 1,500, 1:15: 2.789 bits/character in training, 2.345 on held-out text "
                   "(best so far), 25.0% answered exactly")  # fmt: skip
        assert output.plain == [*LINES, reached, "  0.5: To⏎day"]
        samples = [["temperature", "sample"], ["0.5", "To\nday"]]
        assert output.rows == [*FACTS, bar, held_out, [*figures, "2.345", "0.25"], *samples]
        clock[0] += 1
        screen.show(evaluation(best=False))
        assert output.rows[-2:] == [[*names, "held out, bits per character"], [*figures, "2.345"]]
        clock[0] += 1
        screen.show(evaluation(bits_per_character=None))
        assert output.rows[-2:] == [names, figures]
        clock[0] += 1
        screen.show(finish("epochs"))
        end = "Finished after 2:30: all epochs are done"
        assert output.plain[4:] == [
            "epoch 2/3, step 1,500, 1:15: 2.789 bits/character in training", end,
        ]  # fmt: skip
        assert output.rows == [*FACTS, [*bar[:3], ""], names, figures, [end]]


def test_a_stopped_run_that_goes_on_later_says_no_end(clock: list[float], output: Output) -> None:
    with NotebookProgress() as screen:
        screen.start(plan(training=TrainingConfig(epochs=None, minutes=1.0)))
        screen.show(evaluation())
        screen.show(MEASURING)
        screen.show(STOP)
        assert output.plain[4:] == [
            "epoch 2, step 1,500, 1:15: 2.789 bits/character in training, 2.345 on held-out text"
            " (best so far)",
            "measuring the held-out text: 1,000 of 4,000 symbols",
        ]
        screen.start(plan(out=None))
        end = "Stopped after 1:01 at step 1,501: the best model so far is kept"
        assert output.plain[-1] == output.rows[-1][0] == end


def test_the_cell_is_drawn_four_times_a_second(clock: list[float], output: Output) -> None:
    def times() -> list[float]:
        drawn = [now for now, _ in output.shown]
        output.shown.clear()
        return drawn

    with NotebookProgress() as screen:
        assert times() == [100.0]
        for clock[0] in (100.0, 100.125, 100.25):
            screen.read(1, 2)
        assert times() == [100.0, 100.25]
        clock[0] = 101.0
        screen.start(plan())
        screen.start(plan())
        assert times() == [101.0, 101.0]
        for clock[0] in (101.125, 101.25, 101.375):
            screen.show(sample("x"))
        assert times() == [101.25]
        screen.show(finish("epochs"))
        screen.show(STOP)
        assert times() == [101.375, 101.375]
    assert times() == [101.375], "the last state stays"
