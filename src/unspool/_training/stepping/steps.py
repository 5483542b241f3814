"""A step: the gradients of a window, then the optimizer. What changes is brought home to the checkpoint."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import numpy as np

from unspool._engines.protocol import Loss
from unspool._text.streams.lanes import Window
from unspool._training.averaging import update_average
from unspool._training.checkpoints import Checkpoint
from unspool._training.dropout import loss_and_gradients
from unspool._training.optimizers import FloatArray, Optimizer
from unspool._training.state_dropout import forget_some
from unspool._training.task import TrainingTask


class Steps(Protocol):
    """The steps of a training, wherever their arrays are."""

    def step(self, window: Window, *, number: int, learning_rate: float) -> tuple[Loss, float]:
        """Learn from a window.

        Args:
            window: The window.
            number: The number of the step, from 1.
            learning_rate: The learning rate of its update.

        Returns:
            The loss, and the norm of the gradients. Where one of them is not finite, nothing was changed.

        Raises:
            StoppedError: If a stop abandons the step; nothing was changed.
        """
        ...

    def clear_state(self) -> None:
        """Start the next window from an empty state."""
        ...

    def bring_home(self) -> None:
        """Make the checkpoint that of the last step."""
        ...


class HostSteps:
    """Steps with NumPy arrays, by any engine.

    Args:
        task: The task.
        checkpoint: Where the steps start; its parameters, slots and average are changed in place.
        abandoning: A function that makes a context in which a stop abandons the work.
    """

    def __init__(
        self,
        task: TrainingTask,
        checkpoint: Checkpoint,
        abandoning: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.task, self.checkpoint, self.abandoning = task, checkpoint, abandoning
        self.lanes = task.lanes()
        config = task.config
        self.optimizer = Optimizer(
            config.optimizer, checkpoint.parameters, config, threads=task.engine.threads
        )
        self.optimizer.restore(checkpoint.slots, checkpoint.progress.step)
        self.state = np.ascontiguousarray(checkpoint.state[:, :, self.lanes.own])

    def step(self, window: Window, *, number: int, learning_rate: float) -> tuple[Loss, float]:
        """Learn from a window; see `Steps`."""
        task, config, parameters = self.task, self.task.config, self.checkpoint.parameters
        with self.abandoning():
            loss, gradients, after = loss_and_gradients(
                task.engine,
                parameters,
                window,
                state_before(task, self.state, number, own=self.lanes.own, lanes=self.lanes.batch_size),
                reset_id=task.reset_id,
                seed=config.seed,
                step=number,
                lanes=self.lanes.batch_size,
                own=self.lanes.own,
            )
        if task.ranks is not None:
            loss, gradients = task.ranks.mean_of_arrays(loss, gradients)
        if not math.isfinite(loss.total):
            return loss, math.nan
        norm = self.optimizer.update(parameters, gradients, learning_rate)
        if math.isfinite(norm):
            self._carry(after)
            if self.checkpoint.average is not None and config.ema is not None:
                update_average(self.checkpoint.average, parameters, decay=config.ema, step=number)
        return loss, norm

    def clear_state(self) -> None:
        """Start the next window from an empty state."""
        self._carry(np.zeros_like(self.state))

    def _carry(self, state: FloatArray) -> None:
        """Keep the state for the next window, in the checkpoint as well if it has no other lanes."""
        self.state = state
        if self.task.ranks is None:
            self.bring_home()

    def bring_home(self) -> None:
        """Put the state into the checkpoint, where all else is."""
        self.checkpoint.state = with_state(self.checkpoint.state, self.state, self.lanes.own)


def state_before(task: TrainingTask, carried: FloatArray, step: int, *, own: slice, lanes: int) -> FloatArray:
    """Return the state that a step starts from: in a document some lanes forget.

    Args:
        task: The task.
        carried: The state after the step before.  # (L, S, B, H)
        step: The number of the step, from 1.
        own: The lanes among all of the run whose state it is.
        lanes: Number of lanes of the run.
    """
    if not (task.document and task.config.state_reset):
        return carried
    return forget_some(
        carried, task.config.state_reset, seed=task.config.seed, step=step, own=own, lanes=lanes
    )


def with_state(whole: FloatArray, state: FloatArray, own: slice) -> FloatArray:
    """Return the state of all lanes with that of some of them put in.

    Args:
        whole: The state of all lanes; it is not changed.  # (L, S, B, H)
        state: The state of some of them.
        own: Which ones these are.
    """
    if state.shape == whole.shape:
        return state
    result = whole.copy()
    result[:, :, own] = state
    return result
