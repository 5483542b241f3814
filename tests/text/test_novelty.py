"""The index knows every text of its corpus, and no other; how the corpus came does not matter."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._errors import ConfigError, CorpusError
from unspool._text import novelty
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import hash_split
from unspool._text.novelty import NoveltyIndex, text_hash
from unspool._text.records import Record, Records

TEXTS = ["the cat sat", "a dog ran far", "the cat sat", "réd cat 猫", "cat\nnap", " the cat sat"]
POEM = "Oh the cat,\n  the cat\n\n \nsat on the mat.\nOh the cat,"
some_texts = st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=20)


def test_a_hash_is_that_of_the_documentation() -> None:
    digest = hashlib.blake2b("réd".encode(), digest_size=8).digest()
    assert text_hash("réd") == int.from_bytes(digest, "little")


def test_it_knows_its_texts_and_no_other() -> None:
    index = NoveltyIndex.of(TEXTS)
    assert len(index) == 5
    assert all(map(index.knows, TEXTS))
    for other in ("", "the cat", "The cat sat", "the cat sat ", "cat", "nap"):
        assert not index.knows(other)


def test_it_compares_in_normal_form() -> None:
    assert NoveltyIndex.of(["re\u0301d"]).knows("r\u00e9d")
    assert NoveltyIndex.of(["r\u00e9d"]).knows("re\u0301d")
    assert not NoveltyIndex.of(Records.of(["re\u0301d"], normalization=None)).knows("r\u00e9d")


def test_of_a_document_it_knows_the_lines() -> None:
    index = NoveltyIndex.of(Records.of([POEM], document=True))
    assert len(index) == 3
    assert index.knows("  the cat")
    assert index.knows("sat on the mat.\n\nOh the cat,\n")
    assert not index.knows("sat on the mat.\nOh the dog,")
    assert not index.knows(" \n ")
    assert not index.knows("sat on the mat.\nOh the")
    assert index.knows("sat on the mat.\nOh the", cut=True)
    assert not index.knows("Oh the", cut=True)
    assert NoveltyIndex.of(Records.of([POEM], document=True), by_line=False).knows(POEM)


@pytest.mark.parametrize("by_line", [False, True])
def test_pieces_of_a_long_text_are_one_text(by_line: bool) -> None:
    pieces = [Record("Oh the c", ends=False), Record("at,\nsat", ends=False), Record(" on"), Record("sat")]
    index = NoveltyIndex.of(Records.of(pieces), by_line=by_line)
    known = ["Oh the cat,", "sat on", "sat"] if by_line else ["Oh the cat,\nsat on", "sat"]
    assert len(index) == len(known)
    assert all(map(index.knows, known))


@pytest.mark.parametrize("tokenizer", ["char", "word"])
@pytest.mark.parametrize("document", [False, True])
@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_an_encoded_corpus_gives_the_same_index(
    monkeypatch: pytest.MonkeyPatch, tokenizer: str, document: bool, block: int
) -> None:
    monkeypatch.setattr(novelty, "BLOCK", block)
    records = Records.of([*TEXTS, POEM], document=document)
    encoded = encode_corpus(records, EncodingRecipe(tokenizer=tokenizer))
    found = NoveltyIndex.of_stream(encoded.training, encoded.tokenizer, by_line=document)
    np.testing.assert_array_equal(found.hashes, NoveltyIndex.of(records).hashes)
    assert found.by_line == document


@settings(max_examples=50, deadline=None)
@given(some_texts.map(lambda texts: [f"{text}." for text in texts]), st.integers(1, 7))
def test_any_texts_are_known_however_they_are_cut(texts: list[str], waiting: int) -> None:
    before, novelty.MOST_WAITING = novelty.MOST_WAITING, waiting
    try:
        index = NoveltyIndex.of(Records.of(texts, normalization=None))
    finally:
        novelty.MOST_WAITING = before
    assert all(map(index.knows, texts))
    assert len(index) == len(set(texts))
    assert (np.diff(index.hashes.astype(object)) > 0).all()


def test_texts_that_were_held_out_are_not_counted() -> None:
    texts = [f"text {i}" for i in range(200)]
    encoded = encode_corpus(Records.of(texts), EncodingRecipe(validation_fraction=0.3))
    index = NoveltyIndex.of_stream(encoded.training, encoded.tokenizer, by_line=False)
    held = hash_split(fraction=0.3)
    assert [index.knows(text) for text in texts] == [not held(Record(text)) for text in texts]
    poem = encode_corpus(Records.of(["a\nb\nc\nd\n"], document=True), EncodingRecipe())
    half = NoveltyIndex.of_stream(poem.training.tail_split(0.5)[0], poem.tokenizer, by_line=True)
    assert [half.knows(line) for line in "abcd"] == [True, True, False, False]


def test_what_was_cut_off_the_vocabulary_is_known_as_the_model_writes_it() -> None:
    encoded = encode_corpus(
        Records.of(["a a b", "a a c"]), EncodingRecipe(tokenizer="word", max_vocab_size=5)
    )
    index = NoveltyIndex.of_stream(encoded.training, encoded.tokenizer, by_line=False)
    written = encoded.tokenizer.decode(encoded.training.ids[: encoded.training.starts[1]])
    assert "<unk>" in written
    assert index.knows(written)


def test_no_false_alarm_in_a_large_set() -> None:
    index = NoveltyIndex.of(f"text {i}" for i in range(50_000))
    assert len(index) == 50_000
    assert not any(index.knows(f"other {i}") for i in range(50_000))


def test_what_is_no_corpus_is_refused() -> None:
    with pytest.raises(CorpusError, match="no text"):
        NoveltyIndex.of([])
    with pytest.raises(CorpusError, match="a list of strings"):
        NoveltyIndex.of("the cat sat")
    with pytest.raises(ConfigError, match="by_line"):
        NoveltyIndex.of(["a"], by_line="yes")  # type: ignore[arg-type]
