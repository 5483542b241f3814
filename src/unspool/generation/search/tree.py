"""The tree of the beginnings that a search has read: a few bytes for each, in columns that grow."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

NO_NODE = -1
ROW = np.dtype(
    [
        ("parent", np.int32),
        ("symbol", np.int32),
        ("depth", np.int32),  # symbols after the prompt
        ("total", np.float64),  # log-probability of these symbols under the model
        ("allowed", np.float64),  # log-probability that they and the next one are what a constraint allows
        ("guide", np.int32),  # state of the constraint's automaton
        ("slot", np.int32),  # where an enumeration keeps the network's state
    ]
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Hold how one text of a search went on after its prompt.

    Args:
        ids: The symbols, without `<eos>`, int32.  # (N,)
        logprobs: The log-probability of each, float32; one more than ids where `<eos>` came.
        total: Their sum, as the search has it in float64.
        constrained: The same where each step's probabilities are shared out among what the constraint
            allows; None without a constraint.
        ended: Whether `<eos>` came.
        score: What the search ranks it by.
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    total: float
    constrained: float | None
    ended: bool
    score: float


class Tree:
    """Keep beginnings as nodes, each a symbol longer than its parent.

    Args:
        guides: For each root, a node without symbols, the automaton's state there; roots come first.  # (R,)
    """

    def __init__(self, guides: NDArray[np.int32]) -> None:
        self._roots = self.size = len(guides)
        self._rows = np.zeros(max(1 << 10, self.size), ROW)
        self._rows["parent"][: self.size] = NO_NODE
        self._rows["guide"][: self.size] = guides

    @property
    def nbytes(self) -> int:
        """Count the bytes of all nodes, and of the room for new ones."""
        return self._rows.nbytes

    @property
    def room(self) -> int:
        """Count the nodes that can be added before the tree has to grow."""
        return len(self._rows) - self.size

    def depths(self, nodes: Integers) -> Integers:
        """Count the symbols of nodes."""
        return self._rows["depth"][nodes].astype(np.int64)

    def totals(self, nodes: Integers) -> NDArray[np.float64]:
        """Return the log-probabilities of nodes."""
        totals: NDArray[np.float64] = self._rows["total"][nodes]
        return totals

    def guides(self, nodes: Integers) -> NDArray[np.int32]:
        """Return the automaton's states at nodes."""
        guides: NDArray[np.int32] = self._rows["guide"][nodes]
        return guides

    def slots(self, nodes: Integers) -> Integers:
        """Say where the network's states at nodes are kept."""
        return self._rows["slot"][nodes].astype(np.int64)

    def keep_slots(self, nodes: Integers, slots: Integers) -> None:
        """Note where the network's states at nodes are kept."""
        self._rows["slot"][nodes] = slots

    def append(
        self,
        parents: Integers,
        symbols: NDArray[np.integer[Any]],
        totals: NDArray[np.float64],
        guides: NDArray[np.int32] | None = None,
    ) -> Integers:
        """Add a node for each parent and symbol, and give their numbers."""
        first, self.size = self.size, self.size + len(parents)
        if self.size > len(self._rows):
            self._rows = np.resize(self._rows, max(self.size, 2 * len(self._rows)))
        rows = self._rows[first : self.size]
        rows["parent"], rows["symbol"], rows["total"] = parents, symbols, totals
        rows["depth"] = self._rows["depth"][parents] + 1
        rows["allowed"] = self._rows["allowed"][parents]
        rows["guide"] = 0 if guides is None else guides
        return np.arange(first, self.size)

    def allow(self, nodes: Integers, share: NDArray[np.float64]) -> None:
        """Note the log-probability of what a constraint allows after nodes that are being read."""
        self._rows["allowed"][nodes] += share

    def ids(self, nodes: Integers) -> NDArray[np.int32]:
        """Return the symbols of nodes that are equally deep.  # (depth, N)."""
        depth = int(self._rows["depth"][nodes[0]])
        ids = np.empty((depth, len(nodes)), np.int32)
        for t in reversed(range(depth)):
            ids[t], nodes = self._rows["symbol"][nodes], self._rows["parent"][nodes]
        return ids

    def paths(self, nodes: Integers) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the symbols of nodes (N, D) and the totals before and after each (N, D + 1).

        D is the greatest depth; shorter rows are filled up with zeros.
        """
        depths = self.depths(nodes)
        ids = np.zeros((len(nodes), int(depths.max(initial=0))), np.int32)
        totals = np.zeros((len(nodes), ids.shape[1] + 1))
        which = np.arange(len(nodes))
        while len(which := which[depths[which] > 0]):
            rows, at = self._rows[nodes[which]], depths[which]
            ids[which, at - 1], totals[which, at] = rows["symbol"], rows["total"]
            nodes[which], depths[which] = rows["parent"], at - 1
        return ids, totals

    def outcomes(
        self,
        parents: Integers,
        symbols: NDArray[np.int32],
        totals: NDArray[np.float64],
        scores: NDArray[np.float64],
        *,
        eos_id: int,
        guided: bool,
    ) -> Iterator[Outcome]:
        """Tell of texts that each end with a symbol, or `<eos>`, after a node."""
        N, depths = np.arange(len(parents)), self.depths(parents)
        constrained = totals - self._rows["allowed"][parents]
        ids, sums = self.paths(parents.copy())
        ids, sums = np.pad(ids, ((0, 0), (0, 1))), np.pad(sums, ((0, 0), (0, 1)))
        ids[N, depths], sums[N, depths + 1] = symbols, totals
        steps = np.diff(sums, axis=1).astype(np.float32)
        for row, depth in enumerate(depths.tolist()):
            ended = bool(symbols[row] == eos_id)
            yield Outcome(
                ids=ids[row, : depth + 1 - ended].copy(),
                logprobs=steps[row, : depth + 1].copy(),
                total=float(totals[row]),
                constrained=float(constrained[row]) if guided else None,
                ended=ended,
                score=float(scores[row]),
            )

    def keep(self, nodes: Integers) -> Integers:
        """Forget what leads to none of these nodes.

        Returns:
            The new number of each old node; meaningless for those that are gone.
        """
        rows = self._rows[: self.size]
        alive = np.zeros(self.size, np.bool_)
        alive[: self._roots] = True
        while len(nodes := nodes[~alive[nodes]]):
            alive[nodes] = True
            nodes = np.unique(rows["parent"][nodes]).astype(np.int64)
            nodes = nodes[nodes != NO_NODE]
        numbers = np.cumsum(alive) - 1
        kept = rows[alive]
        kept["parent"][self._roots :] = numbers[kept["parent"][self._roots :]]
        self._rows, self.size = np.resize(kept, max(1 << 10, 2 * len(kept))), len(kept)
        return numbers
