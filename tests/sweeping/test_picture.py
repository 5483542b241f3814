"""The picture is a well-formed SVG that shows every configuration, the hopeless ones too."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from unspool.sweeping.picture import Axis, draw_sweep, mean_curve
from unspool.sweeping.results import Run, Sweep, outcomes
from unspool.sweeping.verdict import judge

from .runs import ended

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*runs: Run) -> ElementTree.Element:
    found = outcomes(runs)
    best = judge(found, seeds=2).best
    sweep = Sweep(folder=Path("x"), description="a <corpus> & more", outcomes=tuple(found), best=best,
                  verdict="", complete=True)  # fmt: skip
    return ElementTree.fromstring(draw_sweep(sweep))


def test_every_configuration_has_a_curve_and_the_complete_ones_a_mark() -> None:
    picture = drawn(
        ended(2.0), ended(2.2, seed=1), ended(2.5, cell="gru"), ended(3.0, cell="rnn", state="pruned"),
        ended(4.0, hidden_size=64),
    )  # fmt: skip
    curves = list(picture.iter(f"{SVG}polyline"))
    assert [curve.get("class") for curve in curves].count("curve best") == 1
    assert len(curves) == 4
    assert len(list(picture.iter(f"{SVG}g"))) == 3
    tips = [title.text for title in picture.iter(f"{SVG}title")]
    assert tips[0] == "Sweep of a <corpus> & more"
    assert "lstm, 8 units: 2.1000" in tips
    assert "rnn, 8 units: pruned" in tips


@pytest.mark.parametrize("runs", [[], [ended(2.0)], [ended(2.0, state="diverged")]])
def test_little_is_drawn_as_well(runs: list[Run]) -> None:
    assert drawn(*runs).tag == f"{SVG}svg"


def test_curves_are_averaged_as_far_as_all_go() -> None:
    one, other = ended(2.0), ended(3.0)
    assert mean_curve([one, other]) == [(0.5, 3.5), (1.0, 2.5)]
    assert mean_curve([]) == []


def test_a_logarithmic_axis_puts_equal_factors_equally_far() -> None:
    axis = Axis(10, 1000, 0, 200, logarithmic=True)
    assert [axis.place(value) for value in (10, 100, 1000)] == [0, 100, 200]
    assert axis.marks() == [10, 20, 50, 100, 200, 500, 1000]
