"""Optimizers: how gradients change parameters.

Each row of `OPTIMIZERS` names the arrays that it keeps for each parameter (its slots) and has a plain NumPy
update in place, for any float dtype. `Optimizer` clips the gradients by their global norm and applies one row
to all parameters. If the parameters are float32 and the row has native code, the native kernels do it;
otherwise its NumPy update does.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from unspool._kernels.optimizers import Coefficients, optimizer_step
from unspool._training.config import TrainingConfig

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Slots: TypeAlias = dict[str, dict[str, FloatArray]]


Update = Callable[[FloatArray, FloatArray, list[FloatArray], Coefficients], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """One optimizer.

    Args:
        slots: Names of the arrays that are kept for each parameter; each has the parameter's shape and starts
            at zero.
        update: A function that changes a parameter and its slots in place by the gradient. It is written with
            operators alone, so that it takes the tensors of PyTorch too.
        betas: A function that returns (beta1, beta2) of a configuration.
        decays: Whether `weight_decay` applies.
        native: Its number in ``enum Optimizer`` of ``native/network/optimizer.h``. None if it has no native
            code; then the NumPy update serves every dtype.
    """

    slots: tuple[str, ...]
    update: Update
    betas: Callable[[TrainingConfig], tuple[float, float]]
    decays: bool = False
    native: int | None = None


def arrays_of(config: TrainingConfig) -> int:
    """Return the number of arrays that a run keeps for each parameter: itself, its gradient, slots, average.

    Args:
        config: The training configuration.
    """
    return 2 + len(OPTIMIZERS[config.optimizer].slots) + (config.ema is not None)


def adam(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the running mean of the gradient over the root of its running mean square.

    Kingma and Ba, "Adam" (2015), algorithm 1, with the bias corrections written out. If `c.decay` is not 0,
    the parameter first shrinks by learning_rate * decay of itself (Loshchilov and Hutter, "Decoupled Weight
    Decay Regularization", 2019).

    Args:
        parameter: The parameter; updated in place.
        gradient: Its gradient, already clipped.
        slots: Its running mean and its running mean square; updated in place.
        c: The coefficients of the update.
    """
    mean, square = slots
    mean *= c.beta1
    mean += (1 - c.beta1) * gradient
    square *= c.beta2
    square += (1 - c.beta2) * (gradient * gradient)
    parameter *= 1 - c.learning_rate * c.decay
    root = (square / (1 - c.beta2**c.step)) ** 0.5 + c.epsilon
    parameter -= (c.learning_rate / (1 - c.beta1**c.step)) * mean / root


def rmsprop(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the gradient over the root of its running mean square.

    Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012). Epsilon is added inside the root, as in Keras 3;
    PyTorch adds it to the root.

    Args:
        parameter: The parameter; updated in place.
        gradient: Its gradient, already clipped.
        slots: Its running mean square; updated in place.
        c: The coefficients of the update; beta2 is `rho`.
    """
    (square,) = slots
    square *= c.beta2
    square += (1 - c.beta2) * (gradient * gradient)
    parameter -= c.learning_rate * gradient / (square + c.epsilon) ** 0.5


def sgd(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the accumulated gradient: velocity = momentum * velocity + gradient (momentum is beta1).

    Args:
        parameter: The parameter; updated in place.
        gradient: Its gradient, already clipped.
        slots: Its velocity; updated in place.
        c: The coefficients of the update; beta1 is `momentum`.
    """
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
    """Return whether weight decay applies to a parameter: to kernels and the embedding, never to biases."""
    return name.endswith(("kernel", "embedding"))


def global_norm(gradients: Mapping[str, FloatArray]) -> float:
    """Return the Euclidean norm of all gradients as one vector, summed in float64."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values())
    return math.sqrt(total) if total >= 0 else math.nan


class Optimizer:
    """One row of `OPTIMIZERS`, applied to all parameters after their gradients are clipped.

    Args:
        name: A name in `OPTIMIZERS`.
        parameters: The parameters that will be updated; only their shapes and dtypes are read.
        config: The training configuration with the coefficients, `weight_decay` and `clip_norm`.
        threads: Number of threads of the native update; the result is the same for any number.

    Attributes:
        slots: The arrays that a checkpoint stores: slot name -> parameter name -> array.
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
        """Continue from the slots and the step of a checkpoint; updates change these arrays in place."""
        self.slots, self.step = slots, step

    def decay_of(self, name: str) -> float:
        """Return the weight decay of one parameter."""
        return self.config.weight_decay if self.rule.decays and decays(name) else 0.0

    def update(
        self, parameters: Mapping[str, FloatArray], gradients: Mapping[str, FloatArray], learning_rate: float
    ) -> float:
        """Update the parameters and the slots in place.

        Args:
            parameters: The parameters, name -> array; updated in place.
            gradients: The gradients, with the same names and shapes; not changed.
            learning_rate: Learning rate of this update, ≥ 0.

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
        """Update float32 arrays by the native code of this number; `step` does not change.

        Args:
            code: The number of the native update, as in the optimizer's row.
            parameters: The parameters, name -> array; updated in place.
            gradients: The gradients, with the same names and shapes; not changed.
            learning_rate: Learning rate of this update, ≥ 0.
        """
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
        """Update arrays of any float dtype; `step` does not change.

        Args:
            parameters: The parameters, name -> array; updated in place.
            gradients: The gradients, with the same names and shapes; not changed.
            learning_rate: Learning rate of this update, ≥ 0.
        """
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
        """Return the coefficients of the next update, without the weight decay of a parameter."""
        (beta1, beta2), epsilon = self.rule.betas(self.config), self.config.epsilon
        return Coefficients(
            step=self.step + 1, learning_rate=learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon
        )
