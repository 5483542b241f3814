"""The picture is an SVG document whatever the texts are."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool.errors import ConfigError
from unspool.evaluation.surprisal import surprisals
from unspool.evaluation.surprisal_svg import COLOURS, STYLE, surprisal_svg

from .scorers import scorer

SVG = "{http://www.w3.org/2000/svg}"


def draw(texts: list[str], title: str | None = None, **options: object) -> ET.Element:
    made = surprisals(scorer(**({"unknown": "replace"} | options)), texts)  # type: ignore[arg-type]
    return ET.fromstring(surprisal_svg(list(made), title=title))


def letters(root: ET.Element) -> list[str]:
    groups = [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}title") is not None]
    return [text.text or "" for g in groups for text in g.iter(f"{SVG}text")]


@settings(max_examples=40)
@given(st.lists(st.text(), max_size=3), st.text())
def test_any_text_gives_well_formed_xml(texts: list[str], title: str) -> None:
    for unknown in ("replace", "drop"):
        root = draw(texts, title, unknown=unknown)
        assert root.tag == f"{SVG}svg"


def test_every_character_has_its_figure_in_words() -> None:
    root = draw(["a<&b"], "A & B")
    assert letters(root) == ["a", "<", "&", "b", "∎"]
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert titles[0] == "A & B"
    assert re.fullmatch(r"“a”, \d+\.\d\d bits", titles[1])
    assert re.fullmatch(r"“<”, read as .+, \d+\.\d\d bits", titles[2])
    assert "average" in (root.findtext(f"{SVG}desc") or "")


def test_everything_stands_inside_the_picture() -> None:
    root = draw(["ab " * 100, "漢" * 50, "", "אב" * 60])
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for box in root.iter(f"{SVG}rect"):
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= width
        assert float(box.attrib["y"]) + float(box.attrib["height"]) <= height
    spots = [(t.attrib["x"], t.attrib["y"]) for t in root.iter(f"{SVG}text")]
    assert len(set(spots)) == len(spots)


def test_a_text_too_long_for_a_picture_is_refused() -> None:
    (one,) = surprisals(scorer(), ["a" * 50_001])
    with pytest.raises(ConfigError, match="--top"):
        one.svg()
    assert "50,001 characters" in one._repr_html_()
    (short,) = surprisals(scorer(), ["a"])
    assert short._repr_html_() == short.svg()


def test_letters_can_be_read_on_their_boxes() -> None:
    for box, ink in COLOURS:
        brighter, darker = sorted((luminance(box), luminance(ink)), reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5
    assert "http" not in STYLE


def luminance(colour: str) -> float:
    """Give the relative luminance of a colour (WCAG 2)."""
    digits = colour[1:]
    shares = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
