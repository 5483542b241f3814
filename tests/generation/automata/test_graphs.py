"""Tables of transitions, with graphs worked by hand."""

import numpy as np

from unspool._generation.automata import graphs
from unspool._generation.automata.automaton import DEAD

# 0 goes to 1 or nowhere, 1 to itself, and nobody to 2, the last one, which would go to 0.
TABLE = np.array([[1, DEAD], [1, 1], [0, DEAD]], np.int32)


def test_what_leads_nowhere_reaches_nothing() -> None:
    assert graphs.reachable(TABLE, np.array([0])).tolist() == [True, True, False]
    assert graphs.reachable(TABLE, np.array([2, 2])).tolist() == [True, True, True]
    assert graphs.reachable(TABLE, np.array([], np.int64)).tolist() == [False, False, False]


def test_the_last_state_is_not_reached_by_what_leads_nowhere() -> None:
    table = np.array([[1, DEAD], [1, 1], [2, 2], [2, DEAD]], np.int32)
    assert graphs.reachable(table, np.array([0])).tolist() == [True, True, False, False]


def test_distances_count_the_fewest_letters() -> None:
    assert graphs.distances(TABLE, np.array([False, True, False])).tolist() == [1, 0, 2]
    assert graphs.distances(TABLE, np.array([False, False, True])).tolist() == [-1, -1, 0]
    assert graphs.distances(TABLE, np.array([False, False, False])).tolist() == [-1, -1, -1]


def test_states_that_are_kept_are_numbered_anew() -> None:
    kept = graphs.keep_states(TABLE, np.array([True, False, True]))
    assert kept.tolist() == [[DEAD, DEAD], [0, DEAD]]


def test_rows_are_numbered_as_they_come() -> None:
    first, number = graphs.distinct_rows(np.array([[3, 1], [0, 0], [3, 1], [0, 1]]))
    assert (first.tolist(), number.tolist()) == ([0, 1, 3], [0, 1, 0, 2])
    first, number = graphs.distinct_rows(np.zeros((3, 0)))
    assert (first.tolist(), number.tolist()) == ([0], [0, 0, 0])
    first, number = graphs.distinct_rows(np.zeros((0, 0)))
    assert (first.tolist(), number.tolist()) == ([], [])


def test_letters_that_lead_to_the_same_states_are_one() -> None:
    table = np.array([[1, 0, 1], [2, 0, 2]], np.int32)
    classes, merged = graphs.merge_columns(np.array([0, 1, 2, 1], np.int32), table)
    assert (classes.tolist(), merged.tolist()) == ([0, 1, 0, 1], [[1, 0], [2, 0]])


def test_classes_of_two_automata_are_fine_enough_for_both() -> None:
    number, one, other = graphs.shared_classes(
        np.array([0, 0, 1, 0], np.int32), np.array([5, 6, 6, 5], np.int32)
    )
    assert (number.tolist(), one.tolist(), other.tolist()) == ([0, 1, 2, 0], [0, 0, 1], [5, 6, 6])


def test_two_automata_in_parallel_are_dead_where_one_is() -> None:
    other = np.array([[0, 1], [DEAD, 0]], np.int32)
    table, pairs = graphs.product(TABLE, other, np.array([[2, 1], [0, 0], [2, 1]]))
    assert pairs.tolist() == [[2, 1], [0, 0], [1, 0], [1, 1]]
    assert table.tolist() == [[DEAD, DEAD], [2, DEAD], [2, 3], [DEAD, 2]]
