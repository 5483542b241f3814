"""The conditions of a window for the native step, and the gradients of their parameters.

The products here are small, (R, F) by (F, G·H). They run in the native kernels, so that their bits do not
depend on the build of NumPy.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import STATES, Floats, Gradients, Parameters
from unspool._kernels.conditions import WindowConditions
from unspool._kernels.products import multiply
from unspool._network.conditions import check_conditions, context_gates, records_of, start_states
from unspool._network.config import NetworkConfig
from unspool._text.streams.lanes import Conditions, Window


def product(a: Floats, b: Floats) -> Floats:
    """Multiply two matrices in float32."""
    return multiply(np.ascontiguousarray(a, np.float32), np.ascontiguousarray(b, np.float32))


@dataclass(frozen=True, eq=False)
class NativeWindow:
    """The conditions of one window, computed for the native step.

    Args:
        conditions: The conditions of the window, or None.
        native: The conditions in the form of the native step.
        rows: The row of each record start, in the order of `native.starts`.  # (N,)
        num_rows: Number of rows, R.
    """

    conditions: Conditions | None
    native: WindowConditions
    rows: NDArray[np.int32]
    num_rows: int

    def part(self, steps: slice) -> WindowConditions:
        """Return the conditions of some of the steps, for a forward pass."""
        native = self.native
        records = None if native.records is None else native.records[steps]
        if native.starts is None or native.start_states is None:
            return replace(native, records=records)
        starts = native.starts[steps]
        used = starts[starts >= 0]
        first = int(used[0]) if used.size else 0
        return replace(
            native,
            records=records,
            starts=np.where(starts >= 0, starts - first, -1).astype(np.int32),
            start_states=native.start_states[first : first + used.size],
        )

    def add_gradients(self, gradients: Gradients, config: NetworkConfig) -> None:
        """Compute the gradients by the parameters of the conditions from the result of the native step.

        Args:
            gradients: The gradients by name; those of the conditions are overwritten.
            config: The network.
        """
        conditions, native = self.conditions, self.native
        if config.context_size is not None:
            gradients["context.kernel"][...] = 0
            context = None if conditions is None else conditions.context
            if context is not None and native.context_grad is not None:
                gradients["context.kernel"][...] = product(context.T, native.context_grad)  # (F, G·H)
        by_row: Floats = np.zeros((self.num_rows, *config.state_shape), np.float32)
        if native.start_states_grad is not None:
            np.add.at(by_row, self.rows, native.start_states_grad)  # in the order of the window
        direct = conditions is not None and conditions.states is not None
        if direct:
            gradients[STATES] = by_row
        if config.start_size is not None:
            self._start_gradients(gradients, 0 * by_row if direct else by_row)

    def _start_gradients(self, gradients: Gradients, by_row: Floats) -> None:
        flat = by_row.reshape(len(by_row), -1)  # (R, L·S·H)
        gradients["start.bias"][...] = flat.sum(axis=0)
        if "start.kernel" in gradients:
            gradients["start.kernel"][...] = 0
        if self.conditions is not None and self.conditions.starts is not None:
            gradients["start.kernel"][...] = product(self.conditions.starts.T, flat)


def native_window(
    config: NetworkConfig,
    parameters: Parameters,
    window: Window,
    *,
    reset_id: int | None,
    backward: bool = False,
    final_grad: Floats | None = None,
) -> NativeWindow | None:
    """Compute the conditions of a window for the native step; return None if it has none.

    Args:
        config: The network.
        parameters: All parameters of the network.
        window: The window with its conditions.
        reset_id: The id before which a record starts, or None.
        backward: Whether gradients are needed.
        final_grad: The gradient by the state after the window (L, S, B, H), or None.

    Raises:
        ConfigError: If the conditions do not fit the network or the window.
    """
    conditions, shape = window.conditions, window.ids.shape
    check_conditions(config, conditions, shape)
    if all(part is None for part in (conditions, config.start_size, config.context_size, final_grad)):
        return None
    context: Any = context_gates(parameters, conditions, product=product)  # (R, G·H)
    states: Any = None if reset_id is None else start_states(config, parameters, conditions, product=product)
    records = records_of(conditions, shape)
    starts, rows = None, np.zeros(0, np.int32)
    if states is not None:
        starts, rows = _starts(window.ids == reset_id, records)
        states = np.ascontiguousarray(states[rows], np.float32)  # (N, L, S, H)
    native = WindowConditions(
        records=None if context is None else np.ascontiguousarray(records, np.int32),
        context=context,
        context_grad=np.zeros_like(context) if backward and context is not None else None,
        starts=starts,
        start_states=states,
        start_states_grad=np.zeros_like(states) if backward and states is not None else None,
        final_grad=None if final_grad is None else np.ascontiguousarray(final_grad, np.float32),
    )
    return NativeWindow(conditions, native, rows, 1 if conditions is None else conditions.num_rows)


def _starts(
    resets: NDArray[np.bool_], records: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the number of each record start of a window (T, B), -1 elsewhere, and its row (N,)."""
    starts = np.full(resets.shape, -1, np.int32)  # (T, B)
    starts[resets] = np.arange(np.count_nonzero(resets))
    return starts, records[resets]
