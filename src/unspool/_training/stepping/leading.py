"""Steps that several processes make together, as the one makes them that leads."""

from collections.abc import Iterator
from contextlib import contextmanager

from unspool._engines.protocol import Loss
from unspool._errors import UnspoolError
from unspool._text.streams.lanes import Window
from unspool._training.checkpoints import Checkpoint
from unspool._training.stepping.steps import Steps
from unspool._training.stepping.torch_ranks import CLEAR, END, HOME, STEP, Ranks


class LedSteps:
    """The steps of the leader; see `unspool._training.stepping.steps.Steps`.

    Args:
        steps: Its own steps, on its own lanes.
        checkpoint: The checkpoint of the run, whose progress says which window is next.
        ranks: The processes.
    """

    def __init__(self, steps: Steps, checkpoint: Checkpoint, ranks: Ranks) -> None:
        self.steps, self.checkpoint, self.ranks = steps, checkpoint, ranks

    def step(self, window: Window, *, number: int, learning_rate: float) -> tuple[Loss, float]:
        """Make a step in all processes."""
        progress = self.checkpoint.progress
        self.ranks.tell(STEP, number, progress.epoch, progress.window, learning_rate)
        return self.steps.step(window, number=number, learning_rate=learning_rate)

    def clear_state(self) -> None:
        """Clear the state of all lanes."""
        self.ranks.tell(CLEAR)
        self.steps.clear_state()

    def bring_home(self) -> None:
        """Bring home the arrays, and the states of all lanes."""
        self.ranks.tell(HOME)
        self.steps.bring_home()
        self.ranks.gather_state(self.checkpoint)


@contextmanager
def leading(ranks: Ranks, start: Checkpoint) -> Iterator[None]:
    """Share the checkpoint to start from with the others, which hear at the end that it is over.

    Args:
        ranks: The processes.
        start: The checkpoint.
    """
    ranks.share(start)
    went_well = False
    try:
        yield
        went_well = True
    finally:
        try:
            ranks.tell(END, int(went_well))
        except UnspoolError:
            if went_well:
                raise
