"""Sources beside texts: gathered in one pass, split with them, and laid out as an encoder reads them."""

import numpy as np
import pytest

from unspool._errors import CorpusError, UnknownSymbolError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.source_texts import read_sources
from unspool._text.records import Record
from unspool._text.streams.lanes import Lanes, padded_sources
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import CharTokenizer, Tokenizer

PAIRS = [(f"{a}{b}", b * (1 + a % 3)) for a in range(7) for b in "xyz"]
RECORDS = [Record(text, source=source) for source, text in PAIRS]


def encoded(held: str = "") -> EncodedCorpus:
    sides = [[record for record in RECORDS if (record.text[0] in held) == side] for side in (False, True)]
    return encode_corpus(sides[0], EncodingRecipe(sources="learn"), sides[1])


def texts_of(stream: TokenStream, tokenizer: Tokenizer) -> list[str]:
    ends = [*stream.starts[1:], len(stream)]
    return [tokenizer.decode(stream.ids[a : b - 1]) for a, b in zip(stream.starts, ends, strict=True)]


def test_sources_have_the_order_and_the_side_of_their_texts() -> None:
    corpus = encoded(held="y")
    assert corpus.source_tokenizer is not None
    for stream, wanted in (
        (corpus.training, [pair for pair in PAIRS if pair[1][0] != "y"]),
        (corpus.validation, [pair for pair in PAIRS if pair[1][0] == "y"]),
    ):
        assert stream.sources is not None
        sources = texts_of(stream.sources, corpus.source_tokenizer)
        assert list(zip(sources, texts_of(stream, corpus.tokenizer), strict=True)) == wanted


def test_both_sides_have_symbols_of_their_own() -> None:
    corpus = encoded()
    assert sorted(corpus.tokenizer.symbols) == sorted("xyz")
    assert sorted(corpus.source_tokenizer.symbols) == sorted("0123456xyz")  # type: ignore[union-attr]
    assert corpus.validation.sources is None


def test_a_fingerprint_tells_sources_apart() -> None:
    others = [Record(record.text, source=record.source[::-1]) for record in RECORDS if record.source]
    stream = encode_corpus(others, EncodingRecipe(sources=encoded().source_tokenizer)).training
    assert stream.fingerprint() != encoded().training.fingerprint()
    assert encode_corpus(RECORDS, EncodingRecipe()).training.fingerprint() != encoded().training.fingerprint()


def test_every_record_has_a_source_of_its_own() -> None:
    with pytest.raises(CorpusError, match="record 2 has no source"):
        encode_corpus([RECORDS[0], Record("x")], EncodingRecipe(sources="learn"))
    with pytest.raises(CorpusError, match="a whole text"):
        encode_corpus(
            [Record("x", source="1", ends=False), Record("y", source="1")], EncodingRecipe(sources="learn")
        )


def test_sources_are_read_backwards_and_end_side_by_side() -> None:
    tokenizer = CharTokenizer("ab")
    read = read_sources(tokenizer, ["ab", "", "b"])
    eos = tokenizer.eos_id
    np.testing.assert_array_equal(read, np.array([[eos, 0, 0], [2, 0, eos], [1, eos, 2]]))
    assert read.dtype == np.int32
    with pytest.raises(UnknownSymbolError):
        read_sources(tokenizer, ["c"])
    np.testing.assert_array_equal(read_sources(tokenizer, ["cb"], unknown="drop"), [[eos], [2]])


def test_a_window_knows_the_source_of_every_place() -> None:
    corpus = encoded()
    stream, sources = corpus.training, corpus.training.sources
    assert sources is not None
    tokenizer, eos = corpus.tokenizer, corpus.tokenizer.eos_id
    lanes = Lanes(stream, batch_size=3, sequence_length=5, seed=4, eos_id=eos, document=False)
    answers = set(PAIRS)
    seen: list[tuple[str, str]] = []
    for window in lanes.windows(epoch=1):
        given = window.conditions
        assert given is not None
        assert given.sources is not None
        for (t, b), target in np.ndenumerate(window.targets):
            column = given.sources[:, given.records[t, b]]
            source = corpus.source_tokenizer.decode(column[column != 0][:0:-1])  # type: ignore[union-attr]
            ((_, text),) = [pair for pair in answers if pair[0] == source]
            if target != eos:
                assert tokenizer.decode([target]) == text[0]
                seen.append((source, text[0]))
    assert {source for source, _ in seen} == {source for source, _ in PAIRS}


def test_padding_depends_on_who_stands_beside() -> None:
    sources = encoded().training.sources
    assert sources is not None
    together = padded_sources(sources, np.arange(3))
    for record in range(3):
        alone = padded_sources(sources, np.array([record]))
        np.testing.assert_array_equal(together[-len(alone) :, record], alone[:, 0])
