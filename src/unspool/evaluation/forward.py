"""Run windows of any length through an engine, the state carried from window to window."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from unspool.engines.protocol import Engine, Floats, Parameters, StateArray
from unspool.errors import NetworkError
from unspool.text.context import RecordContexts
from unspool.text.streams.batches import PaddedBatch
from unspool.text.streams.lanes import Conditions, Window, padded_sources
from unspool.text.streams.stream import TokenStream

PART = 256  # steps at a time: what bounds the memory that a long text needs


def token_losses(
    engine: Engine,
    parameters: Parameters,
    windows: Iterable[Window],
    *,
    state: StateArray | None = None,
    reset_id: int | None = None,
) -> Iterator[Floats]:
    """Yield the losses of windows that follow each other.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        windows: ids and targets (T, B), all with the same B.
        state: Before the first window, (L, S, B, H); None is a fresh start.
        reset_id: Input id where records start anew, as their conditions say; None for never.

    Yields:
        Nats of each target of a window, 0 where the target is 0.  # (T, B)
    """
    for window in windows:
        if state is None:
            said = window.conditions is not None and window.conditions.sources is not None
            state = engine.initial_state(window.ids.shape[1], None if said else parameters)
        losses, state = engine.token_losses(parameters, window, state, reset_id=reset_id)
        yield losses


def steered(
    windows: Iterable[Window],
    contexts: RecordContexts | None,
    records: NDArray[np.int64],
    *,
    sources: TokenStream | None = None,
) -> Iterator[Window]:
    """Say what steers windows whose columns are a record each.

    Args:
        windows: ids and targets (T, B).
        contexts: What is known about records; None for nothing.
        records: The record of each column.  # (B,)
        sources: The source of each record; None for none.
    """
    if contexts is None and sources is None:
        yield from windows
        return
    context, starts = (None, None) if contexts is None else contexts.rows(records)
    read = None if sources is None else padded_sources(sources, records)
    columns = np.arange(len(records), dtype=np.int32)
    for window in windows:
        rows = np.ascontiguousarray(np.broadcast_to(columns, window.ids.shape))
        yield Window(
            window.ids, window.targets, Conditions(rows, context=context, starts=starts, sources=read)
        )


def stream_losses(
    engine: Engine,
    parameters: Parameters,
    batches: Iterable[PaddedBatch],
    *,
    count: int,
    state: StateArray | None = None,
    contexts: RecordContexts | None = None,
    eos_id: int | None = None,
) -> NDArray[np.float32]:
    """Give the losses of a whole stream of sequences that are read in batches.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        batches: Batches that together hold each sequence of the stream once.
        count: Ids in the stream, N.
        state: What every sequence starts from, (L, S, 1, H); None is a fresh start.
        contexts: What is known about the sequences, which are its records; None for nothing.
        eos_id: What starts a sequence whose conditions say its first state; None where they do not.

    Returns:
        Nats of each id of the stream.  # (N,)

    Raises:
        NetworkError: If one is not finite.
    """
    out = np.zeros(count, np.float32)
    for batch in batches:
        before = None if state is None else np.repeat(state, len(batch.indices), axis=2)
        windows = steered(batch.windows(PART), contexts, batch.indices)
        parts = token_losses(engine, parameters, windows, state=before, reset_id=eos_id)
        for number, losses in enumerate(parts):
            batch.scatter(losses, top=number * PART, out=out)
    if not np.isfinite(out).all():
        raise NetworkError
    return out
