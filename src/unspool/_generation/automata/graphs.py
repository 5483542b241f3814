"""Arithmetic on tables of transitions, for automata over characters and over tokens.

A table has a row for each state and a column for each class of letters; an entry is `DEAD` if there is no
next state. All operations work on many states at once, so that tables of millions of entries take only about
a second.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD
from unspool._interruptible import check_wanted

Table = NDArray[np.int32]

MOST_ENTRIES = 2**24  # in a table: 64 MiB


def check_size(states: int, classes: int) -> None:
    """Refuse a table that would be too large.

    Raises:
        ConfigError: If it would have more than `MOST_ENTRIES` entries.
    """
    if states * classes > MOST_ENTRIES:
        raise ConfigError(
            "the constraint is too large",
            expected=f"a table of at most {MOST_ENTRIES:,} entries",
            got=f"{states:,} states × {classes:,} classes of symbols, or more",
            hint="make it simpler: a smaller max_length, shorter counted repeats, fewer choices",
        )


def distinct_rows(matrix: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Number the different rows of a matrix in order of first appearance.

    Args:
        matrix: Any values; two are equal if their bytes are.  # (N, M)

    Returns:
        The first place of each different row, (K,), and the number of each row, (N,).
    """
    if matrix.shape[1] == 0:
        return np.zeros(min(1, len(matrix)), np.int64), np.zeros(len(matrix), np.int32)
    rows = np.ascontiguousarray(matrix)
    whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).reshape(-1)
    _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse.reshape(-1)]


def distances(table: Table, accepting: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the fewest letters from each state to an accepting one, -1 if there is no path.  # (S,)."""
    S, C = table.shape
    targets = table.reshape(-1)
    order = np.argsort(targets, kind="stable")
    order = order[np.searchsorted(targets, 0, sorter=order) :]
    sources = order // C
    ends = np.searchsorted(targets[order], np.arange(S + 1))
    distance = np.where(accepting, 0, -1).astype(np.int32)
    frontier = np.flatnonzero(accepting)
    steps = 0
    while len(frontier):
        check_wanted()
        steps += 1
        counts = ends[frontier + 1] - ends[frontier]
        offsets = np.repeat(ends[frontier] - np.cumsum(counts) + counts, counts)
        before = np.unique(sources[offsets + np.arange(len(offsets))])
        frontier = before[distance[before] < 0]
        distance[frontier] = steps
    return distance


def reachable(table: Table, starts: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which states can be reached from the starts.  # (S,)."""
    reached = np.zeros(len(table) + 1, np.bool_)  # the last one stands for DEAD
    reached[-1] = True
    frontier = np.unique(starts)
    while len(frontier):
        check_wanted()
        reached[frontier] = True
        after = np.unique(table[frontier])
        frontier = after[~reached[after]]
    return reached[:-1]


def keep_states(table: Table, kept: NDArray[np.bool_]) -> Table:
    """Return the table of some states, in their order; transitions to the other states are `DEAD`."""
    number = np.full(len(table) + 1, DEAD, np.int32)
    number[:-1][kept] = np.arange(np.count_nonzero(kept))
    rows: Table = number[table[kept]]
    return rows


def merge_columns(classes: NDArray[np.int32], table: Table) -> tuple[NDArray[np.int32], Table]:
    """Merge the classes of letters that lead to the same states everywhere."""
    first, number = distinct_rows(np.ascontiguousarray(table.T))
    return number[classes], np.ascontiguousarray(table[:, first])


def shared_classes(
    one: NDArray[np.int32], other: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return classes fine enough for two automata, and the class of each in both automata."""
    both = np.stack([one, other], axis=1)  # (A, 2)
    first, number = distinct_rows(both)
    return number, one[first], other[first]


def product(one: Table, other: Table, starts: NDArray[np.int64]) -> tuple[Table, NDArray[np.int64]]:
    """Return the table of two automata that read the same letters in parallel.

    Args:
        one: A table.  # (S, C)
        other: The other table.  # (Z, C)
        starts: Pairs of states to start from.  # (N, 2)

    Returns:
        The table of all reachable pairs, and these pairs. The starts come first, each once, in the order of
        their first appearance.  # (P, C), (P, 2)

    Raises:
        ConfigError: If the table would be too large.
    """
    Z, C = len(other), one.shape[1]
    begin = dict.fromkeys((starts[:, 0] * Z + starts[:, 1]).tolist())
    known = {DEAD, *begin}
    frontier = np.array(list(begin), np.int64)
    frontiers, rows = [], []
    while len(frontier):
        check_wanted()
        check_size(len(known), C)
        left, right = one[frontier // Z], other[frontier % Z]  # (n, C) each
        codes = np.where((left < 0) | (right < 0), DEAD, left.astype(np.int64) * Z + right)
        frontiers.append(frontier)
        rows.append(codes)
        fresh = [code for code in np.unique(codes).tolist() if code not in known]
        known.update(fresh)
        frontier = np.array(fresh, np.int64)
    pairs, table = np.concatenate(frontiers), np.concatenate(rows)
    order = np.argsort(pairs)
    places = order[np.searchsorted(pairs, table, sorter=order).clip(max=len(pairs) - 1)]
    numbered = np.where(table == DEAD, DEAD, places).astype(np.int32)
    return numbered, np.stack([pairs // Z, pairs % Z], axis=1)
