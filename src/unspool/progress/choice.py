"""What the screen of a training has to offer, and which screen fits the place it is shown in."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from unspool.screen.connections import can_redraw

if TYPE_CHECKING:
    from unspool.training.announcement import Announcement
    from unspool.training.records import TrainingRecord


class ProgressDisplay(Protocol):
    """Show a training as it goes; a context manager that leaves the screen tidy."""

    def __enter__(self) -> Self:
        """Take the screen."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the screen back."""
        ...

    def read(self, done: int, total: int) -> None:
        """Show how much of the corpus is read, in bytes."""
        ...

    def start(self, plan: "Announcement") -> None:
        """Say what is about to be trained."""
        ...

    def show(self, record: "TrainingRecord") -> None:
        """Show what the training tells."""
        ...


def choose_progress() -> ProgressDisplay:
    """Choose the live screen on a terminal, and plain lines everywhere else; both on standard error."""
    if can_redraw():
        from unspool.progress.terminal import TerminalProgress

        return TerminalProgress()
    from unspool.progress.plain import PlainProgress

    return PlainProgress()
