"""Steps that several processes make together: how one leads, and how the others follow."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from unspool._engines.protocol import Loss
from unspool._errors import UnspoolError
from unspool._text.streams.lanes import Window
from unspool._training.checkpoints import Checkpoint
from unspool._training.steps import Steps, steps_of
from unspool._training.task import TrainingTask
from unspool._training.torch_ranks import CLEAR, END, HOME, STEP, Ranks


class LedSteps:
    """The steps of the leader; see `unspool._training.steps.Steps`.

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
    """Give the others the checkpoint to start from, and tell them at the end that it is over.

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


def follow(task: TrainingTask, checkpoint: Checkpoint) -> None:
    """Do what the leader tells until it tells the end; signals are for the leader.

    Args:
        task: The task, with its processes.
        checkpoint: A fresh start, in which the leader's checkpoint is put.

    Raises:
        UnspoolError: If the leader ends without a model, or is gone.
    """
    ranks = task.ranks
    assert ranks is not None
    with _deaf():
        ranks.share(checkpoint)
        steps, lanes = steps_of(task, checkpoint), task.lanes()
        place = (-1, -1)
        while True:
            what, number, epoch, window, rate = ranks.hear()
            if what == STEP:
                if (epoch, window) != place:  # at the start, and at each epoch
                    windows = lanes.windows(epoch, window)
                steps.step(next(windows), number=number, learning_rate=rate)
                place = (epoch, window + 1)
            elif what == CLEAR:
                steps.clear_state()
            elif what == HOME:
                steps.bring_home()
                ranks.gather_state(checkpoint)
            elif number:
                return
            else:
                raise UnspoolError("the training has ended in process 0, which says why")


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore the signals that ask to stop: the leader hears them too, and tells."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
