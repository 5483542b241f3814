"""The conditions that steer a native window, checked before the native side reads them."""

from dataclasses import dataclass

import numpy as np

from unspool import _native
from unspool._kernels.arrays import Floats, Ids, check_array
from unspool._kernels.shape import NetworkShape


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowConditions:
    """The conditions that steer a window; an array that is not used is None.

    Args:
        records: The row of `context` at each position.  # (T, B)
        context: Values that are added to the first layer's gates.  # (R, G·H)
        context_grad: An array for the gradient with respect to `context`, if gradients are
            wanted.  # (R, G·H)
        starts: The index of the start state that replaces the carried state before a step, or -1; each index
            occurs once. The reset id is then ignored.  # (T, B)
        start_states: The states from which records start.  # (N, L, S, H)
        start_states_grad: An array for the gradient with respect to `start_states`.  # (N, L, S, H)
        final_grad: Gradient of a further loss with respect to the state after the window.  # (L, S, B, H)
    """

    records: Ids | None = None
    context: Floats | None = None
    context_grad: Floats | None = None
    starts: Ids | None = None
    start_states: Floats | None = None
    start_states_grad: Floats | None = None
    final_grad: Floats | None = None

    def native(self, network: NetworkShape, shape: tuple[int, ...]) -> _native.Conditions:
        """Check every array and return the conditions for the native side.

        Args:
            network: The network.
            shape: Shape of the window, (T, B).

        Raises:
            ValueError: If an array has another shape or type, or a number is out of its range.
        """
        self._check_context(network, shape)
        self._check_starts(network, shape)
        if self.final_grad is not None:
            states = (network.num_layers, network.states, shape[1], network.hidden_size)
            check_array("final_grad", self.final_grad, np.float32, states)
        out = _native.Conditions()
        for name in self.__dataclass_fields__:
            setattr(out, name, getattr(self, name))
        return out

    def _check_context(self, network: NetworkShape, shape: tuple[int, ...]) -> None:
        if self.context is None:
            if self.records is not None or self.context_grad is not None:
                raise ValueError("context: expected it beside records and context_grad, got None")
            return
        gates = network.parameter_shapes["layers.0.bias"][0]
        for name in ("context", "context_grad"):
            if (array := getattr(self, name)) is not None:
                check_array(name, array, np.float32, (len(self.context), gates))
        _check_numbers("records", self.records, shape, least=0, most=len(self.context) - 1)

    def _check_starts(self, network: NetworkShape, shape: tuple[int, ...]) -> None:
        if self.starts is None or self.start_states is None:
            if (self.starts is None) != (self.start_states is None):
                raise ValueError("starts and start_states: expected both or neither")
            if self.start_states_grad is not None:
                raise ValueError("start_states: expected them beside start_states_grad, got None")
            return
        count = len(self.start_states)
        states = (count, network.num_layers, network.states, network.hidden_size)
        for name in ("start_states", "start_states_grad"):
            if (array := getattr(self, name)) is not None:
                check_array(name, array, np.float32, states)
        _check_numbers("starts", self.starts, shape, least=-1, most=count - 1)
        if np.unique(used := self.starts[self.starts >= 0]).size != count or used.size != count:
            raise ValueError(f"starts: expected each of {count} states once, got {used.size} starts")


def _check_numbers(name: str, numbers: Ids | None, shape: tuple[int, ...], *, least: int, most: int) -> None:
    if numbers is None:
        raise ValueError(f"{name}: expected numbers {shape}, got None")
    check_array(name, numbers, np.int32, shape)
    if numbers.size and not least <= int(numbers.min()) <= int(numbers.max()) <= most:
        raise ValueError(
            f"{name}: expected {least} to {most}, got {int(numbers.min())} to {int(numbers.max())}"
        )
