import math
from typing import Any

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._errors import CorpusError, NetworkError
from unspool._evaluation import streams
from unspool._evaluation.streams import bits_per_character, document_lanes, evaluate_stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.stream import TokenStream

CONFIG = NetworkConfig(cell="gru", hidden_size=12, num_layers=2, vocab_size=9)
EOS = 8
ENGINE = CpuEngine(CONFIG, threads=1)


def parameters() -> dict[str, Any]:
    scaled = initialize(CONFIG, 0)
    return {name: (3 * array).astype(np.float32) for name, array in scaled.items()}


def stream(lengths: list[int]) -> TokenStream:
    rng = np.random.default_rng(len(lengths))
    ids = [np.append(rng.integers(1, EOS, n), EOS) for n in lengths]
    starts = np.cumsum([0, *(len(r) for r in ids)])[:-1]
    return TokenStream(np.concatenate(ids).astype(np.uint8), starts.astype(np.int64), sum(lengths))


def nats_by_hand(ids: Any) -> float:
    """Walk through ids one symbol at a time, from logits, carrying the state."""
    state, total, before, values = ENGINE.initial_state(1), 0.0, EOS, parameters()
    for target in ids.tolist():
        logits, state = ENGINE.logits(values, np.array([[before]], np.int32), state)
        row = logits[0, 0, 1:].astype(np.float64)  # <pad> is not in the softmax
        total += math.log(np.exp(row - row.max()).sum()) + row.max() - row[target - 1]
        before = target
    return total


def test_records_are_read_each_on_its_own_and_every_symbol_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "BATCH_SYMBOLS", 64)  # several batches, several blocks of records
    monkeypatch.setattr(streams, "RECORDS_AT_ONCE", 5)
    corpus = stream([3, 0, 17, 300, 5, 5, 1, 9, 2, 30, 4])
    result = evaluate_stream(ENGINE, parameters(), corpus, eos_id=EOS, document=False)
    records = np.split(corpus.ids, corpus.starts[1:])
    nats = sum(nats_by_hand(record) for record in records)
    assert result.loss * len(corpus.ids) == pytest.approx(nats, rel=1e-5)
    assert result.symbols == len(corpus.ids)
    assert result.characters == 376
    assert result.bits_per_character == pytest.approx(nats / math.log(2) / 376, rel=1e-5)
    assert result.perplexity == pytest.approx(math.exp(nats / len(corpus.ids)), rel=1e-5)


def test_a_document_in_one_lane_is_read_exactly() -> None:
    corpus = stream([40, 700, 3])
    result = evaluate_stream(ENGINE, parameters(), corpus, eos_id=EOS, document=True)
    assert result.loss * result.symbols == pytest.approx(nats_by_hand(corpus.ids), rel=1e-5)


def test_a_document_in_many_lanes_is_read_almost_exactly() -> None:
    corpus = stream([3100])
    windows = list(document_lanes(corpus, EOS))
    assert windows[0].ids.shape[1] == 3
    result = evaluate_stream(ENGINE, parameters(), corpus, eos_id=EOS, document=True)
    assert result.loss * result.symbols == pytest.approx(nats_by_hand(corpus.ids), rel=1e-4)


@pytest.mark.parametrize("length", [1, 255, 256, 257, 2047, 2048, 2049, 5001, 66_000, 80_000])
def test_lanes_of_a_document_count_every_target_once_and_read_what_stands_before_it(length: int) -> None:
    ids = np.arange(1, length + 1, dtype=np.uint32)  # every symbol its own position
    corpus = TokenStream(ids, np.array([0], np.int64), length)
    windows = list(document_lanes(corpus, 0))
    inputs, targets = (np.concatenate([getattr(w, name) for w in windows]) for name in ("ids", "targets"))
    counted = targets > 0
    assert sorted(targets[counted].tolist()) == list(range(1, length + 1))
    np.testing.assert_array_equal(inputs[counted], targets[counted] - 1)
    for column, count in zip(inputs.T, counted.T, strict=True):
        read = column[: np.flatnonzero(count)[-1] + 1] if count.any() else column[:0]
        np.testing.assert_array_equal(np.diff(read.astype(np.int64)), 1)  # no gap in what a lane reads
    assert inputs.dtype == targets.dtype == np.int32


def test_an_empty_stream_is_refused() -> None:
    empty = TokenStream(np.zeros(0, np.uint8), np.zeros(0, np.int64), 0)
    with pytest.raises(CorpusError, match="nothing to evaluate"):
        evaluate_stream(ENGINE, parameters(), empty, eos_id=EOS, document=False)


def test_bits_per_character_spreads_all_bits_over_the_characters() -> None:
    assert bits_per_character(4 * math.log(2), 2) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("records", "document", "enough"),
    [(10, False, True), (9, False, False), (200, True, True), (199, True, False)],
)
def test_ten_different_texts_or_two_hundred_characters_say_enough(
    records: int, document: bool, enough: bool
) -> None:
    texts = [[EOS - 1 - n // 7, 1 + n % 7, EOS] for n in range(records)] if not document else [[1] * records]
    ids = np.concatenate([*texts, *([] if document else texts[:3])]).astype(np.uint8)  # three come twice
    size = len(texts[0])
    corpus = TokenStream(ids, np.arange(0, len(ids), size), records if document else 2 * len(ids) // 3)
    assert streams.says_enough(corpus, document=document) is enough


def test_only_the_first_records_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RECORDS_AT_ONCE", 9)
    assert not streams.says_enough(stream(list(range(20))), document=False)
    monkeypatch.setattr(streams, "RECORDS_AT_ONCE", 10)
    assert streams.says_enough(stream(list(range(20))), document=False)


def test_an_evaluation_is_made_of_the_nats_of_its_parts() -> None:
    corpus = stream([1, 2])  # five symbols, three characters
    found = streams.evaluation_of(corpus, [4.0, 1.0], exact=0.25)
    assert (found.loss, found.symbols, found.characters, found.exact) == (1.0, 5, 3, 0.25)
    assert found.bits_per_character == pytest.approx(5 / math.log(2) / 3)
    assert found.perplexity == pytest.approx(math.e)
    assert found.unspelled is None
    assert streams.evaluation_of(corpus, [4.0]).exact is None
    assert math.isfinite(streams.evaluation_of(corpus, [5 * 699.0]).perplexity)
    assert streams.evaluation_of(corpus, [5 * 701.0]).perplexity == math.inf
    assert "unspelled" not in found._repr_html_()
    assert "bits per character" in found._repr_html_()
    assert "Evaluation" in found._repr_html_()


@pytest.mark.parametrize("document", [False, True])
def test_the_parts_count_every_token_and_what_was_read_is_given_back(
    document: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BATCH_SYMBOLS", 64)
    given_back: list[int] = []
    monkeypatch.setattr(TokenStream, "give_back", lambda self: given_back.append(id(self)))
    corpus = stream([3, 0, 17, 300, 5, 5])
    parts = list(streams.stream_nats(ENGINE, parameters(), corpus, eos_id=EOS, document=document))
    assert sum(count for _, count in parts) == len(corpus)
    assert set(given_back) == {id(corpus)}


def test_as_many_answers_are_written_as_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def answered(engine: object, values: object, corpus: object, **options: Any) -> float:
        asked.append((engine, corpus, options))
        return 0.5

    monkeypatch.setattr(streams, "answered_exactly", answered)
    corpus = stream([3, 4])
    found = evaluate_stream(ENGINE, parameters(), corpus, eos_id=EOS, document=False, most_answers=7)
    assert found.exact == 0.5
    assert asked == [(ENGINE, corpus, {"eos_id": EOS, "most": 7})]


def test_a_loss_that_is_not_finite_is_refused() -> None:
    broken = {name: np.full_like(array, np.nan) for name, array in parameters().items()}
    with pytest.raises(NetworkError):
        evaluate_stream(ENGINE, broken, stream([3, 4]), eos_id=EOS, document=False)
