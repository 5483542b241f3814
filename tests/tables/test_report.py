"""The report tells good rows from bad ones: real, shuffled by columns, copied, and all the same."""

import random
from typing import Any

import pytest

from unspool import ConfigError, TableSchema
from unspool._tables.report import RowComparison, compare_rows
from unspool._tables.row_form import Row, RowForm


def rows(count: int, seed: int) -> list[Row]:
    """Make rows in which a class follows from an age, and a city from a country."""
    draw, found = random.Random(seed), []
    for _ in range(count):
        age, city = draw.randint(0, 99), draw.choice("abc")
        missing = draw.random() < 0.1
        found.append(["" if missing else str(age), city, city.upper(), "old" if age > 49 else "young"])
    return found


@pytest.fixture(scope="module")
def form() -> RowForm:
    """Return the form of such rows."""
    names = ("age", "city", "country", "class")
    return RowForm(TableSchema.of([dict(zip(names, row, strict=True)) for row in rows(500, 0)]))


def compared(form: RowForm, written: list[Row], **options: Any) -> RowComparison:
    """Compare rows with 500 learnt ones and 500 held-out ones."""
    return compare_rows(form, rows(500, 0), rows(500, 1), written, **options)["written"]


def test_real_rows_are_as_good_as_held_out_ones(form: RowForm) -> None:
    found = compare_rows(form, rows(500, 0), rows(500, 1), rows(500, 2))
    real, held_out = found["written"], found["held out"]
    assert real.marginals == pytest.approx(held_out.marginals, abs=0.04)
    assert real.pairs == pytest.approx(held_out.pairs, abs=0.04)
    assert real.accuracy == pytest.approx(held_out.accuracy, abs=0.04)
    assert real.nearest == pytest.approx(held_out.nearest, abs=0.02)


def test_columns_without_their_bonds_are_told(form: RowForm) -> None:
    real, columns = compared(form, rows(500, 2)), [list(column) for column in zip(*rows(500, 2), strict=True)]
    for seed, column in enumerate(columns):
        random.Random(seed).shuffle(column)
    shuffled = compared(form, [list(row) for row in zip(*columns, strict=True)])
    assert shuffled.marginals == pytest.approx(real.marginals)
    assert shuffled.pairs > real.pairs + 0.1
    assert (shuffled.accuracy or 0) < 0.75 < (real.accuracy or 0)


def test_copies_are_told(form: RowForm) -> None:
    copied = compared(form, rows(500, 0))
    assert (copied.copies, copied.nearest, copied.marginals, copied.pairs) == (1, 0, 0, 0)


def test_one_row_alone_is_told(form: RowForm) -> None:
    same = compared(form, rows(1, 0) * 100)
    assert same.unique == 0.01
    assert same.marginals > 0.5


def test_a_distance_by_hand(form: RowForm) -> None:
    """An age 30 of 60 apart, another city, the same country and class."""
    learnt = [["20", "a", "A", "young"], ["80", "a", "A", "old"]]
    found = compare_rows(form, learnt, learnt, [["50", "b", "A", "old"]])
    assert found["written"].nearest == pytest.approx(0.5 + 1)


def test_a_target_can_be_chosen(form: RowForm) -> None:
    assert compared(form, rows(500, 2), target="city").accuracy == 1
    with pytest.raises(ConfigError, match="'city', 'country', 'class'"):
        compared(form, rows(5, 2), target="age")
