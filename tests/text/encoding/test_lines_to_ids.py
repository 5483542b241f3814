"""Lines encoded natively are what the general way makes of them, bit for bit."""

import threading
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import CorpusError, UnknownSymbolError
from unspool._kernels.lines import find_lines, to_codepoints
from unspool._text.encoding import lines_to_ids as line_encoding
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.lines_to_ids import number_lines
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading.sources import read_records
from unspool._text.records import NORMALIZATIONS, Record, Records
from unspool._text.streams import builder
from unspool._text.tokenizers.registry import CharTokenizer

alphabet = st.sampled_from("abcde \t\n\n\x1c\x85\u2028\u00a0\u3000é\u0301ﬁ가ᄀ中🙂\x00")
texts = st.text(alphabet, min_size=1, max_size=80)
MORE = "always something to learn from\nand more\nand still more\n"


def general(text: str, recipe: EncodingRecipe) -> EncodedCorpus:
    """Encode lines the general way."""
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    return encode_corpus([Record(line) for line in lines], recipe)


def fast(blocks: Iterable[str], recipe: EncodingRecipe) -> EncodedCorpus:
    """Encode lines the fast way alone."""

    def records() -> Iterator[Record]:
        raise AssertionError("the general way was taken")
        yield

    return encode_corpus(Records(records, description="lines", lines=lambda: iter(blocks)), recipe)


def in_blocks(text: str, size: int) -> Iterator[str]:
    """Cut a text anywhere, and end its last line."""
    yield from (text[i : i + size] for i in range(0, len(text), size))
    yield "\n"


def same(one: EncodedCorpus | None, other: EncodedCorpus) -> None:
    """Fail unless two corpora are equal in all that they hold."""
    assert one is not None
    assert one.tokenizer == other.tokenizer
    assert one.unknown == other.unknown
    for mine, theirs in ((one.training, other.training), (one.validation, other.validation)):
        assert mine.fingerprint() == theirs.fingerprint()
        assert mine.characters == theirs.characters
        assert (mine.symbol_lengths is None) == (theirs.symbol_lengths is None)


@given(texts, st.integers(1, 30), st.sampled_from([None, *NORMALIZATIONS]), st.sampled_from([0.0, 0.3, 0.7]))
def test_lines_are_encoded_as_the_general_way_does(
    text: str, size: int, form: str | None, fraction: float
) -> None:
    text += MORE
    recipe = EncodingRecipe(validation_fraction=fraction, normalization=form)
    try:
        expected = general(text, recipe)
    except CorpusError as error:
        with pytest.raises(CorpusError, match=str(error)[:20]):
            fast(in_blocks(text, size), recipe)
        return
    same(fast(in_blocks(text, size), recipe), expected)


@given(texts, st.integers(4, 9))
def test_so_are_cut_off_symbols(text: str, most: int) -> None:
    text += MORE
    recipe = EncodingRecipe(max_vocab_size=most)
    same(fast(in_blocks(text, 9), recipe), general(text, recipe))


@pytest.mark.parametrize("grow", [False, True])
@pytest.mark.parametrize("unk", [False, True])
def test_so_is_a_tokenizer_that_exists(grow: bool, unk: bool) -> None:
    tokenizer = CharTokenizer(list("abc d\u00e9"), unk=unk)
    for text in ("abcd\nad \n", "abcX\nXYe\u0301\n"):
        strange = "X" in text and not grow
        if strange and not unk:
            assert number_lines([text], EncodingRecipe(tokenizer=tokenizer)) is None
            continue
        recipe = EncodingRecipe(tokenizer=tokenizer, grow=grow)
        expected = general(text, recipe)
        same(fast([text], recipe), expected)
        assert strange == (expected.unknown == 3)


def test_many_symbols_and_lines_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "SPILL", 100)
    monkeypatch.setattr(line_encoding, "AHEAD", 1)
    lines = "\n".join(chr(0x20000 + i) * (i % 5) + "x" * (i % 7) for i in range(66_000))
    recipe = EncodingRecipe(validation_fraction=0.2)
    same(fast(in_blocks(lines, 5000), recipe), general(lines, recipe))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=300)))
def test_any_line_has_its_hash(lines: list[str]) -> None:
    text = "\n".join([*lines, MORE])
    recipe = EncodingRecipe(validation_fraction=0.5, normalization=None)
    same(fast([text], recipe), general(text, recipe))


def test_white_space_is_what_python_says() -> None:
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000 and code != 10]
    codes = to_codepoints("\n".join(every))
    lines = find_lines(codes.astype(np.uint32), limit=0)
    found = {chr(code) for code in codes[lines.bounds[:, 0]].tolist()}
    assert found == {character for character in every if not character.isspace()}


@pytest.mark.parametrize("form", NORMALIZATIONS)
def test_no_normalization_makes_or_takes_lines_and_white_space(form: str) -> None:
    for code in range(0x110000):
        character = chr(code)
        new = unicodedata.normalize(form, character)  # type: ignore[arg-type]
        assert new.isspace() == character.isspace()
        assert ("\n" in new) == (character == "\n")


def test_a_very_long_line_and_other_tokenizers_are_left_to_the_general_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_encoding, "PIECE", 10)
    assert number_lines(["short\n", "no end in ", "sight"], EncodingRecipe()) is None
    assert number_lines(["a\n"], EncodingRecipe(tokenizer="word")) is None
    assert number_lines([" \n\n"], EncodingRecipe()) is None


def test_something_is_left_to_learn_from(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_text("a\n", "utf-8")
    with pytest.raises(CorpusError, match="no record is left for training"):
        encode_corpus(read_records(path), EncodingRecipe(validation_fraction=1))


def test_files_and_folders_take_the_fast_way(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\rthree")
    (tmp_path / "b.txt").write_bytes("  \n\nfour é\n".encode())
    records = read_records(tmp_path)
    assert records.lines is not None
    recipe = EncodingRecipe(validation_fraction=0.3)
    expected = encode_corpus(iter(records), recipe)
    same(fast(records.lines(), recipe), expected)
    same(encode_corpus(records, recipe), expected)
    for other in (read_records(tmp_path, document=True), read_records("-")):
        assert other.lines is None


def test_what_is_unknown_is_an_error_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ab\nabX\n")
    with pytest.raises(UnknownSymbolError, match="character 3 of record 2"):
        encode_corpus(read_records(tmp_path / "a.txt"), EncodingRecipe(tokenizer=CharTokenizer(["a", "b"])))


def test_after_ctrl_c_no_further_block_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopping = threading.Event(), threading.Event()
    found: list[object] = []

    def find(*arguments: object, **options: object) -> object:
        found.append(arguments)
        begun.set()
        stopping.wait(60)
        return find_lines(*arguments, **options)  # type: ignore[arg-type]

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            stopping.set()
            super().shutdown(wait=wait)

    def blocks() -> Iterator[str]:
        yield "one\n"
        yield "two\n"
        begun.wait(60)
        raise KeyboardInterrupt

    for name, value in {
        "available_processors": lambda: 1,
        "find_lines": find,
        "ThreadPoolExecutor": Pool,
    }.items():
        monkeypatch.setattr(line_encoding, name, value)
    with pytest.raises(KeyboardInterrupt):
        fast(blocks(), EncodingRecipe())
    assert len(found) == 1
