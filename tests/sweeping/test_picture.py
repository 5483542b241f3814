"""The picture is a well-formed SVG that shows every configuration, the hopeless ones too."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.pictures.labels import SVG, check_labels, words
from unspool._sweeping.picture import draw_sweep, mean_curve
from unspool._sweeping.results import Run, Sweep, outcomes
from unspool._sweeping.verdict import judge

from .runs import ended


def drawn(*runs: Run) -> ElementTree.Element:
    found = outcomes(runs)
    best = judge(found, seeds=2).best
    sweep = Sweep(folder=Path("x"), description="/a <corpus> & /more", outcomes=tuple(found), best=best,
                  verdict="", complete=True)  # fmt: skip
    return check_labels(draw_sweep(sweep))


def test_every_configuration_has_a_curve_and_the_complete_ones_a_mark() -> None:
    picture = drawn(
        ended(2.0), ended(2.2, seed=1), ended(2.5, cell="gru"), ended(3.0, cell="rnn", state="pruned"),
        ended(4.0, hidden_size=64),
    )  # fmt: skip
    curves = [path for path in picture.iter(f"{SVG}path") if path.get("class", "").startswith("curve")]
    assert [curve.get("class") for curve in curves].count("curve") == 1  # the others are faint
    assert len(curves) == 4
    assert len([line for line in picture.iter(f"{SVG}line") if line.get("class") == "span"]) == 3
    tips = [title.text for title in picture.iter(f"{SVG}title")]
    assert tips[0] == "Sweep of more"
    assert tips.count("lstm, 8 units: 2.1000") == 2
    assert "rnn, 8 units: pruned" in tips
    assert {"best: lstm, 8 units (drawn strong)", "gru", "lstm", "rnn", "stopped early"} <= set(
        words(picture)
    )
    assert "parameters" in words(picture)


@pytest.mark.parametrize("runs", [[], [ended(2.0)], [ended(2.0, state="diverged")]])
def test_little_is_drawn_as_well(runs: list[Run]) -> None:
    assert drawn(*runs).tag == f"{SVG}svg"


def test_curves_are_averaged_as_far_as_all_go() -> None:
    one, other = ended(2.0), ended(3.0)
    assert mean_curve([one, other]) == [(0.5, 3.5), (1.0, 2.5)]
    assert mean_curve([]) == []
