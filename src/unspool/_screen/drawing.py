"""All drawing with rich: a console for each of the two streams, and displays that change in place.

By default rich sends standard output through a live display to the display's own stream, where a result would
be lost. `Display` does not change standard output.
"""

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live

SECONDS_BETWEEN = 0.125

Tell = Callable[[str, int | None, int | None], None]


def output_console() -> Console:
    """Return the console of standard output with its width; rich would ask standard input first."""
    width = shutil.get_terminal_size().columns
    return Console(width=width, highlight=False, markup=False, emoji=False)


def error_console() -> Console:
    """Return the console of standard error."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


class Display(Live):
    """A display on standard error that changes in place and disappears at the end.

    Lines that are written to standard error at the same time scroll up above it. Standard output is not
    changed.

    Args:
        console: The console to draw on; None for standard error.
        draw: A function that returns the content; None if `update` sets it.
    """

    def __init__(
        self, console: Console | None = None, draw: Callable[[], RenderableType] | None = None
    ) -> None:
        super().__init__(
            console=console or error_console(),
            get_renderable=draw,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
        )

    def stop(self) -> None:
        """Release the screen; an unfinished line above the display is not lost."""
        if self.is_started:
            sys.stderr.flush()
        super().stop()


@contextmanager
def redrawn(draw: Callable[[], RenderableType]) -> Iterator[None]:
    """Redraw a display regularly until the work is done.

    Then the drawing thread has ended. A thread of rich may live until Python itself ends, and keep the model
    that it draws from.
    """
    over = threading.Event()

    def redraw() -> None:
        while not over.wait(SECONDS_BETWEEN):
            display.refresh()

    thread = threading.Thread(target=redraw, daemon=True)
    with Display(draw=draw) as display:
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@contextmanager
def task_line(words: str, *, bar: bool) -> Iterator[Tell]:
    """Show one line for a task: a spinner, words, the elapsed time.

    Args:
        words: The first words of the line.
        bar: Whether a bar shows the progress.

    Yields:
        A function of the words, the amount done and the total amount; None if an amount is not known.
    """
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bars = [BarColumn()] if bar else []
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), *bars, TimeElapsedColumn()]
    progress = Progress(*columns, console=error_console(), auto_refresh=False)  # draws, but is never started
    task = progress.add_task(words, total=None)

    def show(words: str, done: int | None, total: int | None) -> None:
        progress.update(task, description=words, completed=done, total=total)

    with redrawn(progress.get_renderable):
        yield show
