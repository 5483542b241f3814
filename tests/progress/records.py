"""Records of a training that were made up, for what is shown of one."""

from pathlib import Path
from typing import Any

from unspool import NetworkConfig, TrainingConfig
from unspool._training.announcement import Announcement
from unspool._training.records import (
    EvaluationRecord,
    FinishRecord,
    MeasuringRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
)

FACTS: dict[str, Any] = {
    "out": Path("runs/news"), "description": "news.csv", "records": 1000, "characters": 45000,
    "held_out_characters": 5000, "unknown": 0, "vocab_size": 1084, "num_parameters": 119892, "first_step": 0,
    "network": NetworkConfig(hidden_size=256), "training": TrainingConfig(epochs=3),
}  # fmt: skip


def plan(**changes: Any) -> Announcement:
    return Announcement(**{**FACTS, **changes})


def step(number: int, *, progress: float, seconds: float) -> StepRecord:
    return StepRecord(
        step=number, epoch=2, progress=progress, loss=2.0625, bits_per_character=2.9762, learning_rate=1e-3,
        grad_norm=0.5, characters=2000, characters_per_second=312_345.6, seconds=seconds,
    )  # fmt: skip


def evaluation(**changes: Any) -> EvaluationRecord:
    facts: dict[str, Any] = {
        "step": 1500, "epoch": 2, "training_loss": 1.9, "training_bits_per_character": 2.789, "best": True,
        "loss": 1.6, "bits_per_character": 2.345, "perplexity": 5.0, "seconds": 75.0,
    }  # fmt: skip
    return EvaluationRecord(**{**facts, **changes})


def sample(text: str, *, temperature: float = 0.8, source: str | None = None) -> SampleRecord:
    return SampleRecord(step=1500, epoch=2, prompt="To", temperature=temperature, text=text, source=source)


MEASURING = MeasuringRecord(step=1500, done=1_000, total=4_000)
STOP = StopRecord(step=1501, epoch=2, seconds=61.0)


def finish(reason: str) -> FinishRecord:
    return FinishRecord(
        step=3000, epoch=3, reason=reason, best_step=3000, best_bits_per_character=2.3, seconds=150.0
    )
