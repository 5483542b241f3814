"""Padded batches: every sequence once, padding never counted, the bound kept."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError
from unspool._text.streams.batches import padded_batches

EOS = 9
sequences = st.lists(st.lists(st.integers(1, 8), max_size=12), max_size=15)


def stream(sequences: list[list[int]], dtype: type = np.int32) -> tuple[np.ndarray, np.ndarray]:
    """Put sequences one after the other, each closed by its <eos>."""
    closed = [np.array([*sequence, EOS], dtype) for sequence in sequences]
    return np.concatenate([np.zeros(0, dtype), *closed]), np.array([*map(len, closed)], np.int64)


@given(sequences, st.integers(1, 60), st.integers(1, 5))
def test_every_sequence_is_there_once_and_whole(
    sequences: list[list[int]], max_symbols: int, steps: int
) -> None:
    seen = {}
    for batch in padded_batches(*stream(sequences), max_symbols=max_symbols, first_id=7):
        windows = list(batch.windows(steps))
        assert all(window.ids.shape[0] == steps for window in windows[:-1])
        all_ids, all_targets = (
            np.concatenate([getattr(window, name) for window in windows]) for name in ("ids", "targets")
        )
        for column, index in enumerate(batch.indices.tolist()):
            assert index not in seen
            ids, targets = all_ids[:, column].tolist(), all_targets[:, column].tolist()
            size = len(sequences[index])
            assert ids[0] == 7
            assert ids[1 : size + 1] == sequences[index]
            assert targets[: size + 1] == [*sequences[index], EOS]
            assert not any(ids[size + 1 :])
            assert not any(targets[size + 1 :])
            seen[index] = size
    assert seen == dict(enumerate(map(len, sequences)))


@given(sequences, st.integers(1, 60), st.integers(1, 5))
def test_values_go_where_their_targets_stand(
    sequences: list[list[int]], max_symbols: int, steps: int
) -> None:
    ids, sizes = stream(sequences)
    out = np.zeros_like(ids)
    for batch in padded_batches(ids, sizes, max_symbols=max_symbols, first_id=EOS):
        for number, window in enumerate(batch.windows(steps)):
            batch.scatter(window.targets, top=number * steps, out=out)
    np.testing.assert_array_equal(out, ids)


@given(sequences, st.integers(1, 60))
def test_the_bound_is_kept_and_batches_are_full(sequences: list[list[int]], max_symbols: int) -> None:
    batches = list(padded_batches(*stream(sequences, np.uint8), max_symbols=max_symbols, first_id=EOS))
    for batch in batches:
        (window,) = batch.windows(100)
        length, size = window.ids.shape
        assert length * size <= max_symbols or size == 1
        assert length == 1 + max(len(sequences[i]) for i in batch.indices)
        assert window.ids.dtype == window.targets.dtype == np.int32
        assert window.ids.flags.c_contiguous
    for batch, following in itertools.pairwise(batches):
        next_length = 1 + len(sequences[following.indices[0]])
        assert next_length >= batch.sizes[-1]
        assert next_length * (len(batch.indices) + 1) > max_symbols


def test_a_long_sequence_comes_alone() -> None:
    ids, sizes = stream([[1] * size for size in (1000, 3, 3)])
    first, second = padded_batches(ids, sizes, max_symbols=16, first_id=EOS)
    assert first.indices.tolist() == [1, 2]
    assert second.indices.tolist() == [0]
    assert [window.ids.shape for window in second.windows(600)] == [(600, 1), (401, 1)]


def test_a_batch_has_a_bound_of_columns_too() -> None:
    ids, sizes = stream([[1]] * 7)
    batches = padded_batches(ids, sizes, max_symbols=100, max_columns=3, first_id=EOS)
    assert [len(batch.indices) for batch in batches] == [3, 3, 1]


def test_nothing_gives_nothing() -> None:
    assert list(padded_batches(*stream([]), max_symbols=1, first_id=EOS)) == []


@pytest.mark.parametrize("max_symbols", [0, -1, 1.5])
def test_the_bound_has_a_range(max_symbols: int) -> None:
    with pytest.raises(ConfigError, match="max_symbols must be a whole number ≥ 1"):
        padded_batches(*stream([]), max_symbols=max_symbols, first_id=EOS)
