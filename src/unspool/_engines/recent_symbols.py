"""The symbols that were read last, kept in a state beside the network's own numbers: counts look at them.

A state (L, S, B, H) gets more columns, in which the last 16 ids stand as numbers, the newest first. So what
carries, copies or stores states does so with the symbols that belong to them.
"""

import math

import numpy as np

from unspool._engines.protocol import StateArray
from unspool._kernels.arrays import Ids
from unspool._kernels.counts import MOST_ORDER
from unspool._network.config import NetworkConfig


def with_recent(state: StateArray, recent: Ids) -> StateArray:
    """Return a state with the symbols read last.

    Args:
        state: The state of the network.  # (L, S, B, H)
        recent: The last ids of each sequence, the newest first, 0 where there is none.  # (B, 16)

    Returns:
        The state with K columns more, K = ceil(16 / (L S)).  # (L, S, B, H + K)
    """
    L, S, B, _ = state.shape
    K = math.ceil(MOST_ORDER / (L * S))
    columns = np.zeros((B, L * S * K), state.dtype)
    columns[:, :MOST_ORDER] = recent
    return np.concatenate([state, columns.reshape(B, L, S, K).transpose(1, 2, 0, 3)], axis=-1)


def split_state(state: StateArray, config: NetworkConfig) -> tuple[StateArray, Ids]:
    """Return the state of the network and the symbols read last, from `with_recent`.

    A state without symbols has none; nor has one that was computed from others, such as a mean of two.
    """
    B, columns = state.shape[2:]
    recent = np.zeros((B, MOST_ORDER), np.int32)
    if columns > config.hidden_size:
        kept = state[..., config.hidden_size :].transpose(2, 0, 1, 3).reshape(B, -1)[:, :MOST_ORDER]
        whole = ((kept == np.rint(kept)) & (kept >= 0) & (kept < config.symbols)).all(axis=1)
        recent[whole] = kept[whole].astype(np.int32)
    return np.ascontiguousarray(state[..., : config.hidden_size]), recent
