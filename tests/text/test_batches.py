"""Padded batches: every sequence once, padding never counted, the bound kept."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool.errors import ConfigError
from unspool.text.batches import padded_batches

EOS = 9
sequences = st.lists(st.lists(st.integers(1, 8), max_size=12), max_size=15)


@given(sequences, st.integers(1, 60))
def test_every_sequence_is_there_once_and_whole(sequences: list[list[int]], max_symbols: int) -> None:
    seen = {}
    for batch in padded_batches(
        [np.array(s, np.int32) for s in sequences], max_symbols=max_symbols, eos_id=EOS
    ):
        for column, index in enumerate(batch.indices.tolist()):
            assert index not in seen
            ids, targets = batch.window.ids[:, column].tolist(), batch.window.targets[:, column].tolist()
            size = len(sequences[index])
            assert ids[0] == EOS
            assert ids[1 : size + 1] == sequences[index]
            assert targets[: size + 1] == [*sequences[index], EOS]
            assert not any(ids[size + 1 :])
            assert not any(targets[size + 1 :])
            seen[index] = size
    assert seen == dict(enumerate(map(len, sequences)))


@given(sequences, st.integers(1, 60))
def test_the_bound_is_kept_and_batches_are_full(sequences: list[list[int]], max_symbols: int) -> None:
    arrays = [np.array(s, np.uint8) for s in sequences]
    batches = list(padded_batches(arrays, max_symbols=max_symbols, eos_id=EOS))
    for batch in batches:
        length, size = batch.window.ids.shape
        assert length * size <= max_symbols or size == 1
        assert length == 1 + max(len(sequences[i]) for i in batch.indices)
        assert batch.window.ids.dtype == batch.window.targets.dtype == np.int32
        assert batch.window.ids.flags.c_contiguous
    for batch, following in itertools.pairwise(batches):
        next_length = 1 + len(sequences[following.indices[0]])
        assert next_length >= len(batch.window.ids)
        assert next_length * (len(batch.indices) + 1) > max_symbols


def test_a_long_sequence_comes_alone() -> None:
    arrays = [np.ones(size, np.int32) for size in (1000, 3, 3)]
    first, second = padded_batches(arrays, max_symbols=16, eos_id=EOS)
    assert first.indices.tolist() == [1, 2]
    assert second.indices.tolist() == [0]
    assert second.window.ids.shape == (1001, 1)


def test_nothing_gives_nothing() -> None:
    assert list(padded_batches([], max_symbols=1, eos_id=EOS)) == []


@pytest.mark.parametrize("max_symbols", [0, -1, 1.5])
def test_the_bound_has_a_range(max_symbols: int) -> None:
    with pytest.raises(ConfigError, match="parameter max_symbols: expected a whole number ≥ 1"):
        padded_batches([], max_symbols=max_symbols, eos_id=EOS)
