import itertools
from xml.etree import ElementTree

import pytest

from unspool.training.folder.loss_curve import POINTS, LossCurve, ThinnedCurve, ticks

SVG = "{http://www.w3.org/2000/svg}"


def points(root: ElementTree.Element, kind: str) -> list[tuple[float, float]]:
    (line,) = [line for line in root.iter(SVG + "polyline") if line.get("class") == kind]
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.get("points", "").split())]


def test_both_curves_fall_where_the_loss_falls() -> None:
    curve = LossCurve()
    for step in range(1, 101):
        curve.add_training(step, 6 - step / 25)
    for step in (50, 100):
        curve.add_validation(step, 6.2 - step / 25)
    root = ElementTree.fromstring(curve.svg('a <b> & "c"'))
    training, validation = points(root, "training"), points(root, "validation")
    assert len(training) == 100
    assert all(b[0] > a[0] and b[1] > a[1] for a, b in itertools.pairwise(training))  # y grows downwards
    assert len(validation) == 2
    assert validation[1][0] == training[-1][0]
    assert validation[1][1] < training[-1][1]
    texts = [text.text for text in root.iter(SVG + "text")]
    assert {'a <b> & "c"', "step", "bits per character", "training", "validation", "3", "100"} <= set(texts)
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert all(0 < x < width and 0 < y < height for x, y in training + validation)


@pytest.mark.parametrize("number", [0, 1])
def test_an_empty_or_flat_curve_can_be_drawn(number: int) -> None:
    curve = LossCurve()
    for _ in range(number):
        curve.add_training(1, 2.0)
        curve.add_validation(1, 2.0)
    ElementTree.fromstring(curve.svg("flat"))


def test_a_long_curve_is_thinned_to_means() -> None:
    curve = ThinnedCurve()
    for i in range(10_000):
        curve.add(i, 2.0 * i)
    kept = curve.points()
    assert POINTS <= len(kept) <= 2 * POINTS
    assert all(y == 2 * x for x, y in kept)
    assert [x for x, _ in kept] == sorted(x for x, _ in kept)
    assert kept[0][0] == pytest.approx((kept[1][0] - kept[0][0] - 1) / 2)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (1.9, 6.1, [2, 3, 4, 5, 6]),
        (0, 0.3, [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 6) == pytest.approx(expected)
