"""Run any number of windows through an engine, with the state carried from window to window."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import Engine, Floats, Parameters, StateArray
from unspool._errors import NetworkError
from unspool._text.context import RecordContexts
from unspool._text.streams.batches import PaddedBatch
from unspool._text.streams.lanes import Conditions, Window, padded_sources
from unspool._text.streams.stream import TokenStream

PART = 256  # steps at a time: it bounds the memory for a long text
PART_ROWS = 4096  # few sequences make more steps at a time: packing the weights takes a part of each call
STEP_PRODUCTS = 1 << 31  # products of a step of all sequences: Ctrl-C is heard between two steps
LEAST_COLUMNS = 64  # sequences side by side that keep the threads of a large network busy


def most_columns(parameters: Parameters) -> int:
    """Return how many sequences to read side by side at most, so that a step takes a part of a second."""
    products = sum(array.size for array in parameters.values())
    return max(LEAST_COLUMNS, STEP_PRODUCTS // products)


def token_losses(
    engine: Engine,
    parameters: Parameters,
    windows: Iterable[Window],
    *,
    state: StateArray | None = None,
    reset_id: int | None = None,
) -> Iterator[Floats]:
    """Yield the losses of consecutive windows.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        windows: The windows; ids and targets are (T, B), all with the same B.
        state: The state before the first window, (L, S, B, H); None is a fresh start.
        reset_id: The input id at which records start from their own first state; None for never.

    Yields:
        The loss of each target of a window in nats, 0 where the target is 0.  # (T, B)
    """
    for window in windows:
        if state is None:
            has_sources = window.conditions is not None and window.conditions.sources is not None
            state = engine.initial_state(window.ids.shape[1], None if has_sources else parameters)
        losses, state = engine.token_losses(parameters, window, state, reset_id=reset_id)
        yield losses


def steered(
    windows: Iterable[Window],
    contexts: RecordContexts | None,
    records: NDArray[np.int64],
    *,
    sources: TokenStream | None = None,
) -> Iterator[Window]:
    """Yield windows with conditions; each of their columns is one record.

    Args:
        windows: The windows; ids and targets are (T, B).
        contexts: The contexts of all records, or None.
        records: The record of each column.  # (B,)
        sources: The sources of all records, or None.
    """
    if contexts is None and sources is None:
        yield from windows
        return
    context, starts = (None, None) if contexts is None else contexts.rows(records)
    ids = None if sources is None else padded_sources(sources, records)
    columns = np.arange(len(records), dtype=np.int32)
    for window in windows:
        rows = np.ascontiguousarray(np.broadcast_to(columns, window.ids.shape))
        yield Window(
            window.ids, window.targets, Conditions(rows, context=context, starts=starts, sources=ids)
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
    """Return the losses of a whole stream of sequences that are read in batches.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        batches: Batches that together contain each sequence of the stream once.
        count: Number of ids in the stream, N.
        state: The state at the start of every sequence, (L, S, 1, H); None is a fresh start.
        contexts: The contexts of the sequences, which are records; None without context.
        eos_id: The id that starts a sequence whose conditions have a first state; None without them.

    Returns:
        The loss of each id of the stream in nats.  # (N,)

    Raises:
        NetworkError: If a loss is not finite.
    """
    out = np.zeros(count, np.float32)
    for batch in batches:
        before = None if state is None else np.repeat(state, len(batch.indices), axis=2)
        part = max(PART, PART_ROWS // len(batch.indices))
        windows = steered(batch.windows(part), contexts, batch.indices)
        parts = token_losses(engine, parameters, windows, state=before, reset_id=eos_id)
        for number, losses in enumerate(parts):
            batch.scatter(losses, top=number * part, out=out)
    if not np.isfinite(out).all():
        raise NetworkError
    return out
