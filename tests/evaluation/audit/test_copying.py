"""Copied spans against searching in strings by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._evaluation.audit.copying import compare_with_training, count_records, count_whole
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

TEXTS = st.lists(st.text("abc", max_size=12), min_size=1, max_size=8)
RECORDS = st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=8)  # a blank one is no text


def encode(texts: list[str], **options: object) -> EncodedCorpus:
    return encode_corpus([*Records.of(["abc xyz"]), *Records.of(texts)], EncodingRecipe(**options))  # type: ignore[arg-type]


def longest_by_hand(text: str, records: list[str]) -> int:
    spans = {text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    return max((len(span) for span in spans if any(span in record for record in records)), default=0)


@settings(max_examples=150, deadline=None)
@given(texts=TEXTS, records=RECORDS)
def test_spans_are_those_found_by_hand(texts: list[str], records: list[str]) -> None:
    corpus = encode(records)
    everything = ["abc xyz", *records]
    ids = [corpus.tokenizer.encode(text) for text in texts]
    found = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=False)
    assert [text.text for text in found] == texts
    assert [text.copied for text in found] == [longest_by_hand(text, everything) for text in texts]
    assert [text.verbatim for text in found] == [bool(text) and text in everything for text in texts]
    for text in found:
        if text.record is None:
            assert text.copied == 0
            continue
        record = everything[text.record - 1]
        assert text.before + text.span + text.after == record
        assert record[text.position :].startswith(text.span)
        assert text.text[text.start :].startswith(text.span)
    assert count_whole(ids, corpus.training) == sum(text.verbatim for text in found)


def test_in_a_document_a_text_stands_anywhere() -> None:
    corpus = encode(["one two three"])
    ids = [corpus.tokenizer.encode(text) for text in ("two", "one two three", "three one")]
    found = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=True)
    assert [text.verbatim for text in found] == [True, True, False]
    found = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=False)
    assert [text.verbatim for text in found] == [False, True, False]


def test_no_span_crosses_the_end_of_a_record() -> None:
    corpus = encode(["ab", "cd"])
    eos = np.array([corpus.tokenizer.eos_id], np.int32)
    joined = np.concatenate([corpus.tokenizer.encode("ab"), eos, corpus.tokenizer.encode("cd")])
    (found,) = compare_with_training([joined], corpus.training, tokenizer=corpus.tokenizer, document=True)
    assert (found.copied, found.characters) == (2, 4)


def test_words_are_whole_and_an_unknown_one_matches_nothing() -> None:
    texts = ["the cat sat here", "the cat sat there", "the cat and the cat"]
    corpus = encode(texts, tokenizer="word", max_vocab_size=7)
    tokenizer = corpus.tokenizer
    assert tokenizer.unk_id is not None
    ids = [tokenizer.encode(text, unknown="replace") for text in ("the cat sat", "cat the", "zzz the cat")]
    found = compare_with_training(ids, corpus.training, tokenizer=tokenizer, document=False)
    assert found[0].span == "the cat sat"
    assert found[0].record == 2
    assert "<unk>" not in found[2].span


def test_where_it_stands_is_told_in_characters() -> None:
    corpus = encode(["a lazy dog", "the quick brown fox jumps"], tokenizer="word")
    ids = [corpus.tokenizer.encode("quick brown dog")]
    (found,) = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=False)
    assert (found.span, found.copied, found.record, found.position) == ("quick brown ", 12, 3, 4)
    assert (found.before, found.after, found.start) == ("the ", "fox jumps", 0)


def test_context_is_cut() -> None:
    corpus = encode(["x" * 100 + "cba" + "y" * 100])
    ids = [corpus.tokenizer.encode("zcbaz")]
    (found,) = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=False)
    assert (len(found.before), found.span, len(found.after)) == (60, "cba", 60)
    assert (found.start, found.position) == (1, 100)


def test_records_are_counted_by_their_text() -> None:
    counts = count_records(encode(["a", "b", "a", "a", "ab", "b"]).training)
    assert (counts.records, counts.different, counts.repeated) == (7, 4, 5)


@pytest.mark.parametrize("parts", [1, 3])
def test_it_reports_how_far_it_is(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = encode(["abc"] * 5)
    size = len(corpus.training)
    monkeypatch.setattr("unspool._evaluation.audit.copying.PART", -(-size // parts))
    told: list[tuple[int, int]] = []
    ids = [corpus.tokenizer.encode("abc")]
    (found,) = compare_with_training(
        ids, corpus.training, tokenizer=corpus.tokenizer, document=False,
        report=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert len(told) == parts
    assert told[-1] == (size, size)
    assert found.verbatim


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, records=RECORDS, part=st.integers(1, 20), document=st.booleans())
def test_the_parts_that_are_read_have_no_borders(
    texts: list[str], records: list[str], part: int, document: bool
) -> None:
    corpus = encode(records)
    ids = [corpus.tokenizer.encode(text) for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("unspool._evaluation.audit.copying.PART", part)
        found = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=document)
    by_hand = [longest_by_hand(text, ["abc xyz", *records]) for text in texts]
    assert [text.copied for text in found] == by_hand


def test_a_span_over_two_borders_is_found_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._evaluation.audit.copying.PART", 4)
    corpus = encode(["zzzz", "zabcdefghiz"])
    ids = [corpus.tokenizer.encode("bcdefgh")]
    (found,) = compare_with_training(ids, corpus.training, tokenizer=corpus.tokenizer, document=False)
    assert (found.copied, found.span, found.record, found.position) == (7, "bcdefgh", 3, 2)
