import itertools
import math

import pytest

from unspool._training.schedules import RISE_SHARE, RISE_START, SCHEDULES, Schedule, progress_at

GRID = [i / 1000 for i in range(1001)]


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
@pytest.mark.parametrize("warmup", [0.0, 0.1])
def test_every_schedule_stays_in_the_unit_interval_and_reaches_its_peak(
    schedule: Schedule, warmup: float
) -> None:
    values = [schedule(progress, warmup, 0.05) for progress in GRID]
    assert min(values) >= 0
    assert max(values) == pytest.approx(1.0)
    assert max(abs(b - a) for a, b in itertools.pairwise(values)) < 0.02  # no jumps


def test_progress_is_the_middle_of_the_step() -> None:
    assert [progress_at(step, 4) for step in (1, 2, 3, 4)] == [0.125, 0.375, 0.625, 0.875]


@pytest.mark.parametrize(
    ("name", "progress", "expected"),
    [
        ("constant", 0.05, 0.5),
        ("constant", 0.1, 1.0),
        ("constant", 1.0, 1.0),
        ("cosine", 0.05, 0.5),
        ("cosine", 0.1, 1.0),
        ("cosine", 0.55, 0.6),  # half way down from 1 to the floor of 0.2
        ("cosine", 1.0, 0.2),
        ("one-cycle", 0.0, RISE_START),
        ("one-cycle", RISE_SHARE, 1.0),
        ("one-cycle", (1 + RISE_SHARE) / 2, 0.6),
        ("one-cycle", 1.0, 0.2),
    ],
)
def test_values_worked_out_by_hand(name: str, progress: float, expected: float) -> None:
    assert SCHEDULES[name](progress, 0.1, 0.2) == pytest.approx(expected)


def test_cosine_is_half_a_cosine() -> None:
    assert SCHEDULES["cosine"](0.25, 0.0, 0.0) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
