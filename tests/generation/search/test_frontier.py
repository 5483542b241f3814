"""Waiting candidates come back by their buckets, are counted in bytes, and states have room for so many."""

import numpy as np
import pytest

from unspool._generation.search.frontier import Buckets, Candidates, StatePool, probability_buckets


def candidates(*totals: float) -> Candidates:
    count = len(totals)
    return Candidates(np.arange(count), np.arange(10, 10 + count, dtype=np.int32), np.array(totals))


def test_a_bucket_is_a_quarter_of_a_nat() -> None:
    totals = np.array([0.0, -0.2, -0.25, -0.49, -0.5, -3.1])
    assert probability_buckets(totals).tolist() == [0, 0, 1, 1, 2, 12]


def test_the_size_is_that_of_the_arrays() -> None:
    some, buckets = candidates(-1.0, -2.0, -0.1), Buckets()
    assert (buckets.nbytes, buckets.mass, buckets.first) == (0, 0.0, None)
    buckets.add(some, np.array([4, 8, 0]))
    assert buckets.nbytes == some.parents.nbytes + some.tokens.nbytes + some.totals.nbytes == 3 * 20
    assert buckets.mass == pytest.approx(np.exp([-1.0, -2.0, -0.1]).sum())
    assert (buckets.first, buckets.size) == (0, 3)


def test_the_first_buckets_are_taken_first_and_what_is_left_is_counted() -> None:
    buckets = Buckets()
    buckets.add(candidates(-1.0, -2.0, -0.1, -1.1), np.array([4, 8, 0, 4]))
    buckets.map(np.array([7, 6, 5, 4]))
    taken = buckets.take(2)
    assert taken.parents.tolist() == [5, 7]
    assert (buckets.first, buckets.size, buckets.nbytes) == (4, 2, 40)
    assert buckets.mass == pytest.approx(np.exp([-2.0, -1.1]).sum())
    assert buckets.take_bucket().tokens.tolist() == [13]
    assert [part.parents.tolist() for part in buckets.all()] == [[6]]
    assert buckets.take(9).totals.tolist() == [-2.0]
    assert (buckets.first, buckets.size, buckets.mass) == (None, 0, 0.0)


def test_states_have_a_slot_until_they_are_read_as_often_as_said_while_there_is_room() -> None:
    states = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 1, 3, 4)  # (L, S, B, H)
    pool = StatePool(states[:, :, :1], room=2 * states[:, :, :1].nbytes)
    assert pool.put(states, np.array([2, 0, 1])).tolist() == [0, -1, 1]
    assert pool.put(states, np.array([1, 1, 1])).tolist() == [-1, -1, -1]
    np.testing.assert_array_equal(pool.get(np.array([1, 0])), states[:, :, [2, 0]])
    assert pool.put(states[:, :, 1:2], np.array([1])).tolist() == [1]
    np.testing.assert_array_equal(pool.get(np.array([0, 1])), states[:, :, [0, 1]])
    assert sorted(pool.put(states, np.array([1, 1, 1])).tolist()) == [-1, 0, 1]
