"""The network in the native kernels: threads share the batch, and vectors have the width of the processor."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._engines.cpu_writer import CpuWriter
from unspool._engines.native_conditions import native_window
from unspool._engines.protocol import (
    DropoutMasks,
    Floats,
    Gradients,
    Loss,
    Parameters,
    StateArray,
    finite_logits,
    refused_cell,
)
from unspool._generation.search.forward import Forward
from unspool._kernels.counts import CountTable
from unspool._kernels.network import NativeNetwork
from unspool._kernels.precision import INFERENCE, PRECISIONS, used_inference, used_precision
from unspool._kernels.shape import NetworkShape
from unspool._network.cells import native_cells
from unspool._network.conditions import fresh_state
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel, parameter_shapes
from unspool._system import available_processors
from unspool._text.streams.lanes import Conditions, Window

FORWARD_ROWS = 1 << 14  # tokens of one forward call, which bounds its memory; longer windows run in parts
CALL_PRODUCTS = 1 << 30  # products of each thread in one forward call: Ctrl-C is heard between two calls
MOST_THREADS = 1024
LANES_WORTH_A_THREAD = 16  # fewer lanes take less time than a meeting of the threads
OUTSIDE = ("context.", "start.")  # parameters whose products are computed before the native step


class CpuEngine:
    """An engine with the native kernels, in float32 or partly in bf16 or int8.

    Args:
        config: The network, its vocab_size set.
        threads: Threads to use, from 1 to 1024; None for one on each processor that this process may use.
        precision: Number format of the products in `loss_and_gradients`, a name in `PRECISIONS`; all else is
            float32. If bf16 is not available, float32 is used; the attribute `precision` is the format in
            use.
        inference: Number format of the products of everything else: of writing, scoring and logits; a name in
            `INFERENCE`. The attribute `inference` is the format in use.

    Raises:
        ConfigError: If a value is out of its range, or the cell has no native kernels.
    """

    def __init__(
        self,
        config: NetworkConfig,
        *,
        threads: int | None = None,
        precision: str = "float32",
        inference: str = "float32",
    ) -> None:
        ok = threads is None or (is_whole(threads, least=1) and threads <= MOST_THREADS)
        check("threads", threads, f"a whole number from 1 to {MOST_THREADS}, or None", ok)
        check("precision", precision, f"one of {', '.join(PRECISIONS)}", precision in PRECISIONS)
        check("inference", inference, f"one of {', '.join(INFERENCE)}", inference in INFERENCE)
        if config.kind.native is None:
            raise refused_cell(config.cell, native_cells(), engine="cpu", instead="torch")
        self._cell = config.kind.native
        self.config = config
        self.threads = threads or available_processors()
        self.precision, self.inference = used_precision(precision), used_inference(inference)
        shapes = parameter_shapes(config)
        bias = shapes.pop("output.bias")  # the kernels read an output kernel before it, tied or not
        kernel = (config.hidden_size, config.symbols)
        self._shapes = {**shapes, "output.kernel": kernel, "output.bias": bias}
        self._products = sum(math.prod(shape) for shape in self._shapes.values())  # of a token, about
        self._network = self._make_network(self.threads)
        self._gradients: Gradients = {}

    def _make_network(self, threads: int) -> NativeNetwork:
        config = self.config
        shape = NetworkShape(
            cell=self._cell,
            states=config.kind.states,
            vocab_size=config.symbols,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            embedding_size=config.embedding_size,
            reset_after=config.reset_after,
            residual=config.residual,
            parameter_shapes={
                name: shape for name, shape in self._shapes.items() if not name.startswith(OUTSIDE)
            },
            precision="float32" if self.precision == "float32" else "bf16",
            inference=self.inference,
        )
        return NativeNetwork(shape, threads=threads)

    def _untied(self, parameters: Parameters) -> Parameters:
        """Return the parameters with an output kernel, also if the output is tied to the embedding."""
        if "output.kernel" in parameters:
            return parameters
        return {**parameters, "output.kernel": np.ascontiguousarray(output_kernel(parameters))}

    def initial_state(self, batch_size: int, parameters: Parameters | None = None) -> StateArray:
        """Make the state of a fresh start (L, S, B, H); see `unspool._engines.protocol.Engine`."""
        return fresh_state(self.config, parameters, batch_size)

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
        """Run a window forward and backward; see `unspool._engines.protocol.Engine`."""
        if not self._gradients:
            self._gradients = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}
        conditions = native_window(
            self.config, parameters, window, reset_id=reset_id, backward=True, final_grad=final_grad
        )
        state = state.astype(np.float32)  # a copy: the caller's array does not change
        total, count = self._network.step(
            self._untied(parameters),
            window.ids,
            window.targets,
            state,
            reset_id=reset_id,
            masks=masks,
            gradients=self._gradients,
            conditions=None if conditions is None else conditions.native,
        )
        gradients = {name: self._gradients[name] for name in parameters}
        if "output.kernel" not in parameters:
            gradients["embedding"] += self._gradients["output.kernel"].T
        if conditions is not None:
            conditions.add_gradients(gradients, self.config)
        return Loss(total=total, count=count), gradients, state

    def stage_seconds(self) -> dict[str, float]:
        """Return the wall time of each stage of the last step: `unspool._kernels.network.STAGES`."""
        return self._network.stage_seconds()

    def token_losses(
        self, parameters: Parameters, window: Window, state: StateArray, *, reset_id: int | None
    ) -> tuple[Floats, StateArray]:
        """Return nats of each target (T, B), 0 where the target is 0, and the state after the window."""
        state, parameters = state.astype(np.float32), self._untied(parameters)
        losses = np.empty(window.ids.shape, dtype=np.float32)
        conditions = native_window(self.config, parameters, window, reset_id=reset_id)
        for part in self._parts(window.ids.shape):
            ids, targets, out = window.ids[part], window.targets[part], losses[part]
            self._network.step(
                parameters,
                ids,
                targets,
                state,
                reset_id=reset_id,
                losses=out,
                conditions=None if conditions is None else conditions.part(part),
            )
        return losses, state

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: StateArray,
        *,
        reset_id: int | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Floats, StateArray]:
        """Return the logits (T, B, V), the <pad> column -inf, and the state after the last step."""
        state, parameters = state.astype(np.float32), self._untied(parameters)
        tokens: NDArray[np.int32] = np.ascontiguousarray(ids, dtype=np.int32)
        window = Window(tokens, tokens, conditions)
        native = native_window(self.config, parameters, window, reset_id=reset_id)
        parts = [
            self._network.logits(
                parameters,
                tokens[part],
                state,
                reset_id=reset_id,
                conditions=None if native is None else native.part(part),
            )
            for part in self._parts(tokens.shape)
        ]
        return finite_logits(np.concatenate(parts)), state

    def forward(self, parameters: Parameters, *, lanes: int) -> Forward:
        """Pack the parameters once, for many calls; see `unspool._engines.protocol.Engine`."""
        threads = self.threads if lanes >= LANES_WORTH_A_THREAD else 1
        network = self._make_network(threads)  # a new one: other calls may come between two of this function
        network.load(self._untied(parameters))

        def run(
            ids: NDArray[np.int32], state: StateArray, *, reset_id: int | None = None
        ) -> tuple[Floats, StateArray]:
            after = state.astype(np.float32)
            conditions = native_window(self.config, parameters, Window(ids, ids), reset_id=reset_id)
            native = None if conditions is None else conditions.native
            logits = network.logits(None, ids, after, reset_id=reset_id, conditions=native)
            return finite_logits(logits), after

        return run

    def _parts(self, shape: tuple[int, ...]) -> Iterator[slice]:
        """Yield slices of the T steps of a window, each with few tokens for the memory and for the time."""
        T, B = shape
        tokens = min(FORWARD_ROWS, self.threads * CALL_PRODUCTS // self._products)
        steps = max(1, tokens // max(B, 1))
        for start in range(0, T, steps):
            yield slice(start, start + steps)

    def writer(self, parameters: Parameters, counts: CountTable | None = None) -> CpuWriter:
        """Make a writer, with counts or without; see `unspool._generation.writer.WritingEngine`."""
        return CpuWriter(self.config, self._network, self._untied(parameters), counts)
