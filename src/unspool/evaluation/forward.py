"""Run windows of any length through an engine, the state carried from window to window."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import Engine, Floats, Parameters, State
from unspool.text.batches import PaddedBatch
from unspool.text.lanes import Window

PART = 256  # steps at a time: what bounds the memory that a long text needs


def token_losses(
    engine: Engine, parameters: Parameters, windows: Iterable[Window], *, state: State | None = None
) -> Iterator[Floats]:
    """Yield the losses of windows that follow each other.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        windows: ids and targets (T, B), all with the same B.
        state: Before the first window, (L, S, B, H); None starts with no memory.

    Yields:
        Nats of each target of a window, 0 where the target is 0.  # (T, B)
    """
    for window in windows:
        before = engine.initial_state(window.ids.shape[1], parameters) if state is None else state
        losses, state = engine.token_losses(parameters, window, before, reset_id=None)
        yield losses


def stream_losses(
    engine: Engine,
    parameters: Parameters,
    batches: Iterable[PaddedBatch],
    *,
    count: int,
    state: State | None = None,
) -> NDArray[np.float32]:
    """Give the losses of a whole stream of sequences that are read in batches.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        batches: Batches that together hold each sequence of the stream once.
        count: Ids in the stream, N.
        state: What every sequence starts from, (L, S, 1, H); None for no memory.

    Returns:
        Nats of each id of the stream.  # (N,)
    """
    out = np.zeros(count, np.float32)
    for batch in batches:
        before = None if state is None else np.repeat(state, len(batch.indices), axis=2)
        parts = token_losses(engine, parameters, batch.windows(PART), state=before)
        for number, losses in enumerate(parts):
            batch.scatter(losses, top=number * PART, out=out)
    return out
