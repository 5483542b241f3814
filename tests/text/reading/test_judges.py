"""What the judges of encodings and headers say at the edges of their rules, sign by sign."""

import pytest

from unspool._text.reading.encodings import JUDGES, candidates, marked_encoding, zeros_speak_for
from unspool._text.reading.headers import is_header, may_be_header


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("plain", 0.0),
        ("café", 1.0),
        ("éééaa", 1.0),  # three of five letters are the most that may be beyond ASCII
        ("éééa", 0.0),
        ("plain words éé", 0.0),  # only words with such letters count
        ("café ¤", 0.5),
        ("Àbcd", 1.0),
        ("µbcd", 0.0),  # a letter before the first of the script
        ("ɏbcd", 1.0),
        ("ɐbcd", 0.0),  # and one after its last
        ("abcж", 0.0),
        ("aéÀab", 0.0),  # a capital after a small letter
        ("ÀÉab", 1.0),
        ("abÉcd", 0.0),
        ("aBéc", 1.0),
        ("“No”", 1.0),
        ("No“one", 0.0),
        ("No’s a–b c—d", 1.0),
        ("„Haus", 1.0),
        ("a„ b", 0.0),
        ("1„ b", 0.0),
        ("(‚b", 1.0),
        ("a ¤ b", 0.0),
    ],
)
def test_latin_letters_stand_in_words_and_quotes_around_them(text: str, share: float) -> None:
    assert JUDGES["cp1252"](text) == share


@pytest.mark.parametrize(
    ("encoding", "text", "share"),
    [
        ("cp1251", "оеа", 1.0),
        ("cp1251", "ОЕА", 1.0),
        ("cp1251", "ое", 0.0),  # three frequent letters are the least
        ("cp1251", "оеащщ", 1.0),  # and six tenths of all
        ("cp1251", "оеащщщ", 0.0),
        ("cp1251", "Ѐоеа", 1.0),
        ("cp1251", "џоеа", 1.0),
        ("cp1251", "Ͽоеа", 0.0),
        ("cp1251", "Ѡоеа", 0.0),
        ("cp1251", "oоеа", 0.0),  # begins with an o of ASCII
        ("cp1253", "Ͱοει", 1.0),
        ("cp1253", "Ͽοει", 1.0),
        ("cp1253", "Ѐοει", 0.0),
        ("cp1255", "שלום עולם", 1.04),  # so much that no reading in other letters is beside it
        ("cp1255", "שלום םעול", 0.0),  # the form of the end of a word at its beginning
        ("cp1255", "שלום " * 9 + "םעול", 1.04),  # which may be an error in one of ten
        ("cp1255", "שלום " * 8 + "םעול", 0.0),
        ("cp1255", "שלום\u05b0\u05b1", 4 / 6),
    ],
)
def test_letters_of_a_script_are_frequent_ones_of_it(encoding: str, text: str, share: float) -> None:
    assert JUDGES[encoding](text) == share


@pytest.mark.parametrize(
    ("encoding", "text", "good"),
    [
        ("gb18030", "座座", 2),  # D7F9, the last of the frequent ones in GB 2312
        ("gb18030", "亍亍", 0),  # D8A1, the first of the others
        ("gb18030", "座", 0),  # two signs are the least
        ("gb18030", "", 0),
        ("gb18030", "plain", 0),
        ("gb18030", "座ぁ", 1),  # U+3041 is a sign, but no ideograph
        ("gb18030", "座\u3040", 0),
        ("gb18030", "座座é", 2),
        ("gb18030", "座座α", 2),  # A6C1: early, and no ideograph
        ("gb18030", "座座\u3000", 3),
        ("gb18030", "座座\u2fff", 2),
        ("gb18030", "座座\u3020", 3),
        ("gb18030", "座座\u3021", 2),
        ("gb18030", "座座！", 3),
        ("gb18030", "座座\uff00", 2),
        ("gb18030", "座座\uff5e", 3),
        ("gb18030", "座座\uff5f", 2),
        ("big5", "籲籲", 2),  # C67E
        ("big5", "乂乂", 0),  # C940
        ("big5", "籲籲㏕", 2),  # A24F
        ("shift_jis", "ああ腕", 3),  # CFD3
        ("shift_jis", "ああ弌", 2),  # D0A1
        ("shift_jis", "腕腕", 0),  # no syllables
        ("shift_jis", "あ" + "腕" * 9, 10),  # one of ten is the least
        ("shift_jis", "あ" + "腕" * 10, 0),
        ("shift_jis", "ヾ" + "腕" * 9, 10),
        ("shift_jis", "ヿ" + "腕" * 9, 0),
        ("euc_jp", "ああ腕", 3),
        ("euc_jp", "ああ弌", 2),
        ("euc_jp", "腕腕", 0),
    ],
)
def test_ideographs_are_those_that_come_first_in_a_standard(encoding: str, text: str, good: int) -> None:
    assert JUDGES[encoding](text) == pytest.approx(good / max(1, sum(not c.isascii() for c in text)))


@pytest.mark.parametrize(
    ("text", "share"),
    [("가힝", 1.04), ("가갂", 0.5), ("漢", 0.0), ("", 0.0), ("plain", 0.0), ("가" * 9 + "힣", 0.94)],
)
def test_usual_syllables_of_korean_outweigh_ideographs(text: str, share: float) -> None:
    assert JUDGES["cp949"](text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\0a\0b\0c", "utf-16-be"),
        (b"a\0b\0c\0", "utf-16-le"),
        (b"a\0b\0c d ", "utf-16-le"),  # a quarter of the bytes is enough
        (b"a\0b\0c d e", None),
        (b"a\0" * 10 + b"\0a", "utf-16-le"),  # ten times as many on one side are enough
        (b"a\0" * 9 + b"\0a", None),
        (b"\0a" * 10 + b"a\0", "utf-16-be"),
        (b"\0\0\0\0", None),
    ],
)
def test_zeros_on_one_side_are_utf_16(data: bytes, encoding: str | None) -> None:
    assert zeros_speak_for(data) == encoding


def test_marks_of_utf_32_are_no_marks_of_utf_16() -> None:
    codecs = ("utf-32", "utf-16")
    assert [marked_encoding("é".encode(name)) for name in codecs] == list(codecs)
    assert marked_encoding(b"\0\0\xfe\xff\0\0\0\xe9") == "utf-32"
    assert marked_encoding(b"\xfe\xff\0\xe9") == "utf-16"
    assert marked_encoding(b"\xef\xbb\xbf\xc3\xa9") is marked_encoding(b"plain") is None


def test_at_most_three_are_named() -> None:
    """0x8C is also the î of cp850."""
    assert candidates(b"\x8cin", 0) == [("cp1252", "Œin"), ("cp1250", "Śin"), ("mac-roman", "åin")]


def test_only_the_bytes_around_a_wrong_one_are_judged() -> None:
    """32 KiB before it and as many after it: 0x81 is no character of cp1252."""
    before, after = b"plain words\n" * 4000, b"\nplain words" * 6000
    word = "un café noir".encode("cp1252")
    data = b"\x81\n" + before + word + after + b"\x81"
    assert candidates(data, data.index(b"\xe9")) == [("cp1252", "un café noir")]
    near = b"\x81\n" + before[:1200] + word
    assert "cp1252" not in dict(candidates(near, near.index(b"\xe9")))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("many other words before the café, and more behind it", "fore the café, and more"),
        ("short\ncafé\nmore", "café"),
        ("a café", "a café"),
        ("one two three four five six café", "five six café"),
    ],
)
def test_an_example_begins_twelve_characters_before_the_first_that_is_not_ascii(
    text: str, shown: str
) -> None:
    data = text.encode("cp1252")
    assert dict(candidates(data, data.index(b"\xe9")))["cp1252"] == shown


NAMES = (
    "abstract author body caption category class comment content date description headline id index key "
    "label language message name question quote score sentence source split summary tag target text title "
    "topic tweet type url utterance value"
)


def test_usual_names_of_columns_are_known_in_any_case() -> None:
    below = ["Rain in spring", "Snow"]
    names = NAMES.split()
    assert [name for name in names if not is_header([[name, "Wind"], below])] == []
    assert [name for name in names if not is_header([["Wind", f" {name.upper()} "], below])] == []
    assert not is_header([["Wind", "Hail"], below])


@pytest.mark.parametrize(
    ("row", "may"),
    [
        (["a", "b"], True),
        (["a", " a "], False),
        (["a", " "], False),
        (["a", "2004-05-06 07:08"], False),
        (["a", "-1.5e+3%"], False),
        (["a" * 64], True),
        (["a" * 65], False),
    ],
)
def test_names_are_not_repeated_numbers_or_long(row: list[str], may: bool) -> None:
    assert may_be_header(row) is may


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["word", "A1", "B2"], True),
        (["word", "A1"], False),  # two are the least
        (["word", "A1", ""], False),  # an empty one does not count
        (["word", "another word", "wood"], False),
        (["word", "w" * 12, "v" * 12], True),  # three times as long
        (["word", "w" * 11, "v" * 12], False),
        (["two words", "A1", "B2"], False),
        (["1st", "A,B", "B,C"], False),
        (["word", "3", "-4.5"], True),
        (["Ab c", "3"], True),  # numbers below are enough
        (["Ab c", "3", "x"], False),
        (["a_b", "a_c"], True),
        (["a_", "b_"], False),
    ],
)
def test_a_name_stands_above_values_of_another_kind(column: list[str], expected: bool) -> None:
    assert is_header([[field] for field in column]) is expected


def test_rows_of_another_width_say_nothing_of_the_names() -> None:
    assert is_header([["one", "two"], ["a", "3"], ["b", "4"]])
    assert is_header([["one", "two"], ["a", "3"], ["b"], ["b", "4"]])
    assert not is_header([["one", "two"], ["a"], ["b"]])
