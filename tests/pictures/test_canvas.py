"""A canvas gives one well-formed document, whatever stands in it, for light and dark pages alike."""

import operator
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._pictures import colours
from unspool._pictures.canvas import FILLED, STRUCK, STYLE, Canvas, element, line, mark, text

from .labels import SVG, check_labels, words

ANY_TEXT = st.text(st.characters(), max_size=300)


@settings(max_examples=50)
@given(ANY_TEXT, ANY_TEXT, st.lists(ANY_TEXT, max_size=12))
def test_any_words_lie_inside_and_apart(title: str, note: str, names: list[str]) -> None:
    canvas = Canvas(title, note=note, description=title)
    canvas.legend(("box", colours.BLUE, name) for name in names)
    picture = check_labels(canvas.svg())
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == (picture.findtext(f"{SVG}title") or "")
    assert len(list(picture.iter(f"{SVG}style"))) == 1


def test_an_element_has_its_attributes_in_order() -> None:
    assert (
        element("a", x=1, stroke_width=2.25, class_="b<", y=None)
        == '<a x="1" stroke-width="2.2" class="b&lt;"/>'
    )
    assert element("g", "<a/>") == "<g><a/></g>"
    assert text(1, 2, "<&") == '<text x="1" y="2">&lt;&amp;</text>'
    assert line("grid", (0, 1), (2, 3)) == (
        '<line class="grid" x1="0" y1="1" x2="2" y2="3" stroke="currentColor"/>'
    )


@pytest.mark.parametrize("shape", [*FILLED, *STRUCK])
def test_a_mark_is_filled_or_struck(shape: str) -> None:
    (part,) = ElementTree.fromstring(f"<a>{mark(shape, (1, 2), '#123456', size=4)}</a>")
    assert "#123456" in (part.get("fill"), part.get("stroke"))
    assert (part.get("fill") == "none") == (shape in STRUCK)


def test_a_long_legend_takes_several_lines() -> None:
    canvas = Canvas("a", description="b")
    before = canvas.bottom
    canvas.legend(("circle", colours.BLUE, f"name {number}") for number in range(30))
    assert canvas.bottom >= before + 60
    assert words(check_labels(canvas.svg()))[1:] == [f"name {number}" for number in range(30)]


def test_rules_are_of_these_pictures_alone() -> None:
    plain = re.sub(r"@media[^{]*\{(.*?\})\s*\}", r"\1", STYLE)
    for selectors in re.findall(r"([^{}]+)\{", plain):
        assert all("unspool" in selector for selector in selectors.split(",")), selectors
    assert "http" not in STYLE
    assert "light" in STYLE
    assert "dark" in STYLE


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour (WCAG 2)."""
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def linear(colour: str) -> list[float]:
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#000000"])
def test_colours_can_be_seen_on_white_and_on_black(page: str) -> None:
    for name in ("BLUE", "ORANGE", "GREEN", "GREY"):
        assert contrast(getattr(colours, name), page) >= 3, name
    assert contrast("#757575", page) >= 4.5  # of the words, where a viewer asks for neither


def test_letters_can_be_read_on_their_boxes() -> None:
    for box, ink in colours.HEAT:
        assert contrast(box, ink) >= 4.5


# What is left of red, green and blue light without the long, the middle or the short cones
# (Machado, Oliveira and Fernandes, 2009, severity 1).
BLINDNESS = {
    "protanopia": "0.152 1.053 -0.205  0.115 0.786 0.099  -0.004 -0.048 1.052",
    "deuteranopia": "0.367 0.861 -0.228  0.280 0.673 0.047  -0.012 0.043 0.969",
    "tritanopia": "1.256 -0.077 -0.179  -0.078 0.931 0.148  0.005 0.691 0.304",
}


@pytest.mark.parametrize("blindness", list(BLINDNESS))
def test_colours_are_told_apart_without_some_cones(blindness: str) -> None:
    shares = list(map(float, BLINDNESS[blindness].split()))
    seen = {}
    for name in ("BLUE", "ORANGE", "GREEN"):
        light = linear(getattr(colours, name))
        seen[name] = lab([sum(map(operator.mul, shares[i : i + 3], light)) for i in (0, 3, 6)])
    pairs = [("BLUE", "ORANGE"), ("ORANGE", "GREEN"), ("BLUE", "GREEN")]
    for one, other in pairs:
        distance = sum((a - b) ** 2 for a, b in zip(seen[one], seen[other], strict=True)) ** 0.5
        assert distance >= 15, (one, other)  # 2.3 is what can just be seen


def lab(light: list[float]) -> tuple[float, float, float]:
    """Turn linear sRGB into CIE L*a*b* under D65."""
    r, g, b = (min(1.0, max(0.0, c)) for c in light)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
