"""A network in the native module: its memory and its operations."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool._kernels.arrays import Floats, check_array, check_ids, native_id
from unspool._kernels.conditions import WindowConditions
from unspool._kernels.machine import chosen_kernels, thread_team
from unspool._kernels.shape import FORMATS, NetworkShape

STAGES = ("packing", "forward", "output", "backward", "weight gradients")  # stages of a step, in order


class NativeNetwork:
    """The memory and the operations of one network.

    Several threads may use it at the same time: calls run one after the other, and a waiting call lets other
    Python threads run. After a fork, the child has its own memory and threads.

    Args:
        shape: The description of the network.
        threads: Number of threads, ≥ 1.
        kernels: An instruction set from `kernel_names`; None for the one in use.

    Attributes:
        native: The native object, for `unspool._kernels.writer`.
    """

    def __init__(self, shape: NetworkShape, *, threads: int, kernels: str | None = None) -> None:
        self.shape = shape
        self._names = tuple(shape.parameter_shapes)
        self.native = _native.Network(
            thread_team(threads),
            kernels or chosen_kernels(),
            shape.cell,
            shape.reset_after,
            shape.vocab_size,
            shape.embedding_size or 0,
            shape.hidden_size,
            shape.num_layers,
            shape.residual,
            FORMATS[shape.precision],
            FORMATS[shape.inference],
        )

    def listed(self, kind: str, arrays: Mapping[str, NDArray[Any]]) -> list[Any]:
        """Return arrays by name in the order of the native side, checked."""
        for name, shape in self.shape.parameter_shapes.items():
            if name not in arrays:
                raise ValueError(f"{kind} {name}: expected float32 {shape}, got none")
            check_array(f"{kind} {name}", arrays[name], np.float32, shape)
        return [arrays[name] for name in self._names]

    def _check_state(self, state: Floats, lanes: int) -> None:
        shape = (self.shape.num_layers, self.shape.states, lanes, self.shape.hidden_size)
        check_array("state", state, np.float32, shape)

    def step(
        self,
        parameters: Mapping[str, Floats],
        ids: NDArray[np.int32],
        targets: NDArray[np.int32],
        state: Floats,
        *,
        reset_id: int | None,
        masks: Floats | None = None,
        losses: Floats | None = None,
        gradients: Mapping[str, Floats] | None = None,
        conditions: WindowConditions | None = None,
    ) -> tuple[float, int]:
        """Run a window forward and, if `gradients` are given, backward.

        Args:
            parameters: The network's parameters by name.
            ids: The inputs, int32.  # (T, B)
            targets: The targets, int32; 0 is not counted.  # (T, B)
            state: The state before the window; it is changed to the state after it.  # (L, S, B, H)
            reset_id: The input id before which a lane's state is set to zero, or None.
            masks: Factors on each layer's output, before a residual sum, or None.  # (L, B, H)
            losses: An array for the loss of each target in nats, or None.  # (T, B)
            gradients: Arrays for the gradients of the mean loss by name, or None.
            conditions: The conditions that steer the window, or None.

        Returns:
            The sum of the losses of the counted targets in nats, and the number of these targets.

        Raises:
            ValueError: If an array has another shape or type, or an id is outside the vocabulary.
        """
        check_array("ids", ids, np.int32, (None, None))
        check_array("targets", targets, np.int32, ids.shape)
        check_ids("ids", ids, self.shape.vocab_size)
        check_ids("targets", targets, self.shape.vocab_size)
        self._check_state(state, ids.shape[1])
        if masks is not None:
            shape = (self.shape.num_layers, ids.shape[1], self.shape.hidden_size)
            check_array("masks", masks, np.float32, shape)
        if losses is not None:
            check_array("losses", losses, np.float32, ids.shape)
        return self.native.step(
            self.listed("parameter", parameters),
            ids,
            targets,
            native_id("reset_id", reset_id, self.shape.vocab_size),
            masks,
            state,
            losses,
            None if gradients is None else self.listed("gradient", gradients),
            self._given(conditions, ids),
        )

    def _given(self, conditions: WindowConditions | None, ids: NDArray[np.int32]) -> _native.Conditions:
        return _native.Conditions() if conditions is None else conditions.native(self.shape, ids.shape)

    def stage_seconds(self) -> dict[str, float]:
        """Return the seconds of each of the `STAGES` of the last step; a forward step has only the first."""
        return dict(zip(STAGES, self.native.stage_seconds(), strict=True))

    def logits(
        self,
        parameters: Mapping[str, Floats] | None,
        ids: NDArray[np.int32],
        state: Floats,
        *,
        reset_id: int | None,
        conditions: WindowConditions | None = None,
    ) -> Floats:
        """Return the logits of ids (T, B); `state` (L, S, B, H) is changed to the state after them.

        Args:
            parameters: The network's parameters by name; None for those that `load` has packed, since packing
                takes most of a short call.
            ids: The inputs, int32.  # (T, B)
            state: The state before the window; it is changed to the state after it.  # (L, S, B, H)
            reset_id: The input id before which a lane's state is set to zero, or None.
            conditions: The conditions that steer the window, or None.

        Returns:
            Logits, with minus infinity for `<pad>`.  # (T, B, V)
        """
        out = self._room_for_logits(ids, state)
        self.native.logits(
            None if parameters is None else self.listed("parameter", parameters),
            ids,
            native_id("reset_id", reset_id, self.shape.vocab_size),
            state,
            out,
            self._given(conditions, ids),
        )
        return out

    def _room_for_logits(self, ids: NDArray[np.int32], state: Floats) -> Floats:
        check_array("ids", ids, np.int32, (None, None))
        check_ids("ids", ids, self.shape.vocab_size)
        self._check_state(state, ids.shape[1])
        return np.empty((*ids.shape, self.shape.vocab_size), dtype=np.float32)

    def load(self, parameters: Mapping[str, Floats]) -> None:
        """Pack parameters for calls without parameters.

        The arrays are not copied: load them again when they change.
        """
        self.native.load(self.listed("parameter", parameters))
