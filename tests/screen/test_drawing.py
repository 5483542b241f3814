"""Each console draws what it is given as it stands, on its own stream."""

import threading
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from unspool._screen import drawing
from unspool._screen.drawing import error_console, output_console, redrawn

WRITTEN = "[bold]12 of 'them'[/bold] :smile:"  # marks, numbers and words that rich would change or colour


@pytest.mark.parametrize(("console", "stream"), [(output_console, 0), (error_console, 1)])
def test_a_text_is_drawn_as_it_stands(
    console: Callable[[], Console],
    stream: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console().print(WRITTEN)
    assert capsys.readouterr()[stream] == f"{WRITTEN}\n"


def test_the_drawing_thread_has_ended_when_the_work_has(monkeypatch: pytest.MonkeyPatch) -> None:
    before, drawn = threading.active_count(), threading.Event()

    def refresh(_: drawing.Display) -> None:
        if threading.current_thread() is not threading.main_thread():
            drawn.set()
            time.sleep(0.05)  # is drawing while the work ends

    monkeypatch.setattr(drawing, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(drawing.Display, "refresh", refresh)
    with redrawn(lambda: ""):
        assert drawn.wait(60)
    assert threading.active_count() == before
