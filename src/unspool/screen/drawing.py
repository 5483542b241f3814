"""All that is drawn with rich begins here: a console for each of the two streams, and what changes in place.

By default rich sends standard output through a live display to the display's own stream, where a result
would be lost. `Display` leaves it alone.
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
    """Make the console of standard output, as wide as that is: rich would ask standard input first."""
    width = shutil.get_terminal_size().columns
    return Console(width=width, highlight=False, markup=False, emoji=False)


def error_console() -> Console:
    """Make the console of standard error."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


class Display(Live):
    """Show what changes in place on standard error; it goes at the end.

    Lines that are written to standard error meanwhile scroll up above it. Standard output is left alone.

    Args:
        console: Where to draw; None for standard error.
        draw: Makes what is shown; None where `update` brings it.
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
        """Give the screen back; a line that was begun above it is not lost."""
        if self.is_started:
            sys.stderr.flush()
        super().stop()


@contextmanager
def redrawn(draw: Callable[[], RenderableType]) -> Iterator[None]:
    """Draw a display again and again until the work is done.

    The thread that draws has ended by then. One of rich's own may live until Python itself ends, and keep
    the model that it draws from.
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
    """Show one line for a task: a spinner, words, the time it takes.

    Args:
        words: What it begins with.
        bar: Whether a bar shows how much is done.

    Yields:
        A function that takes the words, how much is done and of how much; None where that is not known.
    """
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bars = [BarColumn()] if bar else []
    columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), *bars, TimeElapsedColumn()]
    progress = Progress(*columns, console=error_console(), auto_refresh=False)  # draws, but is never started
    task = progress.add_task(words, total=None)

    def tell(words: str, done: int | None, total: int | None) -> None:
        progress.update(task, description=words, completed=done, total=total)

    with redrawn(progress.get_renderable):
        yield tell
