"""The face of the native module: checks shapes and types, documents each operation.

The kernels are compiled once for each instruction set and chosen when a network is made: the best one that
the processor has, or the one named by the environment variable ``UNSPOOL_KERNELS``. All arrays are
C-contiguous; floating-point arrays are float32. Results have the same bits for every number of threads.

Where the kernels have no instruction for products in bf16, ``UNSPOOL_EMULATE_BF16=1`` in the environment lets
them emulate it in float32 arithmetic: slower than float32, for tests and to see what bf16 would learn.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from unspool import _native
from unspool.errors import ConfigError

if TYPE_CHECKING:
    from unspool.kernels.conditions import WindowConditions

Floats = NDArray[np.float32]

CELL_CODES = {"rnn": 0, "lstm": 1, "gru": 2}
OPTIMIZER_CODES = {"adam": 0, "adamw": 0, "rmsprop": 1, "sgd": 2}
STAGES = ("packing", "forward", "output", "backward", "weight gradients")  # of a step, in their order
NO_ID = -1  # what the native side reads as "never"; outside it is None


def kernel_names() -> tuple[str, ...]:
    """List the instruction sets that this processor and this build have, the best one first."""
    return tuple(_native.kernel_names())


def chosen_kernels() -> str:
    """Name the kernels in use: ``UNSPOOL_KERNELS`` or the best ones.

    Raises:
        ConfigError: If the environment variable names kernels that are not here.
    """
    name = os.environ.get("UNSPOOL_KERNELS") or kernel_names()[0]
    if name not in kernel_names():
        raise ConfigError(
            "environment variable UNSPOOL_KERNELS",
            expected=f"one of {', '.join(kernel_names())} on this processor",
            got=repr(name),
            hint="unset it to take the best ones",
        )
    return name


def default_threads() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=8)
def thread_team(threads: int) -> _native.ThreadTeam:
    """Give the team of that many threads; asked again, the same one.

    Raises:
        ConfigError: If the system does not give that many.
    """
    try:
        return _native.ThreadTeam(threads)
    except RuntimeError as error:
        raise ConfigError(
            "parameter threads", expected="as many as the system gives", got=f"{threads} ({error})"
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """What a native network needs to know of a network.

    Args:
        cell: A name in `CELL_CODES`.
        vocab_size: V, `<pad>` included.
        hidden_size: H.
        num_layers: L.
        embedding_size: E, or None for a table of one row per symbol.
        reset_after: Whether a GRU's reset gate acts after the recurrent product.
        residual: Whether each layer but the first hands on its output plus its input.
        parameter_shapes: The shape of each parameter in the stored order, by name.
        precision: "float32" or "bf16": of the products of a step that makes gradients; all else is float32.
    """

    cell: str
    vocab_size: int
    hidden_size: int
    num_layers: int
    embedding_size: int | None
    reset_after: bool
    residual: bool
    parameter_shapes: Mapping[str, tuple[int, ...]]
    precision: str = "float32"

    @property
    def states(self) -> int:
        """S: 2 for a cell with a cell state, else 1."""
        return 2 if self.cell == "lstm" else 1


def check_array(
    name: str, array: NDArray[Any], dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    """Raise ValueError unless the array is what the native side will take it for."""
    if array.shape == shape and array.dtype == dtype and array.flags.c_contiguous:
        return  # asked thirty times a step
    fits = len(array.shape) == len(shape) and all(
        n is None or n == m for n, m in zip(shape, array.shape, strict=True)
    )
    if array.dtype != dtype or not fits or not array.flags.c_contiguous:
        raise ValueError(
            f"{name}: expected C-contiguous {np.dtype(dtype)} {shape}, got {array.dtype} {array.shape}"
        )


def check_ids(name: str, ids: NDArray[np.int32], vocab_size: int) -> None:
    """Raise ValueError unless there are ids, all of them in the vocabulary."""
    if not ids.size:
        raise ValueError(f"{name}: expected at least one id, got shape {ids.shape}")
    if int(ids.view(np.uint32).max()) >= vocab_size:  # one pass: what is below 0 is far above
        raise ValueError(f"{name}: expected ids in [0, {vocab_size}), got {ids.min()} to {ids.max()}")


class NativeNetwork:
    """The memory and the operations of one network.

    Any number of threads may use it at once: calls are done one after the other, and one that waits lets
    other Python threads run. After a fork, the child has memory and threads of its own.

    Args:
        shape: The network.
        threads: Threads to run on, at least 1.
        kernels: An instruction set from `kernel_names`; None for the chosen one.

    Attributes:
        native: The native object, for `unspool.kernels.generation`.
    """

    def __init__(self, shape: NetworkShape, *, threads: int, kernels: str | None = None) -> None:
        self.shape = shape
        self._names = tuple(shape.parameter_shapes)
        self.native = _native.Network(
            thread_team(threads),
            kernels or chosen_kernels(),
            CELL_CODES[shape.cell],
            shape.reset_after,
            shape.vocab_size,
            shape.embedding_size or 0,
            shape.hidden_size,
            shape.num_layers,
            shape.residual,
            shape.precision == "bf16",
        )

    def _listed(self, what: str, arrays: Mapping[str, NDArray[Any]]) -> list[Any]:
        for name, shape in self.shape.parameter_shapes.items():
            check_array(f"{what} {name}", arrays[name], np.float32, shape)
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
        conditions: "WindowConditions | None" = None,
    ) -> tuple[float, int]:
        """Run a window forward and, where `gradients` are given, backward.

        Args:
            parameters: The network's parameters by name.
            ids: int32.  # (T, B)
            targets: int32, 0 where nothing is counted.  # (T, B)
            state: Read as the state before the window, left as the state after it.  # (L, S, B, H)
            reset_id: Input id before which a lane's state is zeroed, or None.
            masks: Factors on each layer's output, before a residual sum, or None.  # (L, B, H)
            losses: Filled with the nats of each target.  # (T, B)
            gradients: Filled with the gradients of the mean loss, by name.
            conditions: What steers the window from outside, or None.

        Returns:
            Nats summed over the counted targets, and their number.

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
            self._listed("parameter", parameters),
            ids,
            targets,
            NO_ID if reset_id is None else reset_id,
            masks,
            state,
            losses,
            None if gradients is None else self._listed("gradient", gradients),
            self._given(conditions, ids),
        )

    def _given(self, conditions: "WindowConditions | None", ids: NDArray[np.int32]) -> _native.Conditions:
        return _native.Conditions() if conditions is None else conditions.native(self.shape, ids.shape)

    def stage_seconds(self) -> dict[str, float]:
        """Give the seconds of each of the `STAGES` of the last step; a forward step has no later ones."""
        return dict(zip(STAGES, self.native.stage_seconds(), strict=True))

    def logits(
        self,
        parameters: Mapping[str, Floats] | None,
        ids: NDArray[np.int32],
        state: Floats,
        *,
        reset_id: int | None,
        conditions: "WindowConditions | None" = None,
    ) -> Floats:
        """Run ids (T, B) forward; `state` (L, S, B, H) is left as the state after them.

        Args:
            parameters: The network's parameters by name; None for those that `load` has packed, since
                packing is most of a short call.
            ids: int32.  # (T, B)
            state: Read as the state before the window, left as the state after it.  # (L, S, B, H)
            reset_id: Input id before which a lane's state is zeroed, or None.
            conditions: What steers the window from outside, or None.

        Returns:
            Logits, minus infinity for `<pad>`.  # (T, B, V)
        """
        out = self._room_for_logits(ids, state)
        self.native.logits(
            None if parameters is None else self._listed("parameter", parameters),
            ids,
            NO_ID if reset_id is None else reset_id,
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
        """Pack parameters for calls that bring none.

        They are not copied: load them again once they change.
        """
        self.native.load(self._listed("parameter", parameters))

    def generate(
        self,
        parameters: Mapping[str, Floats] | None,
        sequences: _native.Sequences,
        decoding: _native.Decoding,
    ) -> None:
        """Write texts, as `unspool.kernels.generation.generate` says them; None as in `logits`."""
        listed = None if parameters is None else self._listed("parameter", parameters)
        self.native.generate(listed, sequences, decoding)


def optimizer_step(
    name: str,
    parameters: Sequence[Floats],
    gradients: Sequence[Floats],
    slots: Sequence[Sequence[Floats]],
    decays: Sequence[float],
    *,
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    clip_norm: float | None,
    threads: int = 1,
) -> float:
    """Clip the gradients by their global norm and change the parameters and slots in place.

    Args:
        name: A name in `OPTIMIZER_CODES`.
        parameters: Arrays of any shapes.
        gradients: The same shapes; left as they are.
        slots: One list of arrays per slot, in the optimizer's order.
        decays: Decoupled weight decay of each parameter.
        step: Number of the update, from 1.
        learning_rate: Learning rate of this update.
        beta1: Decay of the first moment, or the momentum.
        beta2: Decay of the second moment.
        epsilon: Above 0.
        clip_norm: Largest global norm, or None.
        threads: Threads to run on.

    Returns:
        The global norm before clipping. Where it is not finite, nothing was changed.

    Raises:
        ValueError: If shapes or types do not fit together.
    """
    for arrays in (gradients, *slots):
        if len(arrays) != len(parameters):
            raise ValueError(f"expected {len(parameters)} arrays, got {len(arrays)}")
        for parameter, array in zip(parameters, arrays, strict=True):
            check_array("optimizer array", array, np.float32, parameter.shape)
    for parameter in parameters:
        check_array("parameter", parameter, np.float32, parameter.shape)
    empty: list[Floats] = []
    pair = [list(slots[0]), empty] if name == "sgd" else [empty, list(slots[0])]
    return _native.optimize(
        thread_team(threads),
        chosen_kernels(),
        OPTIMIZER_CODES[name],
        list(parameters),
        list(gradients),
        [list(slot) for slot in slots] if len(slots) == 2 else pair,
        list(decays),
        step,
        learning_rate,
        beta1,
        beta2,
        epsilon,
        clip_norm or 0.0,
    )


def multiply(
    a: Floats,
    b: Floats,
    *,
    kernels: str | None = None,
    precision: str = "float32",
    transposed: bool = False,
) -> Floats:
    """Multiply two matrices with the kernels' own tile: what every other product here is made of.

    Args:
        a: The left side.  # (M, K), or (K, M) if it is given transposed
        b: The right side.  # (K, N)
        kernels: An instruction set from `kernel_names`; None for the chosen one.
        precision: "float32", or "bf16": both sides rounded, sums in float32.
        transposed: Whether to multiply a's transpose, as weight gradients are made.
    """
    check_array("a", a, np.float32, (None, None))
    check_array("b", b, np.float32, (a.shape[0 if transposed else 1], None))
    out = np.empty((a.shape[1 if transposed else 0], b.shape[1]), dtype=np.float32)
    _native.multiply(kernels or chosen_kernels(), precision == "bf16", transposed, a, b, out)
    return out
