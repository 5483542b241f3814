"""Learning-rate schedules: the factor of the highest learning rate over the run.

A schedule is a pure function of the progress, the share of the run that is done, so it means the same for a
run measured in steps and for one measured in minutes. `progress_at` returns the progress of a step: the
middle of the step, so that neither the first nor the last step has a rate of zero.
"""

import math
from collections.abc import Callable

RISE_SHARE = 0.3
RISE_START = 1 / 25

Schedule = Callable[[float, float, float], float]


def progress_at(step: int, total_steps: int) -> float:
    """Return the share of the run that is done in the middle of a step.

    Args:
        step: Number of the step, from 1.
        total_steps: Steps of the whole run, at least 1.

    Returns:
        A number in (0, 1).
    """
    return (step - 0.5) / total_steps


def constant(progress: float, warmup_fraction: float, floor_fraction: float) -> float:
    """Rise linearly during the warm-up, then stay at the highest rate.

    Args:
        progress: Share of the run that is done, in [0, 1].
        warmup_fraction: Share of the run during which the rate rises, in [0, 1).
        floor_fraction: Not used: the rate never falls.

    Returns:
        The factor of the highest learning rate, in (0, 1].
    """
    return progress / warmup_fraction if progress < warmup_fraction else 1.0


def cosine(progress: float, warmup_fraction: float, floor_fraction: float) -> float:
    """Rise linearly during the warm-up, then fall along half a cosine to the floor.

    The fall is that of Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (2017),
    equation 5, without restarts.

    Args:
        progress: Share of the run that is done, in [0, 1].
        warmup_fraction: Share of the run during which the rate rises, in [0, 1).
        floor_fraction: The last rate, as a share of the highest, in [0, 1].

    Returns:
        The factor of the highest learning rate, in [0, 1].
    """
    if progress < warmup_fraction:
        return progress / warmup_fraction
    return _half_cosine((progress - warmup_fraction) / (1 - warmup_fraction), 1.0, floor_fraction)


def one_cycle(progress: float, warmup_fraction: float, floor_fraction: float) -> float:
    """Rise along half a cosine for three tenths of the run, then fall along another to the floor.

    After Smith and Topin, "Super-Convergence" (2019), but the momentum does not change.

    Args:
        progress: Share of the run that is done, in [0, 1].
        warmup_fraction: Not used: the rise takes `RISE_SHARE` of the run and starts at `RISE_START`.
        floor_fraction: The last rate, as a share of the highest, in [0, 1].

    Returns:
        The factor of the highest learning rate, in [0, 1].
    """
    if progress < RISE_SHARE:
        return _half_cosine(progress / RISE_SHARE, RISE_START, 1.0)
    return _half_cosine((progress - RISE_SHARE) / (1 - RISE_SHARE), 1.0, floor_fraction)


def _half_cosine(share: float, start: float, end: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


SCHEDULES: dict[str, Schedule] = {"constant": constant, "cosine": cosine, "one-cycle": one_cycle}
