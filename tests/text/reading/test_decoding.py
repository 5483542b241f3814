"""Bytes become text a block at a time, exactly, or one error says where they do not."""

import codecs
import gzip
import io
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import CorpusError
from unspool._text.reading import decoding
from unspool._text.reading.decoding import lines_of, pieces_of, text_blocks
from unspool._text.reading.places import FilePlace, file_place, standard_input


class Dribble(io.RawIOBase):
    """Give bytes back a few at a time, so that every character and line end is cut somewhere."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step = data, step

    def read(self, size: int = -1) -> bytes:
        """Give the next few bytes."""
        now, self.data = self.data[: self.step], self.data[self.step :]
        return now


def dribble(data: bytes, step: int = 1) -> FilePlace:
    return FilePlace("dribble", lambda: nullcontext(cast(BinaryIO, Dribble(data, step))))


def text_of(data: bytes, step: int = 1) -> str:
    return "".join(text_blocks(dribble(data, step)))


def unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


ANY_TEXT = st.text(st.sampled_from("a b\r\n\u2028\x0b\x85é漢🎈\x00\ufeff") | st.characters(codec="utf-8"))


@given(ANY_TEXT, st.integers(1, 7))
def test_text_comes_out_as_it_went_in_however_it_is_cut(text: str, step: int) -> None:
    expected = unified(text.removeprefix("\ufeff"))
    assert text_of(text.encode(), step) == expected
    assert text_of(codecs.BOM_UTF8 + text.encode(), step) == unified(text)


@given(st.lists(ANY_TEXT, min_size=1, max_size=3), st.integers(2, 40))
def test_gzip_data_is_unpacked_member_by_member(texts: list[str], step: int) -> None:
    packed = b"".join(gzip.compress(text.encode()) for text in texts) + bytes(3)
    blocks = text_blocks(dribble(packed, step))
    assert "".join(blocks) == unified("".join(texts).removeprefix("\ufeff"))


@given(ANY_TEXT)
def test_lines_end_at_line_ends_only(text: str) -> None:
    clean = unified(text.removeprefix("\ufeff"))
    expected = clean.split("\n")
    found = [line for line, ends in lines_of(text_blocks(dribble(text.encode(), 3))) if ends]
    assert found == (expected[:-1] if expected[-1] == "" else expected)


BASES = "a e\n\u0301\u0323\u3099かハ\uff76\uff9e\u1100\u1161\u11a8\uac00\u0915\u09c7\u09be\u00a8漢ﬁ🎈"


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@given(text=st.text(st.sampled_from(BASES) | st.characters(codec="utf-8")), piece=st.integers(2, 9))
def test_pieces_can_be_normalized_one_by_one(form: str, text: str, piece: int) -> None:
    pieces = list(pieces_of(iter(text), piece=piece))
    together = "".join(unicodedata.normalize(form, part) for part, _ in pieces)  # type: ignore[arg-type]
    assert together == unicodedata.normalize(form, text)  # type: ignore[arg-type]
    assert all(part for part, _ in pieces)
    assert [ends for _, ends in pieces] == [False] * (len(pieces) - 1) + [True] * bool(pieces)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("one two three\nfour", "one two three\n"),
        ("one two three four", "one two three "),
        ("漢字かな交じり文漢字かな", "漢字かな交じり文漢字か"),
        ("eeeeeeeee\u0301\u0301", "eeeeeeee"),
    ],
)
def test_a_piece_ends_where_a_line_or_else_a_word_begins(text: str, first: str) -> None:
    assert next(pieces_of(iter([text]), piece=len(text)))[0] == first


def test_a_long_line_comes_in_pieces_and_ends_once() -> None:
    found = list(lines_of(iter(["short\n", "word " * 5, "word\nlast"]), piece=12))
    assert found[0] == ("short", True)
    assert [ends for _, ends in found] == [True, False, True, True]
    assert "".join(line for line, _ in found[1:-1]) == "word " * 5 + "word"
    assert found[-1] == ("last", True)


def test_a_text_that_cannot_be_cut_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LONGEST_UNCUT", 100)
    with pytest.raises(CorpusError, match="more than 100 characters"):
        list(pieces_of(iter(["\u0301" * 60] * 3), piece=10))


WRONG_BYTES: list[tuple[bytes, str]] = [
    (b"one\ntwo\nth\xffree", "line 3, byte 10: not UTF-8: got 0xFF"),
    (b"one\r\ntwo\r\n\xe9", "line 3, byte 10"),
    (b"one\rtwo\r\xe9", "line 3, byte 8"),
    (b"one\r\n\xe9", "line 2, byte 5"),
    (b"caf\xc3", "line 1, byte 3: not UTF-8: got 0xC3"),
    (b"\xed\xa0\x80", "byte 0"),
]
STRANGE_FILES: list[tuple[bytes, str]] = [
    (b"a\0b\0\xe9\0" * 9, "--encoding utf-16-le"),
    (b"\x89PNG\r\n", "picture"),
    (b"PK\x03\x04\xff", "zip archive"),
    (b"\x7fELF\0\0\xb0", "a binary file"),
    (b"caf\xe9", "--encoding cp1252 reads 'caf\xe9'"),
    (b"caf\xc3\xa9 caf\xe9", "the text before it is UTF-8: look at this place"),
    (b"\xe9\xe8\xe0\xf9\xfc", "say what it is: --encoding NAME"),
]


@pytest.mark.parametrize(("data", "message"), WRONG_BYTES)
@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_a_wrong_byte_is_named_with_its_line_and_offset(data: bytes, message: str, step: int) -> None:
    with pytest.raises(CorpusError, match=message):
        text_of(data, step)


@pytest.mark.parametrize(("data", "message"), STRANGE_FILES)
def test_a_file_of_another_kind_is_recognised(data: bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        text_of(data, 1000)


def test_a_wrong_byte_is_found_beyond_the_first_block(tmp_path: Path) -> None:
    lines = b"0123456\r\n" * (decoding.BLOCK // 4)
    path = tmp_path / "late.txt"
    path.write_bytes(lines + b"abc\x80")
    with pytest.raises(CorpusError) as caught:
        list(text_blocks(file_place(path)))
    assert f"line {decoding.BLOCK // 4 + 1}, byte {len(lines) + 3}:" in str(caught.value)


PACKED = gzip.compress(os.urandom(500).hex().encode() * 50, mtime=0)  # its beginning names a test
BROKEN_GZIP: list[tuple[str, bytes, str]] = [
    ("cut.gz", PACKED[:-20], "an end before the data is complete"),
    ("header.gz", PACKED[:6], "an end before the data is complete"),
    ("sum.gz", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "broken gzip data: got .*incorrect data check"),
    ("damaged.gz", PACKED[:400] + b"\xff" * 50 + PACKED[450:], "broken gzip data"),
    ("tail.gz", PACKED + b"tail", "broken gzip data"),
    ("plain.gz", b"plain text", "expected gzip data"),
]


@pytest.mark.parametrize(("name", "data", "message"), BROKEN_GZIP)
def test_broken_gzip_data_is_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=message) as caught:
        list(text_blocks(file_place(path)))
    assert name in str(caught.value)


def test_a_gzip_bomb_is_unpacked_in_small_blocks(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"a" * 20_000_000))
    sizes = [len(block) for block in text_blocks(file_place(path))]
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= decoding.BLOCK


def unreadable_places(folder: Path) -> Iterator[tuple[str, Callable[[], FilePlace]]]:
    yield "no such file", lambda: file_place(folder / "missing.txt")
    yield "is a directory", lambda: file_place(folder)


@pytest.mark.parametrize("which", [0, 1])
def test_what_the_system_refuses_is_an_error_of_the_tree(tmp_path: Path, which: int) -> None:
    message, place = list(unreadable_places(tmp_path))[which]
    with pytest.raises(CorpusError, match=message):
        list(text_blocks(place()))


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"one\ntwo"))))
    place = standard_input()
    assert "".join(text_blocks(place)) == "one\ntwo"
    with pytest.raises(CorpusError, match="read once"):
        list(text_blocks(place))


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        ("a text of some length\n".encode("utf-16-le") * 9, "--encoding utf-16-le"),
        ("a text of some length\n".encode("utf-16-be") * 9, "--encoding utf-16-be"),
        (bytes(100), "a binary file"),
    ],
)
def test_zeros_that_are_valid_utf8_are_no_text_all_the_same(data: bytes, advice: str) -> None:
    with pytest.raises(CorpusError, match=rf"expected text, got .* zero among the first .*{advice}"):
        text_of(data, step=1000)
    assert text_of(b"a\0b" * 10 + b"c" * 100, step=1000) == "a\0b" * 10 + "c" * 100
