"""The picture is an SVG document whatever the texts are."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pictures.labels import check_boxes
from unspool._errors import ConfigError
from unspool._evaluation.surprisal import surprisals
from unspool._evaluation.surprisal_svg import surprisal_svg

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
    root = draw(["ab " * 100, "漢" * 50, "", "אב" * 60], "a long title " * 40)
    check_boxes(root)
    spots = [(t.attrib["x"], t.attrib["y"]) for t in root.iter(f"{SVG}text")]
    assert len(set(spots)) == len(spots)
    (shown,) = [each.text or "" for each in root.iter(f"{SVG}text") if each.get("class") == "title"]
    assert shown.startswith("a long title")
    assert shown.endswith("…")


def test_what_was_not_read_as_it_stands_is_marked() -> None:
    for unknown, kind in (("replace", "span dotted"), ("drop", "span")):
        root = draw(["a<b"], unknown=unknown)
        assert [mark.get("class") for mark in root.iter(f"{SVG}line")] == [kind]


def test_a_text_too_long_for_a_picture_is_refused() -> None:
    (one,) = surprisals(scorer(), ["a" * 50_001])
    with pytest.raises(ConfigError, match="--top"):
        one.svg()
    assert "50,001 characters" in one._repr_html_()
    (short,) = surprisals(scorer(), ["a"])
    assert short._repr_html_() == short.svg()


def test_the_words_of_a_row_stand_17_below_its_top() -> None:
    root = draw(["abc"])
    lines = {float(each.get("y", "")) for each in root.iter() if each.tag.endswith("text")}
    tops = {float(each.get("y", "")) for each in root.iter() if each.tag.endswith("rect")}
    assert {top + 17 for top in tops if top > 0} <= lines
    assert len(lines) == 3, "the head, the text and the legend"
