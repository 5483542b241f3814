"""Verdicts on curves made by hand."""

import math

import pytest

from unspool._errors import ArtifactError
from unspool._evaluation.audit.fit import CHARACTER_NOISE, judge_fit

MANY = 1_000_000


def lines(*pairs: tuple[float, float | None]) -> list[dict[str, object]]:
    evaluations = [
        {
            "kind": "evaluation",
            "epoch": epoch,
            "training_bits_per_character": training,
            "bits_per_character": held_out,
        }
        for epoch, (training, held_out) in enumerate(pairs, start=1)
    ]
    return [{"kind": "step", "step": 1}, *evaluations, {"kind": "finish"}]


@pytest.mark.parametrize(
    ("pairs", "verdict", "since"),
    [
        ([(3.0, 3.0), (2.5, 2.7), (2.0, 2.5), (1.5, 2.6), (1.0, 3.0)], "overfitting", 3),
        ([(3.0, 3.0), (2.7, 2.8), (2.3, 2.6), (2.2, 2.59)], "fitting", None),
        ([(3.0, 3.0), (2.7, 2.8), (2.3, 2.6), (2.2, 2.601)], "fitting", None),  # within noise
        ([(3.0, 3.0), (2.5, 2.7)], "underfitting", None),  # still falling
        ([(2.61, 2.61), (2.6, 2.6)], "underfitting", None),  # no gap
        ([(2.0, 2.0), (2.3, 2.4)], "fitting", None),  # both rose: trouble, but no overfitting
        ([(2.0, 2.6)], "fitting", None),
        ([(2.0, None), (1.0, None)], "unknown", None),
        ([], "unknown", None),
    ],
)
def test_verdicts(pairs: list[tuple[float, float | None]], verdict: str, since: int | None) -> None:
    fit = judge_fit(lines(*pairs), held_out_characters=MANY)
    assert (fit.verdict, fit.since_epoch) == (verdict, since)
    words = {"fitting": "Good fit", "unknown": "Fit unknown"}
    assert fit.sentence.startswith(words.get(verdict, verdict.capitalize()))


@pytest.mark.parametrize(("pairs", "characters"), [([], MANY), ([(2.0, 2.0)], 0)])
def test_what_is_unknown_is_none_and_not_zero(pairs: list[tuple[float, float]], characters: int) -> None:
    fit = judge_fit(lines(*pairs), held_out_characters=characters)
    assert (fit.training, fit.held_out, fit.best, fit.noise, fit.since_epoch) == (None,) * 5


def test_a_rise_on_little_text_is_noise() -> None:
    pairs = [(3.0, 3.0), (2.5, 2.7), (2.2, 2.69), (1.9, 2.75)]
    assert judge_fit(lines(*pairs), held_out_characters=MANY).verdict == "overfitting"
    few = judge_fit(lines(*pairs), held_out_characters=100)
    assert few.verdict == "fitting"
    assert few.noise == pytest.approx(CHARACTER_NOISE / math.sqrt(100))


def test_several_evaluations_in_an_epoch_are_not_the_last_epoch() -> None:
    """What still falls is judged from epoch to epoch, however often it was measured."""
    pairs = lines((3.0, 3.0), (2.5, 2.8), (2.2, 2.76), (2.1, 2.75))
    for line in pairs[3:5]:
        line["epoch"] = 3
    assert judge_fit(pairs, held_out_characters=MANY).verdict == "underfitting"


def test_a_broken_line_is_named() -> None:
    with pytest.raises(ArtifactError, match="evaluation"):
        judge_fit([{"kind": "evaluation", "bits_per_character": 2.0}], held_out_characters=MANY)
