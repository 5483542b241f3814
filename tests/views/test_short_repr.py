"""Reprs: short whatever is in them, with what differs from the defaults."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from unspool._views.short_repr import repr_block, repr_lines, short, short_repr


@dataclass
class Point:
    """A dataclass with each kind of a default."""

    name: str
    size: int = 3
    tags: list[str] = field(default_factory=list)
    weights: object = None
    hidden: str = field(default="", repr=False)

    __repr__ = short_repr


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point("a"), "Point(name='a')"),
        (Point("a", 3, [], None), "Point(name='a')"),
        (Point("a", 4, ["b"], hidden="x"), "Point(name='a', size=4, tags=['b'])"),
        (Point("a", True), "Point(name='a', size=True)"),  # equal to no default of another type
        (Point("a", weights=np.zeros((2, 3), np.float32)), "Point(name='a', weights=<float32 2 × 3>)"),
        (Point("a\x07\u202eb"), r"Point(name='a\x07\u202eb')"),
    ],
)
def test_only_what_differs_is_shown(point: Point, expected: str) -> None:
    assert repr(point) == expected


def test_a_long_text_keeps_its_ends() -> None:
    shown = short("begin" + "x" * 10**6 + "end")
    assert len(shown) == 80
    assert shown.startswith("'begin")
    assert shown.endswith("end'")


def test_a_long_list_shows_its_first_items() -> None:
    assert repr_lines("Texts", ["a", "b"], 2, "text") == "<Texts: 2 texts>\n  'a'\n  'b'"
    assert repr_lines("Texts", iter("a"), 1, "text") == "<Texts: 1 text>\n  'a'"
    assert repr_lines("Texts", [], 0, "text") == "<Texts: 0 texts>"
    lines = repr_lines("Texts", map(str, range(10**9)), 10**9, "text").splitlines()
    assert len(lines) == 12
    assert lines[-1] == "  … 999,999,990 more"


def test_a_block_does_nothing_to_a_terminal() -> None:
    assert repr_block("a\x1bb", ["c\nd", "\u202e"]) == "<a␛b>\n  c⏎d\n  \\u202e"
    assert len(repr_block("x" * 10**6, ["y" * 10**6])) < 1000
