"""What a corpus is made of: counted by hand."""

import pytest

from unspool._cli.steps.census import SHOWN_SCRIPTS, quantile, scripts, take_census
from unspool._text.records import Records


def test_a_corpus_is_counted() -> None:
    census = take_census(Records.of(["ab", "a б", "aaaaa"]), most=2)
    assert census == {
        "description": census["description"],
        "document": False,
        "split": None,
        "records": 3,
        "characters": 10,
        "alphabet": 4,
        "most_frequent": [["a", 0.7], ["b", 0.1]],
        "scripts": [["Latin", pytest.approx(8 / 9)], ["Cyrillic", pytest.approx(1 / 9)]],
        "lengths": {"shortest": 2, "quarter": 2, "median": 3, "three_quarters": 3, "longest": 5},
    }


def test_one_document_is_one_text() -> None:
    census = take_census(Records.of(["ab\nc"], document=True), most=9)
    assert (census["document"], census["records"]) == (True, 1)
    assert set(census["lengths"].values()) == {census["characters"]}


@pytest.mark.parametrize(
    ("text", "script"),
    [("aé", "Latin"), ("Ａ", "Latin"), ("ｱア", "Katakana"), ("漢", "Han"), ("б", "Cyrillic"), ("α", "Greek")],
)
def test_letters_have_scripts(text: str, script: str) -> None:
    assert scripts(dict.fromkeys(text, 1)) == [[script, 1.0]]


def test_no_more_scripts_are_shown_than_fit() -> None:
    letters = "aбα漢アあ가אعकกა"
    counts = {letter: 20 - place for place, letter in enumerate(letters)}
    shown = scripts(counts)
    assert len(shown) == SHOWN_SCRIPTS == 8
    assert [name for name, _ in shown][:3] == ["Latin", "Cyrillic", "Greek"]


@pytest.mark.parametrize(("share", "length"), [(0.0, 1), (0.25, 1), (0.5, 2), (0.75, 7), (0.74, 2), (1.0, 9)])
def test_a_quantile_is_the_text_at_that_place(share: float, length: int) -> None:
    assert quantile({9: 1, 2: 1, 1: 2, 7: 1}, share) == length  # 1 1 2 7 9
    assert quantile({}, share) == 0


def test_nothing_has_no_scripts() -> None:
    assert scripts({".": 3}) == []
