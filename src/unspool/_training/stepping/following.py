"""What a process does that trains together with one that leads."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from unspool._training.checkpoints import Checkpoint
from unspool._training.stepping.chosen import steps_of
from unspool._training.stepping.torch_ranks import CLEAR, HOME, STEP, LeaderSaysError, Ranks
from unspool._training.task import TrainingTask


def follow(task: TrainingTask, checkpoint: Checkpoint, ranks: Ranks) -> None:
    """Do what the leader tells until it tells the end; signals are for the leader.

    Args:
        task: The task.
        checkpoint: A fresh start, in which the leader's checkpoint is put.
        ranks: The processes.

    Raises:
        UnspoolError: If the leader ends without a model, or is gone.
    """
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
                raise LeaderSaysError("the training has ended in process 0, which says why")


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
