"""Random streams: published values, uniformity, entry at any place."""

import numpy as np

from unspool._generation.sampling.random import fresh_seed, raw, sequence_keys, uniform


def test_a_stream_is_splitmix64() -> None:
    # The first outputs of the reference implementation from the seed 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    counters = np.arange(4, dtype=np.uint64)
    assert raw(np.full(4, 1234567, np.uint64), counters).tolist() == expected


def test_numbers_are_uniform_and_independent_of_order() -> None:
    key = sequence_keys(0, 1)[0]
    numbers = np.array([uniform(key, k) for k in range(4000)])
    assert 0 <= numbers.min() < 0.005
    assert 0.995 < numbers.max() < 1
    counts = np.histogram(numbers, bins=20, range=(0, 1))[0]
    assert ((counts - 200) ** 2 / 200).sum() < 43.8  # chi-square, 19 degrees of freedom, 0.1 %
    assert uniform(key, 17) == numbers[17]


def test_keys_are_those_of_the_index_whatever_the_count() -> None:
    keys = sequence_keys(2**64 - 1, 100)
    assert len(set(keys.tolist())) == 100
    assert np.array_equal(sequence_keys(2**64 - 1, 10, first=90), keys[90:])


def test_fresh_seeds_differ() -> None:
    assert fresh_seed() != fresh_seed()
