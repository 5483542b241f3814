"""What the training loop tells: frozen records, each one line of metrics.jsonl when it is kept."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from unspool.configuration import to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """Tell what one step did.

    Args:
        step: Number of the step, from 1.
        epoch: Number of the epoch, from 1.
        progress: Share of the run that is behind, in (0, 1].
        loss: Nats per symbol of this step's window.
        bits_per_character: The same in bits per character, by the corpus's ratio of symbols to characters.
        learning_rate: Learning rate of this step.
        grad_norm: Global norm of the gradients before clipping.
        characters: Characters of text read so far.
        characters_per_second: Speed of the last steps, evaluations left out.
        seconds: Wall time of the run so far.
    """

    kind: ClassVar[str] = "step"
    step: int
    epoch: int
    progress: float
    loss: float
    bits_per_character: float
    learning_rate: float
    grad_norm: float
    characters: int
    characters_per_second: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuringRecord:
    """Tell how far a long evaluation is; it is not written down.

    Args:
        step: Steps made.
        done: Held-out symbols measured.
        total: Held-out symbols to measure.
    """

    kind: ClassVar[str] = "measuring"
    step: int
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """Tell how the network does on the held-out text, and did on average in this epoch's training.

    Args:
        step: Steps made.
        epoch: Number of the epoch, from 1.
        training_loss: Nats per symbol, mean over the epoch's steps so far (with dropout, while learning).
        training_bits_per_character: The same in bits per character.
        loss: Nats per symbol of the held-out text, or None if nothing is held out.
        bits_per_character: Bits per character of the held-out text, or None.
        perplexity: exp(loss), or None where that is more than a float holds.
        best: Whether this is the best so far; always so if nothing is held out.
        seconds: Wall time of the run so far.
        measured_characters: Characters of the held-out text that were measured, or None.
        exact: Share of (at most 1,000) held-out sources that are answered exactly; None without sources.
    """

    kind: ClassVar[str] = "evaluation"
    step: int
    epoch: int
    training_loss: float
    training_bits_per_character: float
    loss: float | None
    bits_per_character: float | None
    perplexity: float | None
    best: bool
    seconds: float
    measured_characters: int | None = None
    exact: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRecord:
    """Show a text that the network wrote while it was learning.

    Args:
        step: Steps made.
        epoch: Number of the epoch, from 1.
        prompt: What the text goes on from.
        temperature: Temperature of the draw.
        text: The new text, without the prompt.
        source: What it is the answer to, or None.
    """

    kind: ClassVar[str] = "sample"
    step: int
    epoch: int
    prompt: str
    temperature: float
    text: str
    source: str | None = None

    @property
    def beginning(self) -> str:
        """Say in a line what came before the new text: the prompt, or the source and an arrow."""
        return self.prompt if self.source is None else f"{self.source} → "


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRecord:
    """Tell that everything up to a step is safe."""

    kind: ClassVar[str] = "checkpoint"
    step: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord:
    """Tell that the run stopped because it was asked to; its checkpoint is saved and it can go on."""

    kind: ClassVar[str] = "stop"
    step: int
    epoch: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRecord:
    """Tell that the run is over.

    Args:
        step: Steps made.
        epoch: Number of the last epoch, from 1.
        reason: "epochs", "minutes" or "patience".
        best_step: The step whose parameters the model holds.
        best_bits_per_character: Their bits per character on the held-out text, or None.
        seconds: Wall time of the run.
    """

    kind: ClassVar[str] = "finish"
    step: int
    epoch: int
    reason: str
    best_step: int
    best_bits_per_character: float | None
    seconds: float


TrainingRecord: TypeAlias = (
    StepRecord
    | MeasuringRecord
    | EvaluationRecord
    | SampleRecord
    | CheckpointRecord
    | StopRecord
    | FinishRecord
)


def record_to_dict(record: TrainingRecord) -> dict[str, object]:
    """Write a record as plain JSON types, its kind first."""
    return {"kind": record.kind, **to_dict(record)}
