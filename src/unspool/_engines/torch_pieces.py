"""The lanes of a window cut where records start, so that PyTorch's layers run them without a reset."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Pieces:
    """The lanes of a window, cut where records start: N pieces, the longest first.

    Packed order is that of `torch.nn.utils.rnn.PackedSequence`: the first tokens of all pieces, then the
    second tokens of those that have one. A place is an index in a flattened window (T, B).

    Args:
        order: The place of each token in packed order.  # (T·B,)
        back: The packed index of each place.  # (T·B,)
        begins: The place of the first token of each piece.  # (N,)
        lanes: The lane of each piece.  # (N,)
        carries: Whether a piece goes on from the state before the window.  # (N,)
        last: The last piece of each lane.  # (B,)
        sizes: The number of pieces that have a first token, a second one, and so on; PyTorch wants it on the
            CPU.
    """

    order: Any
    back: Any
    begins: Any
    lanes: Any
    carries: Any
    last: Any
    sizes: Tensor

    @property
    def whole(self) -> bool:
        """Return whether no record starts inside the window, whose order is then the packed one."""
        return len(self.lanes) == len(self.last)

    def map(self, function: Callable[[NDArray[Any]], Tensor]) -> "Pieces":
        """Return the pieces with a function applied to each array but the sizes."""
        arrays = {name: function(array) for name, array in vars(self).items() if name != "sizes"}
        return replace(self, **arrays)

    def starts(self, state: Tensor, fresh: Tensor | None) -> Tensor:
        """Return the state before each piece.  # (S, N, H).

        Args:
            state: The state before the window.  # (S, B, H)
            fresh: The state that each piece starts from if it is a record's first; None for zeros.
        """
        carried = state[:, self.lanes]
        return torch.where(
            self.carries[None, :, None], carried, torch.zeros_like(carried) if fresh is None else fresh
        )


def pieces_of(resets: NDArray[np.bool_]) -> Pieces:
    """Cut the lanes of a window where the state is reset.

    Args:
        resets: Whether the state is reset before each step.  # (T, B)
    """
    T, B = resets.shape
    cuts = resets.copy()
    cuts[0] = True
    begins = np.flatnonzero(cuts.T)  # lane by lane, as b·T + t
    lengths = np.diff(begins, append=T * B)
    longest = np.argsort(-lengths, kind="stable")
    sizes = np.count_nonzero(lengths[:, None] > np.arange(lengths.max()), axis=0)
    steps = np.repeat(np.arange(len(sizes)), sizes)
    among = np.arange(T * B) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # the piece of each token
    places = begins[longest][among] + steps
    order = places % T * B + places // T
    lanes = begins // T
    rank = np.argsort(longest)
    return Pieces(
        order=order,
        back=np.argsort(order),
        begins=begins[longest] % T * B + lanes[longest],
        lanes=lanes[longest],
        carries=(begins % T == 0)[longest] & ~resets[0, lanes[longest]],
        last=rank[np.searchsorted(lanes, np.arange(B), side="right") - 1],
        sizes=torch.from_numpy(sizes),
    )
