"""Judge how well a run fitted its text, from the evaluations during its training.

The rules, with h the bits per character of the held-out text and t those of training in the same epoch:

- **noise** of a difference between two epochs' h: `CHARACTER_NOISE` / √(held-out characters), at least
  `LEAST_NOISE` of h. Both epochs are measured on the same text, so only the change of each character from
  one to the other counts.
- **overfitting since epoch k**: h is lowest at epoch k and ends more than two noises above it, and t still
  fell.
- **underfitting**: h still fell by more than `STILL_FALLING` of itself in the last epoch, or ends at most
  `SMALL_GAP` above t: what is known of the training text holds for any other, so there is more to learn.
- **fitting**: neither.
- **unknown**: nothing was held out, or the measurements of the training are lost.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from unspool._errors import ArtifactError
from unspool._screen.wording import counted

CHARACTER_NOISE = 0.5  # bits; standard deviation of a held-out character's change between two epochs
LEAST_NOISE = 0.001
STILL_FALLING = 0.01
SMALL_GAP = 0.02

FitVerdict = Literal["underfitting", "fitting", "overfitting", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One evaluation of a run.

    Args:
        epoch: Number of the epoch, from 1.
        training: Bits per character in training, the mean over the epoch.
        held_out: Bits per character of the held-out text at the end of the epoch.
        kept: Whether the model became that of the run at this evaluation.
    """

    epoch: int
    training: float
    held_out: float
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The verdict on how well a run fitted its text.

    Args:
        verdict: "underfitting", "fitting", "overfitting" or "unknown", by the rules of this module.
        since_epoch: The best epoch of a run that overfits, else None.
        training: Bits per character in training, the mean over the last epoch; None if unknown.
        held_out: Bits per character of the held-out text at the end; None if unknown.
        best: The lowest bits per character of the held-out text; None if unknown.
        noise: A difference between two epochs that means nothing, in bits per character; None if unknown.
        sentence: The verdict for people, with the numbers.
    """

    verdict: FitVerdict
    since_epoch: int | None
    training: float | None
    held_out: float | None
    best: float | None
    noise: float | None
    sentence: str


def points_of(metrics: Iterable[Mapping[str, Any]]) -> list[Point]:
    """Return the evaluations among the lines of metrics.jsonl.

    Args:
        metrics: The lines as dictionaries, in their order.

    Returns:
        The evaluations of held-out text; none if nothing was held out.

    Raises:
        ArtifactError: If an evaluation lacks a value or has a wrong one.
    """
    points = []
    for line in metrics:
        if line.get("kind") != "evaluation" or line.get("bits_per_character") is None:
            continue
        try:
            epoch = int(line["epoch"])
            training, held_out = (
                float(line[key]) for key in ("training_bits_per_character", "bits_per_character")
            )
        except (KeyError, TypeError, ValueError):
            expected, got = "epoch and bits per character", repr(dict(line))
            raise ArtifactError("an evaluation in the metrics", expected=expected, got=got) from None
        points.append(Point(epoch=epoch, training=training, held_out=held_out, kept=bool(line.get("best"))))
    return points


def judge_fit(metrics: Iterable[Mapping[str, Any]], *, held_out_characters: int) -> Fit:
    """Return the verdict on a run by the rules of this module.

    Args:
        metrics: The lines of metrics.jsonl, as dictionaries.
        held_out_characters: Number of held-out characters, ≥ 0.

    Raises:
        ArtifactError: If an evaluation lacks a value or has a wrong one.
    """
    points = points_of(metrics)
    if not points or not held_out_characters:
        return _unknown(held_out_characters)
    last, best = points[-1], min(points, key=lambda point: point.held_out)
    noise = max(LEAST_NOISE * best.held_out, CHARACTER_NOISE / math.sqrt(held_out_characters))
    rise = last.held_out - best.held_out
    kept = ([point for point in points if point.kept] or [best])[-1]
    verdict: FitVerdict = "fitting"
    since = None
    if rise > 2 * noise and last.training < best.training:
        verdict, since = "overfitting", best.epoch
        claim = (
            f"Overfitting since epoch {best.epoch}: held-out loss rose by {rise:.3f} bits per character and "
            f"training loss kept falling; the model of epoch {kept.epoch} was kept"
            f"{'' if kept.held_out <= best.held_out else ', for too little is held out to choose by'}"
        )
    elif fell := _still_falling(points):
        verdict = "underfitting"
        claim = (
            f"Underfitting: held-out loss still fell by {fell:.3f} bits per character in the last epoch; "
            "more epochs would help"
        )
    elif last.held_out <= last.training * (1 + SMALL_GAP):
        verdict = "underfitting"
        claim = (
            "Underfitting: held-out loss is about as low as training loss; more epochs or units would help"
        )
    else:
        claim = f"Good fit: held-out loss improved until epoch {best.epoch} and has not risen since"
    return Fit(
        verdict=verdict,
        since_epoch=since,
        training=last.training,
        held_out=last.held_out,
        best=best.held_out,
        noise=noise,
        sentence=f"{claim} (training {last.training:.3f}, held out {last.held_out:.3f} ± {noise:.3f})",
    )


def _still_falling(points: list[Point]) -> float | None:
    """Return the fall of the last epoch if it is large; None if not, or without an earlier epoch."""
    last = points[-1]
    before = [point for point in points if point.epoch < last.epoch]
    fell = before[-1].held_out - last.held_out if before else 0.0
    return fell if fell > STILL_FALLING * last.held_out else None


def _unknown(held_out_characters: int) -> Fit:
    sentence = "Fit unknown: no text was held out during training"
    if held_out_characters:
        lack = "the measurements of the training are not with the model"
        there = "is" if held_out_characters == 1 else "are"
        held_out = f"{counted(held_out_characters, 'character')} {there}"
        sentence = f"Fit unknown: {held_out} held out, but {lack}"
    return Fit(
        verdict="unknown", since_epoch=None, training=None, held_out=None, best=None, noise=None,
        sentence=sentence,
    )  # fmt: skip
