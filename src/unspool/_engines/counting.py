"""A network with counts beside it: each logit is mixed with what a table of counts says of its symbol."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.cpu import CpuEngine
from unspool._engines.protocol import (
    DropoutMasks,
    Engine,
    Floats,
    Gradients,
    Loss,
    Parameters,
    StateArray,
    finite_logits,
)
from unspool._engines.recent_symbols import split_state, with_recent
from unspool._engines.reference_writer import ReferenceWriter
from unspool._generation.search.forward import Forward
from unspool._generation.writer import Writer
from unspool._kernels.arrays import Ids
from unspool._kernels.counts import CountMixer, CountTable
from unspool._network.config import NetworkConfig
from unspool._text.streams.lanes import Conditions, Window

LOGITS_AT_ONCE = 1 << 23  # numbers of one call, which bounds the memory


class CountingEngine:
    """An engine that adds a table of counts to another engine.

    Its states have the symbols that were read last beside the numbers of the network; see `recent_symbols`.

    Args:
        engine: The engine of the network, whose texts have no sources.
        table: The counts.

    Raises:
        ValueError: If the counts are of another vocabulary.
    """

    def __init__(self, engine: Engine, table: CountTable) -> None:
        self.config, self.engine, self.table = engine.config, engine, table
        self.threads, self.precision, self.inference = engine.threads, engine.precision, engine.inference
        self.mixer = CountMixer(table, engine.config.symbols, threads=engine.threads)

    def initial_state(self, batch_size: int, parameters: Parameters | None = None) -> StateArray:
        """Make the state of a fresh start, in which no symbol was read."""
        state = self.engine.initial_state(batch_size, parameters)
        return with_recent(state, split_state(state, self.config)[1])

    def loss_and_gradients(
        self,
        parameters: Parameters,
        window: Window,
        state: StateArray,
        *,
        reset_id: int | None,
        masks: DropoutMasks | None = None,
        final_grad: Floats | None = None,
    ) -> tuple[Loss, Gradients, StateArray]:
        """Run the network alone forward and backward: counts have no gradients."""
        return self.engine.loss_and_gradients(
            parameters, window, state, reset_id=reset_id, masks=masks, final_grad=final_grad
        )

    def token_losses(
        self, parameters: Parameters, window: Window, state: StateArray, *, reset_id: int | None
    ) -> tuple[Floats, StateArray]:
        """Return nats of each target (T, B), 0 where the target is 0, and the state after the window."""
        T, B = window.ids.shape
        losses = np.empty((T, B), np.float32)
        steps = max(1, LOGITS_AT_ONCE // (B * self.config.symbols))
        for first in range(0, T, steps):
            part = slice(first, first + steps)
            conditions = window.conditions
            if conditions is not None:
                conditions = replace(conditions, records=np.ascontiguousarray(conditions.records[part]))
            inner, recent = split_state(state, self.config)
            ids, targets = window.ids[part], window.targets[part]
            logits, inner = self.engine.logits(
                parameters, ids, inner, reset_id=reset_id, conditions=conditions
            )
            contexts, recent = self._contexts(ids, recent)
            losses[part] = self.losses(logits, contexts, targets)
            state = with_recent(inner, recent)
        return losses, state

    def losses(self, logits: Floats, contexts: Ids, targets: Ids) -> Floats:
        """Return the nats of targets (T, B) after contexts (T·B, order); the logits may be overwritten."""
        rows = np.ascontiguousarray(logits, np.float32).reshape(-1, self.config.symbols)
        losses, _ = self.mixer.mix(rows, contexts, np.ascontiguousarray(targets, np.int32).reshape(-1))
        return np.asarray(losses).reshape(targets.shape)

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: StateArray,
        *,
        reset_id: int | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Floats, StateArray]:
        """Return the mixed logits (T, B, V), the <pad> column -inf, and the state after the last step."""
        inner, recent = split_state(state, self.config)
        logits, inner = self.engine.logits(parameters, ids, inner, reset_id=reset_id, conditions=conditions)
        return self._mixed(logits, ids, inner, recent)

    def forward(self, parameters: Parameters, *, lanes: int) -> Forward:
        """Prepare `logits` for many short calls; see `unspool._engines.protocol.Engine`."""
        forward = self.engine.forward(parameters, lanes=lanes)

        def run(
            ids: NDArray[np.int32], state: StateArray, *, reset_id: int | None = None
        ) -> tuple[Floats, StateArray]:
            inner, recent = split_state(state, self.config)
            logits, inner = forward(ids, inner, reset_id=reset_id)
            return self._mixed(logits, ids, inner, recent)

        return run

    def writer(self, parameters: Parameters) -> Writer:
        """Make a writer; see `unspool._generation.writer.WritingEngine`."""
        if isinstance(self.engine, CpuEngine):
            return self.engine.writer(parameters, self.table)
        return PlainCountingWriter(self, parameters)

    def _mixed(
        self, logits: Floats, ids: NDArray[np.integer[Any]], inner: StateArray, recent: Ids
    ) -> tuple[Floats, StateArray]:
        contexts, recent = self._contexts(ids, recent)
        rows = np.ascontiguousarray(logits, np.float32).reshape(-1, self.config.symbols)
        self.mixer.mix(rows, contexts)
        return finite_logits(rows.reshape(logits.shape)), with_recent(inner, recent)

    def _contexts(self, ids: NDArray[np.integer[Any]], recent: Ids) -> tuple[Ids, Ids]:
        """Return the context after each id of a window, and the symbols that are the last ones after it.

        Args:
            ids: The ids that are read.  # (T, B)
            recent: The last ones before, the newest first.  # (B, 16)

        Returns:
            The last symbols at each place, the newest first (T·B, order), and after the window (B, 16).
        """
        T, B = ids.shape
        rows = np.concatenate([recent[:, ::-1].T, ids.astype(np.int32)])[::-1]  # the newest first
        order = self.table.order
        contexts = np.empty((T, B, order), np.int32)
        for back in range(order):
            contexts[:, :, back] = rows[back : back + T][::-1]
        return contexts.reshape(-1, order), np.ascontiguousarray(rows[: recent.shape[1]].T)


class PlainCountingWriter(ReferenceWriter):
    """The plain writer, whose first token may come from a state: that has the symbols read last.

    Args:
        engine: The engine.
        parameters: The parameters of the network.
    """

    def __init__(self, engine: CountingEngine, parameters: Parameters) -> None:
        super().__init__(engine, parameters)
        self._counting = engine

    def first_logits(self, config: NetworkConfig, parameters: Parameters, state: StateArray) -> Floats:
        """Compute the mixed logits (V,) of a state (L, S, 1, H) without reading another token."""
        inner, recent = split_state(state, config)
        logits = super().first_logits(config, parameters, inner).astype(np.float32)
        counting = self._counting
        counting.mixer.mix(logits[None], np.ascontiguousarray(recent[:, : counting.table.order]))
        return logits
