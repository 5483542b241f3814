"""The records of a training as lines of plain text."""

from unspool._screen.wording import duration, one_line, size
from unspool._training.announcement import Announcement
from unspool._training.records import (
    CountsRecord,
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
)

ENDS = {
    "epochs": "Finished after {}: all epochs are done",
    "minutes": "Stopped after {}: the time limit was reached",
    "patience": "Stopped after {}: held-out loss no longer improves",
}


def step_line(record: StepRecord, epochs: int | None) -> str:
    """Return a line about a step.

    Args:
        record: The record.
        epochs: Number of all epochs; None if time alone ends the training.
    """
    return (
        f"{_epoch(record, epochs)}, step {record.step:,}, {record.progress:.0%}: "
        f"{record.bits_per_character:.3f} bits/character, "
        f"{record.characters_per_second:,.0f} characters/s"
    )


def measuring_line(record: MeasuringRecord) -> str:
    """Return a line about an evaluation that is under way."""
    return f"measuring the held-out text: {record.done:,} of {record.total:,} symbols"


def evaluation_line(record: EvaluationRecord, epochs: int | None) -> str:
    """Return a line about an evaluation.

    Args:
        record: The record.
        epochs: Number of all epochs; None if time alone ends the training.
    """
    held_out = ""
    if record.bits_per_character is not None:
        best = " (best so far)" if record.best else ""
        held_out = f", {record.bits_per_character:.3f} on held-out text{best}"
    if record.exact is not None:
        held_out += f", {record.exact:.1%} answered exactly"
    return (
        f"{_epoch(record, epochs)}, step {record.step:,}, {duration(record.seconds)}: "
        f"{record.training_bits_per_character:.3f} bits/character in training{held_out}"
    )


def sample_line(record: SampleRecord) -> str:
    """Return a line with a sample."""
    return f"  {record.temperature:g}: {one_line(record.beginning + record.text)}"


def end_line(record: FinishRecord | StopRecord, plan: Announcement | None) -> str | None:
    """Return a line about how long a training took, and why it ended.

    Args:
        record: The record of its end.
        plan: The facts about the training.

    Returns:
        The line; None for a run in a folder that was stopped, as it goes on when it is resumed.
    """
    if isinstance(record, FinishRecord):
        return ENDS[record.reason].format(duration(record.seconds))
    if plan is None or plan.out is not None:
        return None
    return f"Stopped after {duration(record.seconds)} at step {record.step:,}: the best model so far is kept"


def counts_line(record: CountsRecord) -> str:
    """Return a line about the counts that go beside the network."""
    table = f"counts of contexts up to {record.order} symbols, {size(record.bytes)}"
    if record.bits_per_character is None:
        return f"{table}: nothing is held out to measure them by"
    bits = f"{record.bits_per_character:.3f} bits/character on held-out text"
    left = "" if record.kept else "; they are left out"
    return f"{table}: {bits}, {record.network_bits_per_character:.3f} without them{left}"


def _epoch(record: StepRecord | EvaluationRecord, epochs: int | None) -> str:
    return f"epoch {record.epoch}{f'/{epochs}' if epochs else ''}"
