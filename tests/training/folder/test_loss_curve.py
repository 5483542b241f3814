import itertools
import re
from xml.etree import ElementTree

import pytest

from tests.pictures.labels import SVG, check_labels, words
from unspool._pictures.colours import BLUE, ORANGE
from unspool._training.folder.loss_curve import POINTS, LossCurve, ThinnedCurve


def points(root: ElementTree.Element, colour: str) -> list[tuple[float, float]]:
    (line,) = [
        line
        for line in root.iter(f"{SVG}path")
        if (line.get("class"), line.get("stroke")) == ("curve", colour)
    ]
    places = re.findall(r"[ML]([\d.]+) ([\d.]+)", line.get("d", ""))
    return [(float(x), float(y)) for x, y in places]


def drawn(training: list[float], validation: dict[int, float], title: str = "title") -> ElementTree.Element:
    curve = LossCurve()
    for step, bits in enumerate(training, start=1):
        curve.add_training(step, bits)
    for step, bits in validation.items():
        curve.add_validation(step, bits)
    return check_labels(curve.svg(title))


def test_both_curves_fall_where_the_loss_falls() -> None:
    root = drawn([6 - step / 25 for step in range(1, 101)], {50: 4.2, 100: 2.2}, 'a <b> & "c"')
    training, validation = points(root, BLUE), points(root, ORANGE)
    assert len(training) == 100
    assert all(b[0] > a[0] and b[1] > a[1] for a, b in itertools.pairwise(training))  # y grows downwards
    assert len(validation) == 2
    assert validation[1][0] == training[-1][0]
    assert validation[1][1] < training[-1][1]
    assert {'a <b> & "c"', "step", "bits per character", "training", "validation", "3", "100"} <= set(
        words(root)
    )
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert all(0 < x < width and 0 < y < height for x, y in training + validation)


def test_the_best_evaluation_is_marked() -> None:
    root = drawn([3.0] * 300, {100: 3.0, 200: 2.5, 300: 2.7})
    assert "best 2.500 at step 200" in words(root)
    (x, y) = points(root, ORANGE)[1]
    (window,) = root.iterfind(f"{SVG}svg")
    rings = [mark for mark in window if mark.get("fill") == "none" and "transform" in mark.attrib]
    assert [ring.get("transform") for ring in rings] == [f"translate({x} {y}) scale(7)"]


@pytest.mark.parametrize(("training", "validation"), [
    ([], {}), ([2.0], {}), ([2.0], {1: 2.0}), ([], {5: 3.0}), ([1e-9, 2e-9], {1: 1e-9}), ([1e9, 3e12], {}),
    ([float("nan"), 2.0, float("inf")], {1: float("nan"), 2: 4.0}),
])  # fmt: skip
def test_little_or_odd_curves_can_be_drawn(training: list[float], validation: dict[int, float]) -> None:
    root = drawn(training, validation)
    assert ("training" in words(root)) == bool(training)
    assert ("validation" in words(root)) == bool(validation)


def test_a_long_curve_is_thinned_to_means() -> None:
    curve = ThinnedCurve()
    for i in range(10_000):
        curve.add(i, 2.0 * i)
    kept = curve.points()
    assert POINTS <= len(kept) <= 2 * POINTS
    assert all(y == 2 * x for x, y in kept)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    assert kept[0][0] == pytest.approx((kept[1][0] - kept[0][0] - 1) / 2)
