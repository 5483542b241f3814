"""Walking an automaton over token ids, and what it lets through."""

import numpy as np

from unspool._generation.automata.automaton import DEAD, TokenAutomaton

# <pad> a b <eos>: texts of "ab" repeated, at least once
AB = TokenAutomaton(
    classes=np.array([0, 0, 1, 0], np.int32),
    transitions=np.array([[1, DEAD], [DEAD, 2], [1, DEAD]], np.int32),
    distance=np.array([2, 1, 0], np.int32),
)
PAD, A, B, EOS = range(4)


def test_a_walk_follows_the_symbols() -> None:
    assert AB.walk([]) == 0
    assert AB.walk([A, B]) == 2
    assert AB.walk([B], state=AB.walk([A])) == 2
    assert AB.walk([A, A, B]) == DEAD


def test_only_what_leads_on_may_come() -> None:
    assert np.flatnonzero(AB.allowed(0, 9)).tolist() == [A]
    assert np.flatnonzero(AB.allowed(1, 9)).tolist() == [B]
    assert np.flatnonzero(AB.allowed(2, 9)).tolist() == [A, EOS]


def test_nothing_is_begun_that_cannot_be_finished_in_time() -> None:
    assert np.flatnonzero(AB.allowed(2, 2)).tolist() == [A, EOS]
    assert np.flatnonzero(AB.allowed(2, 1)).tolist() == [EOS]


def test_many_sequences_are_let_through_as_each_alone() -> None:
    states, left = np.array([0, 1, 2, DEAD, 2]), np.array([9, 1, 2, 5, 1])
    together = AB.allowed_from(states, left)
    for row, state, few in zip(together, states, left, strict=True):
        wanted = AB.allowed(int(state), int(few)) if state != DEAD else np.zeros(4, bool)
        np.testing.assert_array_equal(row, wanted)
    np.testing.assert_array_equal(AB.allowed_from(states, 2), AB.allowed_from(states, np.full(5, 2)))


def test_many_sequences_go_on_as_each_alone() -> None:
    states, ids = np.array([0, 0, 1, 2, DEAD]), np.array([A, B, B, A, A])
    assert AB.step(states, ids).tolist() == [1, DEAD, 2, 1, DEAD]


def test_several_walk_side_by_side() -> None:
    states = np.array([0, 1, 0, DEAD], np.int32)
    for ids, reached in (([A, B, B, A], [1, 2, DEAD, DEAD]), ([B, A, A, A], [2, 1, DEAD, DEAD])):
        states = AB.step(states, np.array(ids))
        assert (states.dtype, states.tolist()) == (np.int32, reached)
