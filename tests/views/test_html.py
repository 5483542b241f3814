"""Tables of HTML: what is escaped, what is shown of a long one, what a cell looks like."""

import re

import pytest

from tests.views.checked_html import texts_of
from unspool._views.html import LONGEST_TEXT, MOST_ROWS, Marked, Share, html_table, together


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("</script><b>x", "</script><b>x"),
        ("\"quoted' &amp;", "\"quoted' &amp;"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("bell\x07 escape\x1b[31m", "bell␇ escape␛[31m"),
        ("\ud800 alone", r"\ud800 alone"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("x" * (LONGEST_TEXT + 1), "x" * LONGEST_TEXT + "… (601 characters)"),
    ],
)
def test_a_text_is_shown_and_never_obeyed(text: str, shown: str) -> None:
    for html in (
        html_table((), [(text,)]),
        html_table((), [(Marked(text, [(0, 1)], text),)]),
        html_table((text,), [("a",)]),
        html_table((), [], title=text, notes=[text]),
    ):
        texts = texts_of(html)
        if len(text) <= LONGEST_TEXT:
            assert shown in texts, html
        html.encode("utf-8")
    assert shown in texts_of(html_table((), [(text,)]))


def test_formulas_are_not_typeset() -> None:
    assert re.match(r'<div class="tex2jax_ignore mathjax_ignore">', html_table((), [("$a$ and $b$",)]))


@pytest.mark.parametrize(
    ("number", "shown"),
    [(1234567, "1,234,567"), (0.123456, "0.1235"), (None, "–"), (True, "yes"), (12345.6, "1.235e+04")],
)
def test_numbers_stand_on_the_right(number: float | None, shown: str) -> None:
    html = html_table(("n",), [(number,), (1,)])
    assert shown in texts_of(html)
    assert "text-align:left" not in html


def test_a_column_of_texts_and_nothing_stands_on_the_left() -> None:
    assert re.search('<th style="[^"]*text-align:left', html_table(("a",), [("x",), (None,)]))


@pytest.mark.parametrize(
    ("share", "width"), [(0.25, "25.0%"), (0.0, "0.0%"), (7.0, "100.0%"), (-1.0, "0.0%")]
)
def test_a_bar_is_as_long_as_its_share(share: float, width: str) -> None:
    html = html_table((), [(Share(share),)])
    assert f"width:{width}" in html
    assert "background:currentColor" in html


def test_marked_parts_are_underlined() -> None:
    html = html_table((), [(Marked("one two three", [(0, 3), (8, 13)], "known"),)])
    assert re.findall(r'<u title="known"><b>(.*?)</b></u>', html) == ["one", "three"]
    assert "one two three" in texts_of(html)
    long = html_table((), [(Marked("x" * 1000, [(590, 700), (800, 900)], "known"),)])
    assert re.findall(r"<b>(x*)</b>", long) == ["x" * 10]


def test_a_long_table_says_how_much_is_left_out() -> None:
    html = html_table(("n",), ((n,) for n in range(10**9)), count=10**9)
    assert html.count("<tr>") == 1 + MOST_ROWS
    assert "… 999,999,980 more" in texts_of(html)
    assert "more" not in texts_of(html_table(("n",), [(1,)], count=1))


def test_an_empty_table_has_no_rows() -> None:
    assert texts_of(html_table(("a",), [], title="Nothing", count=0)) == ["Nothing"]
    assert texts_of(together(html_table((), [("a",)]), html_table((), [("b",)]))) == ["a", "b"]
