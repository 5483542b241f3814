"""The interface of a progress display, the choice of one that fits, and those who watch a training."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self, TypedDict, TypeVar

from unspool._screen.connections import can_redraw, fitted, in_notebook
from unspool._screen.wording import one_line
from unspool._text.records import Records
from unspool._training.announcement import Announcement
from unspool._training.records import TrainingRecord
from unspool._training.stepping.ranks import follows

T = TypeVar("T")
OnStart = Callable[[Announcement], None]
OnRecord = Callable[[TrainingRecord], None]


class ProgressDisplay(Protocol):
    """A display of a running training; a context manager that leaves the screen tidy."""

    def __enter__(self) -> Self:
        """Start the display."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the display."""
        ...

    def read(self, done: int, total: int) -> None:
        """Show how much of the corpus has been read, in bytes."""
        ...

    def start(self, plan: Announcement) -> None:
        """Show the facts about the training before its first step."""
        ...

    def show(self, record: TrainingRecord) -> None:
        """Show a record of the training."""
        ...


def choose_progress() -> ProgressDisplay:
    """Return the live display of a notebook or a terminal, and plain lines on standard error elsewhere."""
    if in_notebook():
        from unspool._progress.notebook import NotebookProgress

        return NotebookProgress()
    if can_redraw():
        from unspool._progress.terminal import TerminalProgress

        return TerminalProgress()
    from unspool._progress.plain import PlainProgress

    return PlainProgress()


class Watchers(TypedDict):
    """Those who are told what a training does; None where it is nobody.

    Attributes:
        on_start: Function that gets the facts about the training before its first step.
        on_record: Function that gets each record of the loop.
    """

    on_start: OnStart | None
    on_record: OnRecord | None


@contextmanager
def watching(
    corpus: Records,
    progress: bool | None = None,
    on_start: OnStart | None = None,
    on_record: OnRecord | None = None,
    how: str | None = None,
) -> Iterator[Watchers]:
    """Show the progress of a training on standard error, or below the cell of a notebook, while it runs.

    Args:
        corpus: The corpus, whose reading is shown as well.
        progress: Whether progress is shown; None shows it unless the caller has an `on_record`.
        on_start: Function of the caller that gets the facts about the training, or None.
        on_record: Function of the caller that gets each record of the loop, or None.
        how: What was decided on the reading of the corpus, in a sentence that is shown; None for nothing.

    Yields:
        The watchers: the display, if there is one, and the caller.
    """
    if follows() or not (on_record is None if progress is None else progress):
        yield {"on_start": on_start, "on_record": on_record}
        return
    if how is not None:
        _say(how)
    with choose_progress() as display, _saying(corpus):
        corpus.meter.report = display.read
        yield {
            "on_start": in_turn(display.start, on_start),
            "on_record": in_turn(display.show, on_record),
        }


@contextmanager
def _saying(corpus: Records) -> Iterator[None]:
    """Print on standard error what reading guesses or passes over, unless a command does so already."""
    if corpus.notes.report is not None:
        yield
        return
    corpus.notes.report = _say
    try:
        yield
    finally:
        corpus.notes.report = None


def _say(sentence: str) -> None:
    print(fitted(one_line(sentence), sys.stderr), file=sys.stderr, flush=True)


def in_turn(first: Callable[[T], None], second: Callable[[T], None] | None) -> Callable[[T], None]:
    """Return a function that calls two functions, or the first alone.

    Args:
        first: A function of one value.
        second: Another one for the same value, or None.
    """

    def call(value: T) -> None:
        first(value)
        if second is not None:
            second(value)

    return call
