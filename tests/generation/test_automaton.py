"""Walking an automaton over token ids, and what it lets through."""

import numpy as np

from unspool.generation.automaton import DEAD, TokenAutomaton

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
