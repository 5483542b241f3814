"""Which steps a training makes: in NumPy arrays or on a device, alone or with other processes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from unspool._training.checkpoints import Checkpoint
from unspool._training.stepping.steps import HostSteps, Steps
from unspool._training.task import TrainingTask


def steps_of(
    task: TrainingTask,
    checkpoint: Checkpoint,
    abandoning: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Steps:
    """Return the steps of a task.

    Args:
        task: The task.
        checkpoint: Where the steps start.
        abandoning: A function that makes a context in which a stop abandons the work. Steps on a device, and
            those that several processes make together, are always made to their end.
    """
    if hasattr(task.engine, "window_loss"):
        from unspool._training.stepping.torch_steps import TorchSteps  # noqa: PLC0415 - where PyTorch is

        steps: Steps = TorchSteps(task, checkpoint)
    else:
        steps = HostSteps(task, checkpoint, abandoning if task.ranks is None else nullcontext)
    if task.ranks is None or not task.ranks.leads:
        return steps
    from unspool._training.stepping.leading import LedSteps  # noqa: PLC0415 - where PyTorch is

    return LedSteps(steps, checkpoint, task.ranks)
