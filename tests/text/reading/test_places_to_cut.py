"""Where a long text is cut, how much of it says that it is none, and what damage is shown of it."""

import pytest

from tests.text.reading.test_decoding import text_of
from unspool._errors import CorpusError
from unspool._text.reading import decoding
from unspool._text.reading.damage import DamageSigns
from unspool._text.reading.decoding import place_to_cut


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("abcd\nefg", 5),  # the second half begins with the line end
        ("abc\nefgh", 7),  # this one is in the first half
        ("abcd efg", 5),
        ("abc efgh", 7),
        ("abcde f\n", 6),  # nothing is known of what comes after the last character
        ("abcd  gh", 6),
        ("abcd \n h", 7),
        ("abcd\n\nfg", 6),
        ("abcdefgh", 7),
        ("abcdef\u0301\u0301", 5),
        ("abcde\u0301\u0301\u0301", None),
        ("a" * 5000 + "\u0301" * 4095, 4999),  # so many characters are looked at
        ("a" * 5000 + "\u0301" * 4096, None),
    ],
)
def test_a_line_begins_there_or_a_word_or_what_stands_alone(text: str, place: int | None) -> None:
    assert place_to_cut(text) == place


def test_a_text_without_a_place_may_have_so_many_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LONGEST_UNCUT", 100)
    assert place_to_cut("\u0301" * 100) is None
    with pytest.raises(CorpusError) as caught:
        place_to_cut("\u0301" * 101)
    assert str(caught.value) == (
        "more than 100 characters that all join the one before: expected text; is it a file of another kind?"
    )


@pytest.mark.parametrize(
    ("character", "alone"),
    [
        ("a", True), ("\n", True), ("漢", True), ("é", True),
        ("\u0301", False), ("\u0903", False), ("\uff9e", False),
        ("\u10ff", True), ("\u1100", False), ("\u11ff", False), ("\u1200", True),  # letters of Korean
        ("\u3131", False), ("\uac00", True), ("\ud7a3", True),
        ("\uffee", True), ("\U00010000", False), ("\U0001efff", False), ("\U0001f000", True),
    ],
)  # fmt: skip
def test_which_characters_stand_alone(character: str, alone: bool) -> None:
    assert place_to_cut("\u0301\u0301\u0301" + character) == (3 if alone else None)


def test_a_quarter_of_zeros_is_no_text_if_there_are_64_bytes() -> None:
    assert text_of(bytes(15) + b"a" * 49, 100) == "\0" * 15 + "a" * 49
    assert text_of(bytes(16) + b"a" * 47, 100) == "\0" * 16 + "a" * 47
    with pytest.raises(CorpusError, match="got 16 bytes of zero among the first 64; it looks like a binary"):
        text_of(bytes(16) + b"a" * 48, 100)


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("x" * 20 + "Ã©" + "y" * 20, "x" * 15 + "Ã©" + "y" * 15),
        ("before\nwords Ã© after\nmore", "words Ã© after"),
        ("Ã©", "Ã©"),
        ("Ã© and Ã¼ later", "Ã© and Ã¼ later"),
    ],
)
def test_an_example_of_damage_has_what_is_around_it_in_its_line(text: str, example: str) -> None:
    signs = DamageSigns()
    signs.look("é\n", None)
    for _ in range(2):
        signs.look(text, None)
    times = 2 * (text.count("Ã") or 1)
    assert signs.sentences("a.txt") == [
        f"a.txt: {times} Ã© or its likes such as in {example!r}, which is UTF-8 read as Windows-1252: "
        "convert the original again"
    ]


@pytest.mark.parametrize(
    "damaged", ["\ufffd", "a\x80b", "a\x84b", "a\x86b", "a\x9fb", "â€™", "Â\xa0", "Ð°", "Ñ€"]
)
def test_each_sign_of_damage_counts_however_many_texts_there_are(damaged: str) -> None:
    few, many = DamageSigns(), DamageSigns()
    few.add(damaged)
    for _ in range(3):
        many.add("é" * 40_000)  # two of these are more than a block
        many.add(damaged)
    (one,), (three,) = few.sentences("x"), many.sentences("x")
    assert one.startswith("x: 1 ")
    assert three.startswith("x: 3 ")


@pytest.mark.parametrize("whole", ["é", "\x85", "\xa0", "\x7f", "Ã", "â", "€", "ÃA", "Ða", "Â\xc0", "\ufffc"])
def test_what_is_no_sign_of_damage(whole: str) -> None:
    signs = DamageSigns()
    signs.add(whole)
    signs.look(whole, whole.encode())
    assert signs.sentences("x") == []
