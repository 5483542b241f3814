"""Native tables of counts against the same in plain Python."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernels.plain_counts import PlainCounts, contexts_of
from unspool._kernels.arrays import UNSIGNED
from unspool._kernels.counts import MOST_ORDER, CountMixer, CountTable, count

V, END = 6, 5
TEXTS = st.lists(st.integers(1, END), min_size=1, max_size=80)


def table_of(ids: list[int], *, order: int = 3, least: int = 1, vocab_size: int = V) -> CountTable:
    array = np.array(ids, np.uint8 if vocab_size < 256 else np.uint16)
    table = count(array, vocab_size=vocab_size, order=order, end_id=vocab_size - 1, least=least)
    assert table is not None
    return table


def random_weights(table: CountTable, seed: int) -> CountTable:
    weights = np.random.default_rng(seed).uniform(0.1, 1.2, table.weights.shape).astype(np.float32)
    return replace(table, weights=weights)


@settings(max_examples=200, deadline=None)
@given(ids=TEXTS, order=st.integers(1, 5), least=st.integers(1, 3), dtype=st.sampled_from(UNSIGNED))
def test_contexts_and_what_follows_them(ids: list[int], order: int, least: int, dtype: Any) -> None:
    table = count(np.array(ids, dtype), vocab_size=V, order=order, end_id=END, least=least)
    assert table is not None
    plain = PlainCounts(ids, vocab_size=V, order=order, end_id=END, least=least)
    assert contexts_of(table) == plain.followed
    assert np.allclose(table.discounts, plain.discounts, atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(ids=TEXTS, read=TEXTS, order=st.integers(1, 5), seed=st.integers(0, 99))
def test_mixtures(ids: list[int], read: list[int], order: int, seed: int) -> None:
    table = random_weights(table_of(ids, order=order), seed)
    plain = PlainCounts(ids, vocab_size=V, order=order, end_id=END, least=1)
    logits = np.random.default_rng(seed).normal(0, 3, (len(read), V)).astype(np.float32)
    logits[:, 0] = -np.inf
    contexts = np.zeros((len(read), order), np.int32)
    for row, place in enumerate(range(1, len(read) + 1)):
        last = read[:place][::-1][:order]
        contexts[row, : len(last)] = last
    expected = [
        plain.log_mixture(read[: row + 1], logits[row].astype(np.float64), table.weights.astype(np.float64))
        for row in range(len(read))
    ]
    rows = [plain.probabilities(read[: row + 1])[1] for row in range(len(read))]
    targets = np.array([*read[1:], 0], np.int32)
    mixed = logits.copy()
    losses, used = CountMixer(table, V, threads=2).mix(mixed, contexts, targets)
    found = mixed[:, 1:] - np.log(np.exp(mixed[:, 1:]).sum(axis=1, keepdims=True))
    assert np.allclose(found, expected, atol=2e-5)
    assert used.tolist() == rows
    assert losses is not None
    assert losses[-1] == 0
    by_hand = [-expected[row][target - 1] for row, target in enumerate(read[1:])]
    assert np.allclose(losses[:-1], by_hand, atol=2e-5)
    assert np.isneginf(mixed[:, 0]).all()


@pytest.mark.parametrize("vocab_size", [2, 17, 300, 1 << 16])
def test_probabilities_sum_to_one(vocab_size: int) -> None:
    rng = np.random.default_rng(1)
    ids = (1 + (rng.zipf(1.3, 4000) - 1) % (vocab_size - 1)).astype(np.uint32)
    table = count(ids, vocab_size=vocab_size, order=4, end_id=vocab_size - 1, least=2)
    assert table is not None
    contexts = np.lib.stride_tricks.sliding_window_view(ids.astype(np.int32), 4)[:50, ::-1]
    logits = np.zeros((50, vocab_size), np.float32)
    logits[:, 0] = -np.inf
    CountMixer(table, vocab_size, threads=1).mix(logits, np.ascontiguousarray(contexts))
    sums = np.exp(logits.astype(np.float64)).sum(axis=1)
    assert np.abs(sums - 1).max() < 1e-5


def test_logarithms_over_the_whole_range() -> None:
    """The counts of an empty table are all alike: with ever smaller weights only ln(1 / 5) is left."""
    table = table_of([1, 2, 3, 4, 5] * 3, order=1)
    logits = np.zeros((1, V), np.float32)
    logits[:, 0] = -np.inf
    CountMixer(table, V, threads=1).mix(logits, np.array([[0]], np.int32))
    plain = PlainCounts([1, 2, 3, 4, 5] * 3, vocab_size=V, order=1, end_id=END, least=1)
    assert np.allclose(logits[0, 1:], np.log(plain.probabilities([])[0][1:]), atol=1e-6)


def test_counts_too_large_for_an_entry_are_halved() -> None:
    ids = np.array([1, 5] * 70_000 + [2, 5] * 3 + [3, 5] * 30_000, np.uint8)
    table = count(ids, vocab_size=V, order=1, end_id=END)
    assert table is not None
    assert contexts_of(table)[5,] == {1: 35_000, 2: 1, 3: 15_000}


def test_a_table_that_would_be_too_large() -> None:
    ids = np.random.default_rng(0).integers(1, 6, 3000).astype(np.uint8)
    table = count(ids, vocab_size=V, order=6, end_id=END)
    assert table is not None
    arrays = ("first_child", "first_entry", "symbols", "tokens", "counts")
    size = sum(getattr(table, name).nbytes for name in arrays) - 8
    assert count(ids, vocab_size=V, order=6, end_id=END, most_bytes=size) is not None
    assert count(ids, vocab_size=V, order=6, end_id=END, most_bytes=size - 1) is None


GOOD = table_of([1, 2, 3, 5, 1, 2, 4, 5], order=2, least=1)


@pytest.mark.parametrize(
    "change",
    [
        {"first_child": GOOD.first_child[::-1].copy()},
        {"first_child": GOOD.first_child[:-1].copy()},
        {"first_entry": np.zeros_like(GOOD.first_entry)},
        {"first_entry": GOOD.first_entry + np.uint32(1)},
        {"symbols": GOOD.symbols.astype(np.uint32)},
        {"symbols": GOOD.symbols[::2].copy()},
        {"tokens": GOOD.tokens[:-1].copy()},
        {"counts": np.zeros_like(GOOD.counts)},
        {"discounts": np.zeros_like(GOOD.discounts)},
        {"discounts": GOOD.discounts * 9},
        {"discounts": np.ones((MOST_ORDER + 2, 3), np.float32)},
        {"weights": GOOD.weights * np.float32(np.nan)},
        {"weights": GOOD.weights[:1].copy()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_arrays_that_are_no_table(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(GOOD, **change)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"vocab_size": 1}, "vocab_size"),
        ({"vocab_size": (1 << 16) + 1}, "vocab_size"),
        ({"vocab_size": 3, "end_id": 2}, "ids"),
        ({"order": 0}, "order"),
        ({"order": MOST_ORDER + 1}, "order"),
        ({"end_id": 0}, "end_id"),
        ({"end_id": V}, "end_id"),
        ({"least": 0}, "least"),
        ({"ids": np.array([0, 1], np.uint8)}, "ids"),
        ({"ids": np.array([], np.uint8)}, "ids"),
        ({"ids": np.array([1, 2], np.int64)}, "ids"),
    ],
)
def test_what_cannot_be_counted(change: dict[str, Any], name: str) -> None:
    given = {"ids": np.array([1, 2, 3, 4, 5], np.uint8), "vocab_size": V, "order": 2, "end_id": END}
    with pytest.raises(ValueError, match=name):
        count(**given | change)


def test_what_cannot_be_mixed() -> None:
    mixer = CountMixer(GOOD, V, threads=1)
    logits, contexts = np.zeros((2, V), np.float32), np.zeros((2, 2), np.int32)
    with pytest.raises(ValueError, match="vocab_size"):
        CountMixer(GOOD, V - 1, threads=1)
    with pytest.raises(ValueError, match="logits"):
        mixer.mix(logits[:, :-1].copy(), contexts)
    with pytest.raises(ValueError, match="contexts"):
        mixer.mix(logits, contexts[:, :1].copy())
    with pytest.raises(ValueError, match="targets"):
        mixer.mix(logits, contexts, np.array([1, V], np.int32))


def test_contexts_with_symbols_that_no_text_has() -> None:
    """Ids outside the vocabulary, as an encoder's are, are in no context."""
    logits = np.zeros((3, V), np.float32)
    logits[:, 0] = -np.inf
    contexts = np.array([[-1, 3], [1 << 30, 3], [0, 0]], np.int32)
    _, used = CountMixer(GOOD, V, threads=1).mix(logits, contexts)
    assert used.tolist() == [0, 0, 0]
    assert np.array_equal(logits[0], logits[2])
