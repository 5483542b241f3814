"""The interface of a progress display, and the choice of the one that fits the terminal."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from unspool._screen.connections import can_redraw

if TYPE_CHECKING:
    from unspool._training.announcement import Announcement
    from unspool._training.records import TrainingRecord


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

    def start(self, plan: "Announcement") -> None:
        """Show the facts about the training before its first step."""
        ...

    def show(self, record: "TrainingRecord") -> None:
        """Show a record of the training."""
        ...


def choose_progress() -> ProgressDisplay:
    """Return the live display on a terminal, and plain lines everywhere else; both on standard error."""
    if can_redraw():
        from unspool._progress.terminal import TerminalProgress

        return TerminalProgress()
    from unspool._progress.plain import PlainProgress

    return PlainProgress()
