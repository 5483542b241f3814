"""The latest records of a training, from which a display that changes in place is drawn."""

from unspool._screen.wording import duration
from unspool._training.announcement import Announcement
from unspool._training.records import (
    CountsRecord,
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
    TrainingRecord,
)


class Latest:
    """The latest record of each kind.

    Attributes:
        plan: The facts about the training; None before it begins.
        step: The last step.
        evaluation: The last evaluation.
        measuring: The progress of the evaluation under way.
        samples: The samples of the last evaluation.
        end: The record with which the training ended.
    """

    def __init__(self) -> None:
        self.plan: Announcement | None = None
        self.step: StepRecord | None = None
        self.evaluation: EvaluationRecord | None = None
        self.measuring: MeasuringRecord | None = None
        self.samples: list[SampleRecord] = []
        self.counts: CountsRecord | None = None
        self.end: FinishRecord | StopRecord | None = None
        self._began: tuple[float, float] | None = None  # progress and seconds at this process's first step

    def add(self, record: TrainingRecord) -> None:
        """Add a record."""
        if isinstance(record, StepRecord):
            self._began = self._began or (record.progress, record.seconds)
            self.step = record
        elif isinstance(record, MeasuringRecord):
            self.measuring = record
        elif isinstance(record, EvaluationRecord):
            self.measuring, self.evaluation, self.samples = None, record, []
        elif isinstance(record, SampleRecord):
            self.samples.append(record)
        elif isinstance(record, CountsRecord):
            self.counts = record
        elif isinstance(record, FinishRecord | StopRecord):
            self.end = record

    @property
    def epoch(self) -> str:
        """The epoch of the last step, of how many."""
        epochs = self.plan.training.epochs if self.plan else None
        return f"epoch {self.step.epoch if self.step else 0}{f'/{epochs}' if epochs else ''}"

    @property
    def time_left(self) -> str:
        """The time left, estimated from the steps of this process."""
        if self.step is None or self._began is None:
            return "-:--"
        progress, seconds = self._began
        done = self.step.progress - progress
        if done <= 0:
            return "-:--"
        return duration((self.step.seconds - seconds) / done * (1 - self.step.progress))
