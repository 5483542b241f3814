"""The place where the loop leaves its checkpoints and its best model."""

from typing import Protocol

from unspool._training.checkpoints import Checkpoint
from unspool._training.optimizers import FloatArray
from unspool._training.records import EvaluationRecord


class CheckpointSink(Protocol):
    """An object that saves what the loop passes on; the loop changes it later, so a sink copies it."""

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Save the last state in place of the one before."""
        ...

    def save_model(self, parameters: dict[str, FloatArray], evaluation: EvaluationRecord) -> None:
        """Save the parameters of the best evaluation so far."""
        ...


class MemorySink:
    """A sink that keeps copies in memory, for a run without files.

    Attributes:
        checkpoint: The last state, or None before there is one.
        parameters: The best parameters, or None before the first evaluation.
        evaluation: The evaluation of these parameters, or None before the first evaluation.
    """

    def __init__(self) -> None:
        self.checkpoint: Checkpoint | None = None
        self.parameters: dict[str, FloatArray] | None = None
        self.evaluation: EvaluationRecord | None = None

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Save a copy of the last state."""
        self.checkpoint = checkpoint.copy()

    def save_model(self, parameters: dict[str, FloatArray], evaluation: EvaluationRecord) -> None:
        """Save a copy of the best parameters."""
        self.parameters = {name: array.copy() for name, array in parameters.items()}
        self.evaluation = evaluation
