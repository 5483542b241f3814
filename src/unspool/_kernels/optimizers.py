"""One optimizer step in the native module."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unspool import _native
from unspool._kernels.arrays import Floats, check_array, check_number
from unspool._kernels.machine import chosen_kernels, thread_team

SLOTS = (2, 1, 1)  # by the number of an update: the arrays that it keeps for each parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """The coefficients of one update.

    Args:
        step: Number of the update, from 1.
        learning_rate: Learning rate of this update.
        beta1: The first of the optimizer's two decays, in [0, 1).
        beta2: The second of the optimizer's two decays, in [0, 1).
        epsilon: A small number > 0 that avoids a division by zero.
        decay: Decoupled weight decay of the current parameter, ≥ 0.
    """

    step: int
    learning_rate: float
    beta1: float
    beta2: float
    epsilon: float
    decay: float = 0.0


def optimizer_step(
    code: int,
    parameters: Sequence[Floats],
    gradients: Sequence[Floats],
    slots: Sequence[Sequence[Floats]],
    decays: Sequence[float],
    *,
    coefficients: Coefficients,
    clip_norm: float | None,
    threads: int = 1,
) -> float:
    """Clip the gradients by their global norm, and update the parameters and slots in place.

    Args:
        code: The number of the native update, as in the optimizer's row.
        parameters: Arrays of any shapes.
        gradients: Gradients of the same shapes; not changed.
        slots: One list of arrays for each slot of the update, in its order.
        decays: Decoupled weight decay of each parameter.
        coefficients: The coefficients of the update; `decays` replace the decay in them.
        clip_norm: Highest allowed global norm, or None for no clipping.
        threads: Number of threads.

    Returns:
        The global norm before clipping. If it is not finite, nothing was changed.

    Raises:
        ValueError: If shapes or types do not fit together, or there is no such update.
    """
    check_number("code", code, 0, len(SLOTS) - 1)
    for arrays in (parameters, gradients, *slots):
        if len(arrays) != len(parameters):
            raise ValueError(f"expected {len(parameters)} arrays, got {len(arrays)}")
        for parameter, array in zip(parameters, arrays, strict=True):
            check_array("optimizer array", array, np.float32, parameter.shape)
    if len(decays) != len(parameters) or len(slots) != SLOTS[code]:
        got = f"{len(decays)} decays and {len(slots)} slots"
        raise ValueError(f"expected {len(parameters)} decays and {SLOTS[code]} slots, got {got}")
    c = coefficients
    rates = (c.learning_rate, c.beta1, c.beta2, c.epsilon)
    return _native.optimize(
        thread_team(threads),
        chosen_kernels(),
        code,
        list(parameters),
        list(gradients),
        [list(slot) for slot in slots],
        list(decays),
        c.step,
        *rates,
        clip_norm or 0.0,
    )
