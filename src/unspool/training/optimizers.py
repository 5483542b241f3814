"""Optimizers: how gradients change parameters.

Each row of `OPTIMIZERS` names what it keeps per parameter (its slots) and holds a plain NumPy update in
place, for any float dtype. `Optimizer` clips the gradients by their global norm and applies one row to all
parameters: in the native kernels where they are float32 and the row has native code, else by the row's NumPy
update, its twin.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from unspool.kernels.optimizers import Coefficients, optimizer_step
from unspool.training.config import TrainingConfig

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Slots: TypeAlias = dict[str, dict[str, FloatArray]]


Update = Callable[[FloatArray, FloatArray, list[FloatArray], Coefficients], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """Describe one optimizer.

    Args:
        slots: Names of the arrays kept for each parameter, of its shape, zero at the start.
        update: Changes a parameter and its slots in place, given the gradient.
        betas: Picks (beta1, beta2) from the configuration.
        decays: Whether `weight_decay` applies.
        native: Its number in ``enum Optimizer`` of ``native/network/optimizer.h``; None where it has no
            native code, and the NumPy update serves every dtype.
    """

    slots: tuple[str, ...]
    update: Update
    betas: Callable[[TrainingConfig], tuple[float, float]]
    decays: bool = False
    native: int | None = None


def adam(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the gradient's running mean over the root of its running mean square.

    Kingma and Ba, "Adam" (2015), algorithm 1, with the bias corrections written out; where `c.decay` is
    not 0 the parameter first shrinks by learning_rate * decay of itself (Loshchilov and Hutter,
    "Decoupled Weight Decay Regularization", 2019).
    """
    mean, square = slots
    mean *= c.beta1
    mean += (1 - c.beta1) * gradient
    square *= c.beta2
    square += (1 - c.beta2) * np.square(gradient)
    parameter *= 1 - c.learning_rate * c.decay
    root = np.sqrt(square / (1 - c.beta2**c.step)) + c.epsilon
    parameter -= (c.learning_rate / (1 - c.beta1**c.step)) * mean / root


def rmsprop(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the gradient over the root of its running mean square.

    Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012). Epsilon stands inside the root, as in Keras 3;
    PyTorch adds it to the root.
    """
    (square,) = slots
    square *= c.beta2
    square += (1 - c.beta2) * np.square(gradient)
    parameter -= c.learning_rate * gradient / np.sqrt(square + c.epsilon)


def sgd(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the accumulated gradient: velocity = momentum * velocity + gradient (momentum is beta1)."""
    (velocity,) = slots
    velocity *= c.beta1
    velocity += gradient
    parameter -= c.learning_rate * velocity


OPTIMIZERS: dict[str, Rule] = {
    "adamw": Rule(("mean", "square"), adam, lambda c: (c.beta1, c.beta2), decays=True, native=0),
    "adam": Rule(("mean", "square"), adam, lambda c: (c.beta1, c.beta2), native=0),
    "rmsprop": Rule(("square",), rmsprop, lambda c: (0.0, c.rho), native=1),
    "sgd": Rule(("velocity",), sgd, lambda c: (c.momentum, 0.0), native=2),
}


def decays(name: str) -> bool:
    """Tell whether weight decay applies to a parameter: kernels and the embedding, never biases."""
    return name.endswith(("kernel", "embedding"))


def global_norm(gradients: Mapping[str, FloatArray]) -> float:
    """Return the Euclidean norm of all gradients taken as one vector, summed in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values())
    return math.sqrt(total) if total >= 0 else math.nan


class Optimizer:
    """Apply one row of `OPTIMIZERS` to all parameters, clipping their gradients first.

    Args:
        name: A name in `OPTIMIZERS`.
        parameters: The parameters that will be updated; only their shapes and dtypes are looked at.
        config: Coefficients, `weight_decay` and `clip_norm`.
        threads: Threads of the native update; they change no bit of the result.

    Attributes:
        slots: Slot name -> parameter name -> array, what a checkpoint holds.
        step: Updates made so far.
    """

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, FloatArray],
        config: TrainingConfig,
        *,
        threads: int = 1,
    ) -> None:
        self.config, self.threads = config, threads
        self.rule = OPTIMIZERS[name]
        self.step = 0
        self.slots: Slots = {
            slot: {key: np.zeros_like(array) for key, array in parameters.items()} for slot in self.rule.slots
        }

    def restore(self, slots: Slots, step: int) -> None:
        """Take up the slots and the step of a checkpoint; the arrays are updated in place from here on."""
        self.slots, self.step = slots, step

    def decay_of(self, name: str) -> float:
        """Return the weight decay of one parameter."""
        return self.config.weight_decay if self.rule.decays and decays(name) else 0.0

    def update(
        self, parameters: Mapping[str, FloatArray], gradients: Mapping[str, FloatArray], learning_rate: float
    ) -> float:
        """Change parameters and slots in place.

        Args:
            parameters: Name -> array; updated in place.
            gradients: The same names and shapes; left as they are.
            learning_rate: Learning rate of this update, at least 0.

        Returns:
            The global norm of the gradients before clipping. If it is not finite, nothing was changed.
        """
        single = all(array.dtype == np.float32 for array in parameters.values())
        if single and self.rule.native is not None:
            norm = self.update_natively(self.rule.native, parameters, gradients, learning_rate)
        else:
            norm = self.update_in_numpy(parameters, gradients, learning_rate)
        if math.isfinite(norm):
            self.step += 1
        return norm

    def update_natively(
        self,
        code: int,
        parameters: Mapping[str, FloatArray],
        gradients: Mapping[str, FloatArray],
        learning_rate: float,
    ) -> float:
        """Make one update of float32 arrays by the native code of this number; `step` stays."""
        return optimizer_step(
            code,
            list(parameters.values()),
            [gradients[name] for name in parameters],
            [[self.slots[slot][name] for name in parameters] for slot in self.rule.slots],
            [self.decay_of(name) for name in parameters],
            coefficients=self.coefficients(learning_rate),
            clip_norm=self.config.clip_norm,
            threads=self.threads,
        )

    def update_in_numpy(
        self, parameters: Mapping[str, FloatArray], gradients: Mapping[str, FloatArray], learning_rate: float
    ) -> float:
        """Make one update of arrays of any float dtype; `step` stays."""
        norm = global_norm(gradients)
        if not math.isfinite(norm):
            return norm
        clip, shared = self.config.clip_norm, self.coefficients(learning_rate)
        scale = clip / norm if clip is not None and norm > clip else 1.0
        for name, parameter in parameters.items():
            slots = [self.slots[slot][name] for slot in self.rule.slots]
            coefficients = replace(shared, decay=self.decay_of(name))
            self.rule.update(parameter, gradients[name] * scale, slots, coefficients)
        return norm

    def coefficients(self, learning_rate: float) -> Coefficients:
        """Return the numbers of the next update, without the decay of a parameter."""
        (beta1, beta2), epsilon = self.rule.betas(self.config), self.config.epsilon
        return Coefficients(
            step=self.step + 1, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon
        )
