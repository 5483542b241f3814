"""The part of a held-out stream that is measured while a network learns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._evaluation.streams import measured_part
from unspool._kernels.matching import hash_records
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record
from unspool._text.tokenizers.registry import Tokenizer

TEXTS = [f"record {i} {'x' * (i % 7)}" for i in range(300)]


def encoded(texts: list[str], kind: str | Tokenizer = "char") -> EncodedCorpus:
    """Encode texts."""
    return encode_corpus([Record(text) for text in texts], EncodingRecipe(tokenizer=kind))


def texts_of(corpus: EncodedCorpus, most: int | None) -> list[str]:
    """Give the texts of the measured part."""
    part = measured_part(corpus.training, most, document=False)
    ends = [*part.starts[1:].tolist(), len(part)]
    return [
        corpus.tokenizer.decode(part.ids[start:end])
        for start, end in zip(part.starts.tolist(), ends, strict=True)
    ]


@pytest.mark.parametrize("kind", ["char", "word"])
def test_it_is_whole_records_in_their_order(kind: str) -> None:
    corpus = encoded(TEXTS, kind)
    part = measured_part(corpus.training, 500, document=False)
    found = texts_of(corpus, 500)
    assert 400 < len(part) <= 500
    assert found == [text for text in TEXTS if text in found]
    assert part.characters == sum(map(len, found))


def test_it_goes_by_the_text_alone() -> None:
    corpus = encoded(TEXTS)
    some = texts_of(corpus, 500)
    assert sorted(texts_of(encoded(TEXTS[::-1], corpus.tokenizer), 500)) == sorted(some)
    more = texts_of(encoded(TEXTS), 1000)
    assert set(some) < set(more)


@given(st.lists(st.integers(0, 60), min_size=2, max_size=60), st.integers(1, 300))
def test_it_is_what_stands_first_when_all_are_sorted(lengths: list[int], most: int) -> None:
    stream = encoded([str(i % 9) + "x" * length for i, length in enumerate(lengths)]).training
    most = min(most, len(stream) - 1)
    ends = np.append(stream.starts[1:], len(stream))
    order = np.argsort(hash_records(stream.ids, stream.starts, ends), kind="stable")
    count = max(1, int((np.cumsum((ends - stream.starts)[order]) <= most).sum()))
    expected = stream.take(np.sort(order[:count]))
    assert measured_part(stream, most, document=False).fingerprint() == expected.fingerprint()


def test_equal_records_come_together() -> None:
    corpus = encoded([*TEXTS, *TEXTS])
    found = texts_of(corpus, 1000)
    assert sum(found.count(text) != 2 for text in found) <= 1  # where it is cut


def test_a_short_stream_is_measured_whole() -> None:
    stream = encoded(TEXTS).training
    assert measured_part(stream, None, document=False) is stream
    assert measured_part(stream, len(stream), document=False) is stream
    assert measured_part(stream, len(stream), document=True) is stream


def test_a_record_longer_than_that_is_measured_all_the_same() -> None:
    part = measured_part(encoded(TEXTS).training, 1, document=False)
    assert part.num_records == 1


@pytest.mark.parametrize("kind", ["char", "word"])
def test_of_a_document_it_is_the_beginning(kind: str) -> None:
    corpus = encoded(TEXTS, kind)
    part = measured_part(corpus.training, 501, document=True)
    assert np.array_equal(part.ids, corpus.training.ids[:501])
    assert part.starts.tolist() == [start for start in corpus.training.starts.tolist() if start < 501]
    assert part.characters == len(corpus.tokenizer.decode(part.ids))
