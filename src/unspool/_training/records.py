"""The records that the training loop yields: frozen, each one line of metrics.jsonl where it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from unspool._configuration import to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """The result of one training step.

    Args:
        step: Number of the step, from 1.
        epoch: Number of the epoch, from 1.
        progress: Share of the run that is done, in (0, 1].
        loss: Loss of this step's window, in nats per token.
        bits_per_character: The loss in bits per character, by the corpus's ratio of tokens to characters.
        learning_rate: Learning rate of this step.
        grad_norm: Global norm of the gradients before clipping.
        characters: Characters of text read so far.
        characters_per_second: Training speed over the last steps, without the evaluations.
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
    """The progress of a long evaluation; it is not written to metrics.jsonl.

    Args:
        step: Steps made.
        done: Held-out tokens measured so far.
        total: Held-out tokens to measure.
    """

    kind: ClassVar[str] = "measuring"
    step: int
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """The loss on the held-out text, and the mean training loss of this epoch.

    Args:
        step: Steps made.
        epoch: Number of the epoch, from 1.
        training_loss: Mean loss over the epoch's steps so far, in nats per token (with dropout, while it
            learns).
        training_bits_per_character: The training loss in bits per character.
        loss: Loss on the held-out text in nats per token, or None if nothing is held out.
        bits_per_character: Bits per character of the held-out text, or None.
        perplexity: exp(loss), or None where that is more than a float holds.
        best: Whether this evaluation is the best so far; always true if nothing is held out.
        seconds: Wall time of the run so far.
        measured_characters: Characters of the held-out text that were measured, or None.
        exact: Share of the held-out sources that are answered exactly (of at most 1,000), or None without
            sources.
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
    """A text that the network wrote during the training.

    Args:
        step: Steps made.
        epoch: Number of the epoch, from 1.
        prompt: The text that the network continued.
        temperature: Temperature of the draw.
        text: The new text, without the prompt.
        source: The source that the text answers, or None.
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
        """Return the words before the new text, in one line: the prompt, or the source and an arrow."""
        return self.prompt if self.source is None else f"{self.source} → "


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRecord:
    """A note that everything up to a step is saved."""

    kind: ClassVar[str] = "checkpoint"
    step: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """A note that a run goes on with other values.

    Args:
        step: Steps made before.
        epoch: Number of the last epoch before, from 1.
        changes: The value before and the value after, by their names in the configurations.
    """

    kind: ClassVar[str] = "change"
    step: int
    epoch: int
    changes: Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsRecord:
    """What the counts of the training text are worth beside the network that was learnt.

    Args:
        step: Steps made.
        order: Symbols of the longest context.
        contexts: Number of contexts.
        bytes: Bytes of the table.
        network_bits_per_character: Bits per character of the network alone on held-out text; None without it.
        bits_per_character: The same with the counts, whose weights were fitted to that text.
        kept: Whether the model has the counts.
    """

    kind: ClassVar[str] = "counts"
    step: int
    order: int
    contexts: int
    bytes: int
    network_bits_per_character: float | None
    bits_per_character: float | None
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecord:
    """A note that the run was stopped on request; its checkpoint is saved and it can be resumed."""

    kind: ClassVar[str] = "stop"
    step: int
    epoch: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRecord:
    """A note that the run is over.

    Args:
        step: Steps made.
        epoch: Number of the last epoch, from 1.
        reason: Why the run ended: "epochs", "minutes" or "patience".
        best_step: The step whose parameters became the model.
        best_bits_per_character: Bits per character of that model on the held-out text, or None.
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
    | CountsRecord
    | StopRecord
    | FinishRecord
)


def record_to_dict(record: TrainingRecord | ChangeRecord) -> dict[str, object]:
    """Return a record as plain JSON types, with its kind first."""
    return {"kind": record.kind, **to_dict(record)}
