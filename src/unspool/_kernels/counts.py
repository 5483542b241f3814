"""Tables of counts: what followed which context in a text, with modified Kneser-Ney smoothing, native.

A table gives every token a probability after every context (Chen and Goodman, "An Empirical Study of
Smoothing Techniques for Language Modeling", 1998). It is mixed into the logits of a network: each logit
becomes a weighted sum of itself and of the log of that probability.
"""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool._kernels.arrays import UNSIGNED, Floats, Ids, check_array, check_number, check_row
from unspool._kernels.machine import chosen_kernels, thread_team

MOST_ORDER = 16
MOST_VOCABULARY = 1 << 16
MOST_COUNTED = 1 << 25  # ids, of 8 bytes each while they are sorted
MOST_BYTES = 1 << 28


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CountTable:
    """The counts of a text.

    A node is a context, and node 0 the empty one; from it, a path leads from the newest symbol to the oldest.
    The children of a node lie side by side. A count says how often a token followed a context, or, where
    longer contexts are known, after how many different older symbols.

    Args:
        first_child: The first child of each node, and the number of nodes.  # (nodes + 1,)
        first_entry: The first entry of each node, and the number of entries.  # (nodes + 1,)
        symbols: The oldest symbol of each context; ascending among the children of a node.  # (nodes,)
        tokens: What followed the context, ascending.  # (entries,)
        counts: How often, ≥ 1.  # (entries,)
        discounts: What is taken from counts of 1, 2 and more, by the length of the context.  # (order + 1, 3)
        weights: The weights of the logits and of the log-probabilities, by the length of the longest known
            context, and by whether one token alone followed it.  # (order + 1, 2, 2)

    Raises:
        ValueError: If the arrays are not those of a table.
    """

    first_child: NDArray[np.uint32]
    first_entry: NDArray[np.uint32]
    symbols: NDArray[np.uint16]
    tokens: NDArray[np.uint16]
    counts: NDArray[np.uint16]
    discounts: Floats
    weights: Floats

    def __post_init__(self) -> None:
        """Check that no number leads the native code out of the arrays."""
        nodes, entries = self.symbols.size, self.tokens.size
        for name, dtype, shape in (
            ("first_child", np.uint32, (nodes + 1,)),
            ("first_entry", np.uint32, (nodes + 1,)),
            ("symbols", np.uint16, (nodes,)),
            ("tokens", np.uint16, (entries,)),
            ("counts", np.uint16, (entries,)),
            ("discounts", np.float32, (None, 3)),
            ("weights", np.float32, (len(self.discounts), 2, 2)),
        ):
            check_array(name, getattr(self, name), dtype, shape)
        check_number("order", self.order, 1, MOST_ORDER)
        children, first = self.first_child, self.first_entry
        ascending = bool((children[1:] >= children[:-1]).all() and (first[1:] > first[:-1]).all())
        if not (nodes and ascending and children[0] == 1 and children[-1] == nodes and first[0] == 0):
            raise ValueError("first_child and first_entry: expected ascending numbers, up to the sizes")
        if first[-1] != entries or int(self.counts.min()) < 1:
            raise ValueError("counts: expected one for each entry, each at least 1")
        within = (self.discounts > 0) & (self.discounts < [[1, 2, 3]])
        if not (within.all() and np.isfinite(self.weights).all()):
            raise ValueError("discounts and weights: expected discounts below their counts, finite weights")

    def __repr__(self) -> str:
        """Return its size in words."""
        return f"<CountTable of order {self.order}, {self.symbols.size:,} contexts>"

    @property
    def order(self) -> int:
        """Number of symbols of the longest context."""
        return len(self.discounts) - 1

    @property
    def vocab_size(self) -> int:
        """The least vocabulary that has all its ids."""
        return 1 + int(max(self.tokens.max(), self.symbols.max()))

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return its arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def native(self) -> _native.CountTable:
        """The table for the native code, which does not copy the arrays."""
        return _native.CountTable(**self.arrays())

    def __getstate__(self) -> dict[str, Any]:
        """Leave the native object out of a pickle or a copy."""
        return self.arrays()


def count(
    ids: NDArray[Any],
    *,
    vocab_size: int,
    order: int,
    end_id: int,
    least: int = 2,
    most_bytes: int = MOST_BYTES,
) -> CountTable | None:
    """Count a text, or the first part of a long one.

    Args:
        ids: The ids of the text, each record ended by `end_id`; uint8, uint16 or uint32.  # (N,)
        vocab_size: Number of ids, at most 65,536.
        order: Symbols of the longest context, from 1 to 16.
        end_id: The id that ends a record; no context reaches past it.
        least: How often a context must occur to be kept.
        most_bytes: Bytes that the table may have.

    Returns:
        The table, with weights of 0 for the network and 1 for the counts; None if it would be larger. At most
        33 million ids are counted, the first ones.

    Raises:
        ValueError: If an array or a number cannot be used.
    """
    check_row("ids", ids, *UNSIGNED)
    check_number("vocab_size", vocab_size, 2, MOST_VOCABULARY)
    check_number("order", order, 1, MOST_ORDER)
    check_number("end_id", end_id, 1, vocab_size - 1)
    check_number("least", least, 1, 1 << 30)
    ids = ids[:MOST_COUNTED]
    if not ids.size or not 0 < int(ids.min()) <= int(ids.max()) < vocab_size:
        raise ValueError(f"ids: expected ids in [1, {vocab_size}), at least one")
    arrays = _native.count(ids, vocab_size, order, end_id, least, most_bytes)
    if arrays is None:
        return None
    weights = np.zeros((order + 1, 2, 2), np.float32)
    weights[..., 1] = 1
    return CountTable(**{**arrays, "discounts": arrays["discounts"].reshape(order + 1, 3)}, weights=weights)


class CountMixer:
    """The counts of a table beside logits, on threads of its own.

    Args:
        table: The table.
        vocab_size: Number of ids of the logits; those of the table are among them.
        threads: Threads to use.

    Raises:
        ValueError: If the table has other ids.
    """

    def __init__(self, table: CountTable, vocab_size: int, *, threads: int) -> None:
        check_number("vocab_size of the counts", table.vocab_size, 2, vocab_size)
        self.table, self.vocab_size = table, vocab_size
        self._team, self._kernels = thread_team(threads), chosen_kernels()

    def mix(self, logits: Floats, contexts: Ids, targets: Ids | None = None) -> tuple[Floats | None, Ids]:
        """Mix the counts into logits, in place.

        Args:
            logits: Logits, float32, minus infinity for `<pad>`.  # (N, V)
            contexts: The last symbols before each, the newest first, 0 where there is none.  # (N, order)
            targets: The ids that followed, or None.  # (N,)

        Returns:
            The nats of each target, 0 where it is 0, or None without targets; and which weights were used:
            twice the length of the context, and 1 more where one token alone follows it.  # (N,), (N,)
        """
        N, V = len(logits), self.vocab_size
        check_array("logits", logits, np.float32, (N, V))
        check_array("contexts", contexts, np.int32, (N, self.table.order))
        losses = None
        if targets is not None:
            check_array("targets", targets, np.int32, (N,))
            if N and not 0 <= int(targets.min()) <= int(targets.max()) < V:
                raise ValueError(f"targets: expected ids in [0, {V})")
            losses = np.empty(N, np.float32)
        used = np.empty(N, np.int32)
        table = self.table.native
        _native.mix_counts(self._kernels, self._team, table, contexts, targets, logits, losses, used)
        return losses, used
