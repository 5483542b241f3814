"""Where the loop leaves its checkpoints and its best model."""

from typing import Protocol

from unspool.training.checkpoints import Checkpoint
from unspool.training.optimizers import FloatArray
from unspool.training.records import EvaluationRecord


class CheckpointSink(Protocol):
    """Keep what the loop hands over; what is handed over changes later, so a sink copies or writes it."""

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep the last state in place of the one before."""
        ...

    def save_model(self, parameters: dict[str, FloatArray], evaluation: EvaluationRecord) -> None:
        """Keep the parameters of the best evaluation so far."""
        ...


class MemorySink:
    """Keep copies in memory, for a run that leaves no files.

    Attributes:
        checkpoint: The last state, or None before there is one.
        parameters: The best parameters, or None before the first evaluation.
        evaluation: What was measured with them.
    """

    def __init__(self) -> None:
        self.checkpoint: Checkpoint | None = None
        self.parameters: dict[str, FloatArray] | None = None
        self.evaluation: EvaluationRecord | None = None

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep a copy of the last state."""
        self.checkpoint = checkpoint.copy()

    def save_model(self, parameters: dict[str, FloatArray], evaluation: EvaluationRecord) -> None:
        """Keep a copy of the best parameters."""
        self.parameters = {name: array.copy() for name, array in parameters.items()}
        self.evaluation = evaluation
