"""How the minutes of a command are divided, worked by hand."""

from dataclasses import replace

import pytest

from tests.planning.candidates import BUDGET, FACTS
from unspool._planning.budget import held_out_share


@pytest.mark.parametrize(
    ("seconds", "number"), [(0.5, 7), (0.0, 12), (0.01, 12), (10.0, 2), (1.3, 2), (0.72, 5)]
)
def test_evaluations_take_a_small_part_of_the_time(seconds: float, number: int) -> None:
    assert replace(BUDGET, evaluation=seconds).evaluations == number


def test_what_is_left_is_for_learning() -> None:
    assert BUDGET.run == pytest.approx(60 - 1 - 2 - 0.5 - 0.8)
    assert BUDGET.learning == pytest.approx(55.7 - 6 * 0.5)
    assert BUDGET.enough
    late = replace(BUDGET, spent=47.8)  # 5.9 seconds of 60 are left
    assert late.learning == pytest.approx(5.9)
    assert not late.enough
    assert replace(BUDGET, spent=47.6).enough


def test_a_budget_that_is_not_enough_says_what_would_be() -> None:
    error = replace(BUDGET, spent=47.8).refusal()
    assert str(error) == (
        "minutes must be at least 1: reading and measuring take 54 s; got 1; allow more minutes, or choose "
        "--epochs N, or --epochs none to stop by the clock only"
    )


@pytest.mark.parametrize(
    ("records", "document", "symbols", "share"),
    [
        (19, False, 8000, None), (20, False, 8000, 0.1), (1, True, 8000, 0.1), (20, False, 30_000, 0.03),
        (20, False, 1_000_000, 0.0009),
    ],
)  # fmt: skip
def test_so_much_is_held_out_as_can_be_evaluated_twice(
    records: int, document: bool, symbols: int, share: float | None
) -> None:
    facts = replace(FACTS, records=records, document=document, symbols=symbols)
    assert held_out_share(facts, total=10, speed=1000) == share
