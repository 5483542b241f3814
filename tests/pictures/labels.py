"""Read a picture back: its words, and the boxes that they take about."""

from itertools import combinations
from typing import NamedTuple
from xml.etree import ElementTree

from unspool._pictures.lettering import text_width

SVG = "{http://www.w3.org/2000/svg}"
SIZES = {"title": 15 * 1.1, "note": 12.0}


class Label(NamedTuple):
    words: str
    left: float
    right: float
    bottom: float
    size: float


def words(picture: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def labels(picture: ElementTree.Element) -> list[Label]:
    found = []
    for each in picture.iter(f"{SVG}text"):
        kinds = each.get("class", "").split()
        size = next((SIZES[kind] for kind in kinds if kind in SIZES), 13.0)
        width = text_width(each.text or "", size)
        shift = {"middle": 0.5, "end": 1.0}.get(kinds[-1] if kinds else "", 0.0) * width
        left = float(each.get("x", 0)) - shift
        found.append(Label(each.text or "", left, left + width, float(each.get("y", 0)), size))
    return found


def check_labels(svg: str) -> ElementTree.Element:
    """Check that all words lie inside the picture and none on another; give the picture."""
    picture = ElementTree.fromstring(svg)
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    found = labels(picture)
    for label in found:
        assert label.left >= 0, label
        assert label.right <= width, label
        assert label.size <= label.bottom <= height, label
    for one, other in combinations(found, 2):
        apart = one.right <= other.left or other.right <= one.left
        low, high = sorted((one, other), key=lambda label: label.bottom)
        assert apart or low.bottom + 2 <= high.bottom - 0.75 * high.size, (one, other)
    return picture


def check_boxes(picture: ElementTree.Element) -> None:
    """Check that all boxes lie inside the picture."""
    width, height = float(picture.get("width", 0)), float(picture.get("height", 0))
    for box in picture.iter(f"{SVG}rect"):
        x, y, across, up = (float(box.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert min(x, y, across, up) >= 0
        assert x + across <= width
        assert y + up <= height
