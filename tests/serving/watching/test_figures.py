"""The figures of a training stay few, whatever its length, and keep what matters of its curve."""

import json
import math
from typing import Any

import pytest

from tests.serving.watching.lines import evaluation, finish, sample, step
from unspool._serving.watching.figures import (
    LEAST_SPANS,
    LONGEST_TEXT,
    MOST_EVALUATIONS,
    MOST_SAMPLES,
    Figures,
    Spans,
    joined,
)


def figures_of(*lines: dict[str, Any]) -> Figures:
    figures = Figures()
    for line in lines:
        figures.add(line)
    return figures


def test_two_spans_become_one() -> None:
    first, second = (3, 30, 1.0, 300.0, 2.0, 1.0, 3.0), (1, 40, 2.0, 400.0, 6.0, 6.0, 6.0)
    assert joined(first, second) == (4, 40, 2.0, 400.0, 3.0, 1.0, 6.0)


@pytest.mark.parametrize("count", [1, 2 * LEAST_SPANS - 1, 2 * LEAST_SPANS, 5 * LEAST_SPANS + 3])
def test_a_curve_keeps_every_step_its_extremes_and_its_end(count: int) -> None:
    spans, bits = Spans(), [3 + math.sin(number) for number in range(count)]
    bits[count // 3] = 90.0  # a spike of one step
    bits[count // 2] = 0.5
    for number, height in enumerate(bits, start=1):
        spans.add(number, number / 8, number * 10, height)
    drawn = spans.all()
    assert len(drawn) <= 2 * LEAST_SPANS
    assert sum(span[0] for span in drawn) == count
    assert max(span[6] for span in drawn) == max(bits)
    assert min(span[5] for span in drawn) == min(bits)
    assert drawn[-1][1:4] == (count, count / 8, count * 10)
    whole = sum(span[0] * span[4] for span in drawn) / count
    assert whole == pytest.approx(sum(bits) / count)


def test_lines_become_figures() -> None:
    figures = figures_of(
        step(1, 5.0), step(2, 4.0), evaluation(2, 4.5, training=4.6), sample(2, "abc"), finish(2)
    )
    assert [span[4] for span in figures.training.all()] == [5.0, 4.0]
    assert figures.evaluations == [
        {
            "step": 2, "epoch": 1, "characters": 200.0, "best": True, "training_bits_per_character": 4.6,
            "bits_per_character": 4.5, "seconds": 0.2, "exact": None,
        }
    ]  # fmt: skip
    assert [text["text"] for text in figures.samples] == ["abc"]
    assert figures.finish is not None
    assert figures.finish["reason"] == "epochs"
    assert (figures.step, figures.epoch, figures.seconds, figures.broken) == (2, 1, 0.2, 0)
    assert figures.last is not None
    assert figures.last["characters_per_second"] == 1000.0
    json.dumps(figures.to_dict(), allow_nan=False)


def test_a_run_that_goes_on_is_not_over() -> None:
    assert figures_of(step(1), finish(1), step(2)).finish is None


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"kind": ["step"], "step": 1, "epoch": 1},
        {"kind": "news", "step": 1, "epoch": 1},
        step(1, math.inf),
        step(1, math.nan),
        step(1, True),
        step(-1),
        step(1 << 60),
        step(1) | {"step": 1.0},
        step(1) | {"bits_per_character": "4"},
        step(1) | {"epoch": None},
        evaluation(1, 3.0) | {"training_bits_per_character": None},
        sample(1, "a") | {"text": 7},
        sample(1, "a") | {"temperature": "hot"},
        finish(1) | {"reason": None},
        {"kind": "change", "step": 1, "epoch": 1, "changes": []},
    ],
)
def test_what_cannot_be_a_line_is_counted_and_left_out(line: dict[str, Any]) -> None:
    figures = figures_of(line)
    assert figures.broken == 1
    assert figures.to_dict() == Figures().to_dict() | {"broken": 1}


def test_a_step_that_comes_twice_is_left_out() -> None:
    figures = figures_of(step(1), step(2), step(2, 9.0), step(1, 9.0), step(3))
    assert [span[1] for span in figures.training.all()] == [1, 2, 3]
    assert figures.broken == 2
    part = Figures(after=figures)
    part.add(step(3, 9.0))
    assert part.broken == 1


def test_texts_are_bounded() -> None:
    lines = [sample(number, "x" * 5_000, prompt="y" * 5_000) for number in range(MOST_SAMPLES + 7)]
    figures = figures_of(*lines)
    assert len(figures.samples) == MOST_SAMPLES
    assert figures.samples[0]["step"] == 7
    assert {len(text) for one in figures.samples for text in (one["text"], one["prompt"])} == {LONGEST_TEXT}


def test_of_many_evaluations_the_best_and_the_last_two_stay() -> None:
    held_out = [5.0 + math.sin(number) for number in range(3 * MOST_EVALUATIONS)]
    held_out[1234] = 1.0
    figures = figures_of(*(evaluation(number, bits) for number, bits in enumerate(held_out)))
    assert len(figures.evaluations) <= MOST_EVALUATIONS
    assert figures.best is not None
    assert figures.best["step"] == 1234
    assert [one["step"] for one in figures.evaluations[-2:]] == [len(held_out) - 2, len(held_out) - 1]
    steps = [one["step"] for one in figures.evaluations]
    assert steps == sorted(set(steps))


def test_without_held_out_text_there_is_no_best() -> None:
    assert figures_of(evaluation(1, None)).best is None
