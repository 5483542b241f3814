"""What is found out about a text, all of it read or only its beginning."""

import gzip
from pathlib import Path

import pytest

import unspool
from unspool._planning.facts import look_at
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe

TEXTS = ["oil prices rise", "oil", "team wins"]


@pytest.mark.parametrize("document", [False, True])
def test_a_text_that_is_read_whole_is_known_exactly(document: bool) -> None:
    facts = look_at(unspool.Records.of(TEXTS, document=document), EncodingRecipe())
    encoded = encode_corpus(unspool.Records.of(TEXTS), EncodingRecipe())
    assert facts.complete
    assert facts.document is document
    assert facts.records == len(TEXTS)
    assert facts.characters == sum(map(len, TEXTS))
    assert facts.symbols == len(encoded.training)
    assert facts.vocab_size == encoded.tokenizer.vocab_size
    assert facts.typical_length == len("team wins") + 1


def test_words_are_counted_as_words() -> None:
    facts = look_at(unspool.Records.of(TEXTS), EncodingRecipe(tokenizer="word", max_vocab_size=6))
    assert facts.symbols < sum(map(len, TEXTS))
    assert facts.vocab_size == 6


def test_a_tokenizer_that_exists_takes_in_what_is_new() -> None:
    known = encode_corpus(unspool.Records.of(["abc"]), EncodingRecipe()).tokenizer
    alone, with_it = (
        look_at(unspool.Records.of(TEXTS), recipe)
        for recipe in (EncodingRecipe(), EncodingRecipe(tokenizer=known, grow=True))
    )
    new = {"a", "b", "c"} - set("".join(TEXTS))
    assert with_it.vocab_size == alone.vocab_size + len(new)


@pytest.mark.parametrize("document", [False, True])
def test_a_long_plain_text_is_estimated_by_its_size(tmp_path: Path, document: bool) -> None:
    path = tmp_path / "long.txt"
    path.write_text("".join(f"line number {i:06}\n" for i in range(200_000)), "utf-8")
    records = unspool.read_records(path, document=document)
    ticks = iter([0.0, 2.0])
    facts = look_at(records, EncodingRecipe(), most=1 << 19, clock=lambda: next(ticks))
    assert not facts.complete
    assert facts.symbols == pytest.approx(path.stat().st_size, rel=0.07)
    assert facts.seconds == pytest.approx(2.0 * path.stat().st_size / (1 << 19), rel=1)
    if not document:
        assert facts.records == pytest.approx(200_000, rel=0.07)


def test_where_the_size_says_nothing_what_was_read_is_the_least(tmp_path: Path) -> None:
    path = tmp_path / "long.txt.gz"
    path.write_bytes(gzip.compress(b"line\n" * 9_000))
    facts = look_at(unspool.read_records(path), EncodingRecipe(), most=1_000)
    assert not facts.complete
    assert 1_000 <= facts.characters < 1_100


def test_a_text_that_is_empty_is_refused() -> None:
    with pytest.raises(unspool.CorpusError):
        look_at(unspool.Records.of([]), EncodingRecipe())
