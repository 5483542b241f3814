"""Words are cut to what they have room for, and XML holds them whatever they are."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._pictures.lettering import cut, escaped, text_width


def test_wide_letters_are_wider() -> None:
    assert text_width("") == 0
    assert text_width("il") < text_width("ab") < text_width("mW") <= text_width("漢字") < text_width("😀😀")
    assert text_width("e\u0301") == text_width("e")
    assert text_width("ab", 26) == 2 * text_width("ab", 13)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("aaaa", 100, "aaaa"),
        ("aaaaaaaaaa", 50, "aaaa…"),  # 13 + 4 * 8.32 pixels
        ("aaa bbbbbbbb", 45, "aaa…"),  # not a space before it
        ("a\n\tb\u202ec\x00", 100, "a b\ufffdc\ufffd"),
        ("abc", 3, "…"),
        ("", 3, ""),
    ],
)
def test_a_text_is_cut_with_an_ellipsis(text: str, width: float, expected: str) -> None:
    assert cut(text, width) == expected


@given(st.text(st.characters()), st.floats(13, 300))
def test_what_is_cut_fits_and_can_be_printed(text: str, width: float) -> None:
    line = cut(text, width)
    assert text_width(line) <= width
    assert line.isprintable()


@given(st.text(st.characters(exclude_characters="\r")))  # which XML reads as the end of a line
def test_any_text_is_held_by_xml(text: str) -> None:
    held = escaped(text)
    root = ElementTree.fromstring(f'<a b="{held}">{held}</a>')
    assert len(root.text or "") == len(text)
