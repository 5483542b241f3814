"""Cells by tables: what each kind of character becomes, worked out from its Unicode properties."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from unspool._evaluation.character_grid import GridCell, cells_of, reads_right_to_left, rows_of, visual_order


class Measured:
    """A text whose every character is a token of one bit, unless it is said otherwise."""

    def __init__(self, text: str, **changes: Any) -> None:
        size = len(text)
        self.text = text
        self.symbols: tuple[str, ...] = changes.get("symbols", tuple(text))
        self.bits = np.array(changes.get("bits", [1.0] * size), np.float32)
        self.spans = np.array(changes.get("spans", [(i, i + 1) for i in range(size)]), np.int64).reshape(
            -1, 2
        )
        self.replaced = np.array(changes.get("replaced", [False] * len(self.symbols)), np.bool_)
        self.bits_per_character = 1.0


def clusters(text: str) -> list[str]:
    """Return the pieces of a text that have a cell each; each shows itself or is as long as its bits."""
    sizes = [int(cell.bits or 0) for cell in cells_of(Measured(text))]
    ends = np.cumsum([0, *sizes]).tolist()
    assert ends[-1] == len(text)
    return [text[begin:end] for begin, end in pairwise(ends)]


@pytest.mark.parametrize(
    ("bits", "level"),
    [(None, 0), (0.0, 0), (0.99, 0), (1.0, 1), (1.99, 1), (2.0, 2), (3.0, 3), (3.99, 3), (4.0, 4), (5.99, 4),
     (6.0, 5), (8.0, 6), (11.99, 6), (12.0, 7), (99.0, 7)],
)  # fmt: skip
def test_a_colour_begins_at_its_bits(bits: float | None, level: int) -> None:
    assert GridCell("a", 1, bits, "known", "").level == level


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("a" + "\u0301" * 40, ["a" + "\u0301" * 31, "\u0301" * 9]),  # at most 32
        ("\x07\u0301", ["\x07", "\u0301"]),  # nothing joins what controls
        ("가\u1160", ["가\u1160"]), ("가\u11ff", ["가\u11ff"]), ("가\u115f", ["가", "\u115f"]),
        ("가\u1200", ["가", "\u1200"]),
        ("👋\U0001f3fb", ["👋\U0001f3fb"]), ("👋\U0001f3ff", ["👋\U0001f3ff"]),
        ("a\U0001f3fb", ["a", "\U0001f3fb"]), ("👋\U0001f3fa", ["👋", "\U0001f3fa"]),
        ("a\u200db", ["a\u200d", "b"]), ("👩\u200d👧\u200d👦", ["👩\u200d👧\u200d👦"]),
        ("\U0001f1e6\U0001f1ff\U0001f1e6", ["\U0001f1e6\U0001f1ff", "\U0001f1e6"]),
        ("a\U0001f1e6\U0001f1e7", ["a", "\U0001f1e6\U0001f1e7"]),
        ("a\u20dd", ["a\u20dd"]),  # an enclosing mark
        ("न\u0940\u0902", ["न\u0940\u0902"]),  # a spacing mark and one without a width
    ],
)  # fmt: skip
def test_marks_joiners_and_flags_belong_to_what_stands_before_them(text: str, pieces: list[str]) -> None:
    assert clusters(text) == pieces


@pytest.mark.parametrize(
    ("text", "shown", "width"),
    [
        ("\n", "⏎", 1), ("\r", "⏎", 1), ("\t", "⇥", 1), ("\x00", "\u2400", 1), ("\x1b", "\u241b", 1),
        ("\x1f", "\u241f", 1), ("\x7f", "\u2421", 1), ("\x80", "\ufffd", 1), ("\u202e", "\ufffd", 1),
        ("\ud800", "\ufffd", 1), ("\ue000", "\ufffd", 1), ("\u2028", "\ufffd", 1),
        ("\u2029", "\ufffd", 1), (" ", " ", 1), ("\u00a0", " ", 1), ("\u3000", " ", 2), ("a", "a", 1),
        ("\u00a0\u0301", "\u00a0\u0301", 1), ("\u0301", "◌\u0301", 1), ("Ａ", "Ａ", 2), ("ｱ", "ｱ", 1),
        ("漢", "漢", 2), ("\U0001f1e6", "\U0001f1e6", 1), ("\U0001f1e6\U0001f1e7", "\U0001f1e6\U0001f1e7", 2),
        ("❤", "❤", 1), ("❤\ufe0f", "❤\ufe0f", 2), ("Ω", "Ω", 1),
    ],
)  # fmt: skip
def test_what_is_shown_is_harmless_and_as_wide_as_it_is(text: str, shown: str, width: int) -> None:
    (cell,) = cells_of(Measured(text))
    assert (cell.shown, cell.width, cell.ends_line) == (shown, width, text == "\n")


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("a", "“a”"), (" ", "space"), ("\n", "line end"), ("\t", "tab"), ("\u0301", "U+0301"),
        ("\x1b", "U+001B"), ("\u00a0", "U+00A0"), ("\U0001f600", "“\U0001f600”"), ("ab", "“ab”"),
        ("\r\n", "U+000D U+000A"),
    ],
)  # fmt: skip
def test_a_symbol_has_a_name_in_words(symbol: str, name: str) -> None:
    (known,) = cells_of(Measured("x", symbols=(symbol,), bits=[1.234]))
    assert (known.label, known.reading) == (f"{name}, 1.23 bits", "known")
    (dropped,) = cells_of(Measured(symbol[:1], symbols=(), bits=[], spans=[]))
    assert dropped.reading == "dropped"
    assert dropped.bits is None
    if len(symbol) == 1:
        assert dropped.label == f"{name}, not known and dropped"


def test_what_was_read_as_another_symbol_says_as_which() -> None:
    cells = cells_of(Measured("xy", symbols=("a", "y"), bits=[2.0, 0.5], replaced=[True, False]))
    assert [cell.label for cell in cells] == ["“x”, read as “a”, 2.00 bits", "“y”, 0.50 bits"]
    assert [cell.reading for cell in cells] == ["replaced", "known"]


def test_the_tokens_of_a_cell_count_once_and_together() -> None:
    bytes_of_one = Measured("é", symbols=("C3", "A9"), bits=[3.0, 4.0], spans=[(0, 1), (0, 1)])
    (cell,) = cells_of(bytes_of_one)
    assert (cell.bits, cell.label) == (7.0, "“C3A9”, 7.00 bits")
    word = Measured("e\u0301t", symbols=("e\u0301t",), bits=[5.0], spans=[(0, 3)])
    assert [cell.bits for cell in cells_of(word)] == [5.0, 5.0]


def test_the_end_has_a_cell_if_it_counts() -> None:
    ended = Measured("a", symbols=("a", "<eos>"), bits=[1.0, 2.5], spans=[(0, 1), (1, 1)])
    last = cells_of(ended)[-1]
    assert last == GridCell("∎", 1, 2.5, "end", "end of the text, 2.50 bits")
    alone = Measured("", symbols=("<eos>",), bits=[2.5], spans=[(0, 0)])
    assert cells_of(alone) == [last]
    assert cells_of(Measured("")) == []
    spelled = Measured("<eos>", symbols=("<eos>",), bits=[1.0], spans=[(0, 5)])  # five characters of a text
    assert [cell.shown for cell in cells_of(spelled)] == list("<eos>")


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("abcd", 4, ["abcd"]), ("abcde", 4, ["abcd", "e"]), ("ab cd", 4, ["ab ", "cd"]),
        ("a b cd", 4, ["a b ", "cd"]), ("漢漢漢", 4, ["漢漢", "漢"]), ("a漢漢", 4, ["a漢", "漢"]),
        ("a\nb", 4, ["a⏎", "b"]), ("a\n", 4, ["a⏎"]), ("\n\na", 4, ["⏎", "⏎", "a"]), ("", 4, []),
    ],
)  # fmt: skip
def test_rows_are_as_full_as_they_can_be(text: str, columns: int, rows: list[str]) -> None:
    found = rows_of(cells_of(Measured(text)), columns)
    assert ["".join(cell.shown for cell in row) for row in found] == rows


@pytest.mark.parametrize(
    ("text", "right"),
    [("", False), ("12", False), ("12 אב", True), ("ب", True), ("a ב", False), ("!ב", True), (" a", False)],
)
def test_the_first_letter_says_where_a_text_begins(text: str, right: bool) -> None:
    assert reads_right_to_left(text) is right


@pytest.mark.parametrize(
    ("text", "right", "order"),
    [
        ("!אב", False, "!בא"), ("אב!", False, "בא!"), ("אב!", True, "!בא"), ("א-ב", False, "ב-א"),
        ("a-ב", False, "a-ב"), ("a-ב", True, "ב-a"), ("ب1", True, "1ب"), ("ب١٢", True, "١٢ب"), ("", True, ""),
    ],
)  # fmt: skip
def test_what_has_no_direction_takes_that_of_its_neighbours(text: str, right: bool, order: str) -> None:
    turned = visual_order(cells_of(Measured(text)), right_to_left=right)
    assert "".join(cell.shown for cell in turned) == order
