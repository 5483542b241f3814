"""Token streams: fingerprints and the cut into head and tail."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record
from unspool._text.streams.stream import TokenStream


def stream_of(texts: list[str], kind: str = "char", **options: int) -> TokenStream:
    """Encode texts."""
    return encode_corpus([Record(text) for text in texts], EncodingRecipe(tokenizer=kind, **options)).training  # type: ignore[arg-type]


def test_the_fingerprint_follows_the_content() -> None:
    stream = stream_of(["ab", "c"])
    assert stream.fingerprint() == stream_of(["ab", "c"]).fingerprint() == "911f6eed8c8a4870123126fcc8f2f4a9"
    other_ids = dataclasses.replace(stream, ids=stream.ids[::-1])
    other_starts = dataclasses.replace(stream, starts=np.array([0, 2]))
    wider = dataclasses.replace(stream, ids=stream.ids.astype(np.uint16))
    prints = {one.fingerprint() for one in (stream, other_ids, other_starts, wider)}
    assert len(prints) == 4


def test_the_arrays_cannot_be_written_to() -> None:
    stream = stream_of(["ab"])
    with pytest.raises(ValueError, match="read-only"):
        stream.ids[0] = 1


@given(st.lists(st.text(alphabet="ab", max_size=5), min_size=1).filter(any), st.floats(0, 0.99))
def test_head_and_tail_are_the_stream(texts: list[str], fraction: float) -> None:
    stream = stream_of(texts)
    head, tail = stream.tail_split(fraction)
    assert np.concatenate([head.ids, tail.ids]).tolist() == stream.ids.tolist()
    assert len(head) >= 1
    assert head.characters + tail.characters == stream.characters
    eos = stream.ids[-1]
    for part in (head, tail):
        assert part.characters == int((part.ids != eos).sum())
        ends = np.flatnonzero(part.ids == eos) + 1
        expected = [0, *ends.tolist()] if len(part) else []
        assert part.starts.tolist() == [start for start in expected if start < len(part)]


def test_one_document_is_cut_after_so_many_characters() -> None:
    head, tail = stream_of(["abcdefghij" * 10]).tail_split(0.1)
    assert (len(head), len(tail)) == (90, 11)  # the closing <eos> is in the tail
    assert (head.characters, tail.characters) == (90, 10)


def test_without_a_fraction_there_is_no_tail() -> None:
    head, tail = stream_of(["ab"]).tail_split(0)
    assert (len(head), head.characters, len(tail), tail.num_records, tail.characters) == (3, 2, 0, 0, 0)


@pytest.mark.parametrize("fraction", [-0.1, 1, 1.5, True])
def test_the_fraction_has_a_range(fraction: float) -> None:
    with pytest.raises(ConfigError, match="fraction"):
        stream_of(["ab"]).tail_split(fraction)


def test_words_are_counted_by_their_characters() -> None:
    head, tail = stream_of(["one three", "five"], "word").tail_split(0.4)
    assert (len(head), head.characters) == (3, 9)
    assert (len(tail), tail.characters) == (3, 4)


def test_an_unk_counts_as_the_average_one() -> None:
    stream = stream_of(["a a a a xx a yyyy a"], "word", max_vocab_size=5)
    assert stream.characters == 19
    head, tail = stream.tail_split(0.3)
    assert (len(head), len(tail)) == (10, 6)
    assert (head.characters, tail.characters) == (8 + 3 + 1, 7)  # "xx" and "yyyy" count as 3 each
