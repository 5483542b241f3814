"""Cells: what people see as one character stands in one cell, and can do no harm there."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._evaluation.character_grid import cells_of, reads_right_to_left, rows_of, visual_order
from unspool._evaluation.surprisal import surprisals

from .scorers import WORDS, scorer


def cells(text: str, **options: object) -> list:
    (one,) = surprisals(scorer(**({"unknown": "replace"} | options)), [text])  # type: ignore[arg-type]
    return cells_of(one)


@pytest.mark.parametrize(
    ("text", "shown", "widths"),
    [
        ("ab", ["a", "b"], [1, 1]),
        ("漢a", ["漢", "a"], [2, 1]),
        ("x\u0323\u0302y", ["x\u0323\u0302", "y"], [1, 1]),
        ("न\u0940", ["न\u0940"], [1]),
        ("👩\u200d👧!", ["👩\u200d👧", "!"], [2, 1]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"], [2, 2]),
        ("❤\ufe0f", ["❤\ufe0f"], [2]),
        ("\u0301a", ["◌\u0301", "a"], [1, 1]),
        ("می\u200cر", ["م", "ی\u200c", "ر"], [1, 1, 1]),
    ],
)
def test_a_character_as_people_see_it_has_one_cell(text: str, shown: list[str], widths: list[int]) -> None:
    found = cells(text, ended=False)
    assert [cell.shown for cell in found] == [unicodedata.normalize("NFC", s) for s in shown]
    assert [cell.width for cell in found] == widths


def test_the_end_and_line_ends_are_shown() -> None:
    found = cells("a\nb\t", unknown="drop")
    assert [cell.shown for cell in found] == ["a", "⏎", "b", "⇥", "∎"]
    assert [cell.ends_line for cell in found] == [False, True, False, False, False]
    assert [cell.reading for cell in found] == ["known", "dropped", "known", "dropped", "end"]
    assert [cell.bits is None for cell in found] == [False, True, False, True, False]
    labels = [cell.label for cell in found if cell.reading == "dropped"]
    assert all(label.endswith(", not known and dropped") for label in labels)
    assert len(set(labels)) == 2


@pytest.mark.parametrize(
    "text", ["\x00", "\x1b", "\x7f", "\x9b", "\u202e", "\u2028", "\u200e", "\ufeff", "\ufffe"]
)
def test_what_could_steer_a_screen_is_shown_as_a_picture(text: str) -> None:
    (cell,) = cells(text, ended=False)
    assert cell.shown.isprintable()
    assert cell.shown != text


def test_marks_and_letters_count_together_and_words_count_once() -> None:
    (one,) = surprisals(scorer(WORDS), ["the oil"])
    found = cells_of(one)
    assert [cell.bits for cell in found[:3]] == [pytest.approx(one.bits[0])] * 3
    (pair,) = surprisals(scorer(unknown="replace"), ["x\u0323"])
    assert cells_of(pair)[0].bits == pytest.approx(float(pair.bits[:2].sum()))


@settings(max_examples=60)
@given(st.text(), st.integers(2, 30))
def test_rows_hold_every_cell_in_order_and_keep_the_width(text: str, columns: int) -> None:
    found = cells(text, unknown="drop")
    rows = rows_of(found, columns)
    assert [cell for row in rows for cell in row] == found
    assert all(sum(cell.width for cell in row) <= columns for row in rows)
    for row in rows:
        order = visual_order(row, right_to_left=reads_right_to_left(text))
        assert sorted(map(id, order)) == sorted(map(id, row))
    shown = "".join(cell.shown for cell in found)
    assert shown.replace("\u200c", "").replace("\u200d", "").isprintable()


def test_what_follows_a_space_is_broken_again_if_it_is_too_long() -> None:
    rows = rows_of(cells(" a猫", ended=False), 2)
    assert ["".join(cell.shown for cell in row) for row in rows] == [" ", "a", "猫"]


def test_rows_break_at_spaces() -> None:
    rows = rows_of(cells("abc abc abcabcabc", ended=False), 7)
    assert ["".join(cell.shown for cell in row) for row in rows] == ["abc ", "abc ", "abcabca", "bc"]


@pytest.mark.parametrize(
    ("text", "order"),
    [("ab אב ab", "ab בא ab"), ("אב ab 12 גד", "דג ab 12 בא"), ("ab", "ab"), ("אב!", "!בא")],
)
def test_right_to_left_runs_are_turned_around(text: str, order: str) -> None:
    row = cells(text, ended=False)
    turned = visual_order(row, right_to_left=reads_right_to_left(text))
    assert "".join(cell.shown for cell in turned) == order
