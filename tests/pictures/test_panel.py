"""Panels and rows hold what they are given: many, few, tiny, huge, equal, none."""

import math
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._pictures.canvas import Canvas
from unspool._pictures.colours import BLUE, ORANGE
from unspool._pictures.panel import Panel, Point
from unspool._pictures.rows import Bar, draw_rows, ends
from unspool._pictures.scale import Scale

from .labels import SVG, check_boxes, check_labels, words

NUMBERS = st.floats(-1e12, 1e12)
ANY_TEXT = st.text(st.characters())
ABOVE_0 = st.floats(1e-9, 1e12)


def drawn(points: list[Point]) -> ElementTree.Element:
    canvas = Canvas("curve", description="a curve")
    across, up = (
        Scale.over(values, margin=0.05) for values in ([x for x, _ in points], [y for _, y in points])
    )
    panel = Panel(canvas, across, up, names=("across", "up"))
    panel.curve(points, BLUE, tip="tip")
    for point in points:
        panel.mark("ring", point, ORANGE)
    return check_labels(canvas.svg())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4))
def test_labels_lie_apart_and_marks_inside(points: list[Point]) -> None:
    picture = drawn(points)
    assert len(list(picture.iter(f"{SVG}path"))) == len(points) + 1
    for path in picture.iter(f"{SVG}path"):
        if "transform" in path.attrib:
            x, y = map(float, path.attrib["transform"].split(")")[0].removeprefix("translate(").split())
            assert 0 < x < float(picture.get("width", 0))
            assert 0 < y < float(picture.get("height", 0))


def test_a_curve_stands_where_its_scales_say() -> None:
    canvas = Canvas("curve", description="a curve", width=400)
    panel = Panel(canvas, Scale(0, 10), Scale(0, 1), names=("across", "up"), height=100)
    left, base = panel.place(0, 0)
    right, top = panel.place(10, 1)
    assert base - top == pytest.approx(100)
    middle, _ = panel.place(5, 1)
    assert panel.place(5, 0.25) == pytest.approx(((left + right) / 2, base - 25))
    panel.curve([(0, 0), (1, math.nan), (5, 1), (10, 0)], BLUE)
    (path,) = check_labels(canvas.svg()).iter(f"{SVG}path")
    assert path.get("d") == (f"M{left:.1f} {base:.1f}h0M{middle:.1f} {top:.1f}h0L{right:.1f} {base:.1f}")
    (window,) = [
        each for each in ElementTree.fromstring(canvas.svg()).iter(f"{SVG}svg") if "x" in each.attrib
    ]
    assert float(window.get("x", 0)) < left
    assert float(window.get("x", 0)) + float(window.get("width", 0)) > right


def test_bars_stand_on_the_axis() -> None:
    canvas = Canvas("bars", description="bars")
    panel = Panel(canvas, Scale(0, 4), Scale.over([50, 100], zero=True), names=("across", "up"), height=200)
    panel.bar(0, 1, 50, BLUE, tip="half")
    panel.bar(1, 2, 100, BLUE)
    half, whole = check_labels(canvas.svg()).iter(f"{SVG}rect")
    assert half.findtext(f"{SVG}title") == "half"
    heights = [float(bar.get("height", 0)) for bar in (half, whole)]
    assert heights == [100, 200]
    assert float(half.get("y", 0)) + 100 == float(whole.get("y", 0)) + 200


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(ANY_TEXT, st.lists(st.tuples(ABOVE_0, ANY_TEXT), max_size=3)), max_size=6),
    st.booleans(),
)
def test_rows_lie_apart(rows: list[tuple[str, list[tuple[float, str]]]], logarithmic: bool) -> None:
    bars = [(name, [Bar(BLUE, v / 2, v, v * 2, said) for v, said in each]) for name, each in rows if each]
    scale = Scale.logarithm(ends(bars), margin=0.1) if logarithmic else Scale.over(ends(bars), zero=True)
    canvas = Canvas("rows", description="rows")
    draw_rows(canvas, "heading " * 40, bars, scale, rule=1e20)
    check_boxes(check_labels(canvas.svg()))


def test_figures_stand_beside_what_is_drawn() -> None:
    bars = [("a name", [Bar(BLUE, 9, 10, 11, "ten"), Bar(ORANGE, 1, 2, 3, "two")])]
    canvas = Canvas("rows", description="rows")
    draw_rows(canvas, "heading", bars, Scale.over(ends(bars), zero=True), rule=5)
    picture = check_labels(canvas.svg())
    assert words(picture)[-3:] == ["a name", "ten", "two"]
    begins = min(
        float(each.get("x", 0)) for each in picture.iter(f"{SVG}text") if each.text in ("ten", "two")
    )
    assert all(float(each.get("x2", 0)) < begins for each in picture.iter(f"{SVG}line"))
    ten, two = picture.iter(f"{SVG}rect")
    assert float(ten.get("width", 0)) == pytest.approx(5 * float(two.get("width", 0)), abs=0.5)
