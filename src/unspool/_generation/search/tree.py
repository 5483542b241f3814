"""The tree of the beginnings that a search has read, a few bytes for each, in a growing array."""

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
        ("depth", np.int32),  # number of tokens after the prompt
        ("total", np.float64),  # log-probability of these tokens under the model
        ("allowed", np.float64),  # log-probability that a constraint allows them and the next token
        ("guide", np.int32),  # state of the constraint's automaton
        ("slot", np.int32),  # the slot of the network's state in an enumeration
    ]
)


@dataclass(frozen=True, eq=False)
class Outcome:
    """The continuation of a prompt that a search found.

    Args:
        ids: The tokens, without `<eos>`, int32.  # (N,)
        logprobs: The log-probability of each token, float32; one more than ids if it ends with `<eos>`.
        total: The sum of the log-probabilities, as the search has it in float64.
        constrained: The sum of the log-probabilities among the tokens that the constraint allows; None
            without a constraint.
        ended: Whether it ends with `<eos>`.
        score: The score that ranks it.
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    total: float
    constrained: float | None
    ended: bool
    score: float


class Tree:
    """A tree of beginnings as nodes, each one token longer than its parent.

    Args:
        guides: The state of the automaton at each root; a root has no tokens, and roots come first.  # (R,)
    """

    def __init__(self, guides: NDArray[np.int32]) -> None:
        self._roots = self.size = len(guides)
        self._rows = np.zeros(max(1 << 10, self.size), ROW)
        self._rows["parent"][: self.size] = NO_NODE
        self._rows["guide"][: self.size] = guides

    @property
    def nbytes(self) -> int:
        """Number of bytes of all nodes, and of the room for new ones."""
        return self._rows.nbytes

    @property
    def room(self) -> int:
        """Number of nodes that can be added before the tree has to grow."""
        return len(self._rows) - self.size

    def depths(self, nodes: Integers) -> Integers:
        """Return the number of tokens of each node."""
        return self._rows["depth"][nodes].astype(np.int64)

    def totals(self, nodes: Integers) -> NDArray[np.float64]:
        """Return the log-probabilities of nodes."""
        totals: NDArray[np.float64] = self._rows["total"][nodes]
        return totals

    def guides(self, nodes: Integers) -> NDArray[np.int32]:
        """Return the states of the automaton at nodes."""
        guides: NDArray[np.int32] = self._rows["guide"][nodes]
        return guides

    def slots(self, nodes: Integers) -> Integers:
        """Return the slots of the network's states at nodes."""
        return self._rows["slot"][nodes].astype(np.int64)

    def keep_slots(self, nodes: Integers, slots: Integers) -> None:
        """Store the slots of the network's states at nodes."""
        self._rows["slot"][nodes] = slots

    def append(
        self,
        parents: Integers,
        tokens: NDArray[np.integer[Any]],
        totals: NDArray[np.float64],
        guides: NDArray[np.int32] | None = None,
    ) -> Integers:
        """Add a node for each parent and token, and return the new nodes."""
        first, self.size = self.size, self.size + len(parents)
        if self.size > len(self._rows):
            self._rows = np.resize(self._rows, max(self.size, 2 * len(self._rows)))
        rows = self._rows[first : self.size]
        rows["parent"], rows["symbol"], rows["total"] = parents, tokens, totals
        rows["depth"] = self._rows["depth"][parents] + 1
        rows["allowed"] = self._rows["allowed"][parents]
        rows["guide"] = 0 if guides is None else guides
        return np.arange(first, self.size)

    def allow(self, nodes: Integers, share: NDArray[np.float64]) -> None:
        """Store the log-probability of the tokens that a constraint allows after nodes."""
        self._rows["allowed"][nodes] += share

    def ids(self, nodes: Integers) -> NDArray[np.int32]:
        """Return the tokens of nodes of the same depth.  # (depth, N)."""
        depth = int(self._rows["depth"][nodes[0]])
        ids = np.empty((depth, len(nodes)), np.int32)
        for t in reversed(range(depth)):
            ids[t], nodes = self._rows["symbol"][nodes], self._rows["parent"][nodes]
        return ids

    def paths(self, nodes: Integers) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return the tokens of nodes (N, D) and the totals before and after each token (N, D + 1).

        D is the greatest depth; shorter rows end with zeros.
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
        tokens: NDArray[np.int32],
        totals: NDArray[np.float64],
        scores: NDArray[np.float64],
        *,
        eos_id: int,
        guided: bool,
    ) -> Iterator[Outcome]:
        """Yield the outcomes that end with a token, or `<eos>`, after a node.

        Args:
            parents: The nodes.  # (N,)
            tokens: The last token of each outcome.  # (N,)
            totals: Log-probability of each outcome.  # (N,)
            scores: Score of each outcome.  # (N,)
            eos_id: The id of `<eos>`.
            guided: Whether there is a constraint.
        """
        N, depths = np.arange(len(parents)), self.depths(parents)
        constrained = totals - self._rows["allowed"][parents]
        ids, sums = self.paths(parents.copy())
        ids, sums = np.pad(ids, ((0, 0), (0, 1))), np.pad(sums, ((0, 0), (0, 1)))
        ids[N, depths], sums[N, depths + 1] = tokens, totals
        steps = np.diff(sums, axis=1).astype(np.float32)
        for row, depth in enumerate(depths.tolist()):
            ended = bool(tokens[row] == eos_id)
            yield Outcome(
                ids=ids[row, : depth + 1 - ended].copy(),
                logprobs=steps[row, : depth + 1].copy(),
                total=float(totals[row]),
                constrained=float(constrained[row]) if guided else None,
                ended=ended,
                score=float(scores[row]),
            )

    def keep(self, nodes: Integers) -> Integers:
        """Remove all nodes that do not lead to one of these nodes.

        Returns:
            The new number of each old node; meaningless for removed nodes.
        """
        rows = self._rows[: self.size]
        alive = np.zeros(self.size, np.bool_)
        alive[: self._roots] = True
        while len(nodes := nodes[~alive[nodes]]):
            alive[nodes] = True
            nodes = np.unique(rows["parent"][nodes]).astype(np.int64)
            nodes = nodes[nodes != NO_NODE]
        numbers = np.cumsum(alive) - 1
        remaining = rows[alive]
        remaining["parent"][self._roots :] = numbers[remaining["parent"][self._roots :]]
        self._rows, self.size = np.resize(remaining, max(1 << 10, 2 * len(remaining))), len(remaining)
        return numbers
