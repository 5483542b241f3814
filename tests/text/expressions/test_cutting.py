"""A text is cut at the longest matches, in a time that no expression makes long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generation.constraints.test_regex import larger
from unspool import ConfigError
from unspool._text.expressions import cutting
from unspool._text.expressions.cutting import LONGEST, Cutter

PATTERNS = st.recursive(st.sampled_from(["a", "B", r"\d", "[^a]", ".", r"\s", "é"]), larger, max_leaves=6)


def cut_by_re(pattern: str, text: str) -> list[str]:
    """Cut a text by trying each length at each place."""
    compiled, pieces = re.compile(pattern), []
    while text:
        lengths = [n for n in range(1, min(LONGEST, len(text)) + 1) if compiled.fullmatch(text[:n])]
        pieces.append(text[: max(lengths, default=1)])
        text = text[len(pieces[-1]) :]
    return pieces


@settings(max_examples=200, deadline=None)
@given(PATTERNS, st.text("aB1 \né😀", max_size=12))
def test_the_longest_match_is_cut(pattern: str, text: str) -> None:
    assert Cutter(pattern).cut(text) == cut_by_re(pattern, text)


def test_a_piece_ends_at_its_greatest_length() -> None:
    assert list(map(len, Cutter("a+").cut("a" * 130))) == [64, 64, 2]
    assert Cutter("a{65}").cut("a" * 65) == ["a"] * 65
    assert Cutter("a{64}").cut("a" * 65) == ["a" * 64, "a"]


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)+$?b", "(a*)*b", "(.*a){9}b", "a?" * 30 + "a" * 30])
def test_each_character_is_looked_at_a_bounded_number_of_times(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`re` would need longer than anybody waits; here it is at most 64 looks for each character."""
    looks = 0

    class Counted(list[int]):
        def __getitem__(self, place: int) -> int:  # type: ignore[override]
            nonlocal looks
            looks += 1
            return super().__getitem__(place)

    cutter = Cutter(pattern.replace("$?", ""))
    cutter.cut("a" * 70)  # makes the states
    cutter._rows = {state: Counted(row) for state, row in cutter._rows.items()}
    assert "".join(cutter.cut("a" * 1000)) == "a" * 1000
    assert looks * (64 if "a?" in pattern else 1) >= 1000
    assert looks <= 1000 * cutting.LONGEST


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", r"expected a regular expression as Python.s re reads it, got missing \)"),
        ("^a", r"got an anchor such as \^"),
        (r"a\b", r"got an anchor such as \^"),
        ("(?=a)a", "got a lookahead or a lookbehind"),
        (r"(a)\1", "got a backreference"),
        ("(a{999}){999}", "expected at most 100,000 characters"),
        ("(" * 5000 + ")" * 5000, "expected fewer nested groups|too many|regular expression"),
    ],
)
def test_what_no_automaton_decides_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Cutter(pattern)
