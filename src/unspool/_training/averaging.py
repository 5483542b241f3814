"""The running average of the parameters: steadier than the last values, and often better."""

from collections.abc import Mapping

import numpy as np

from unspool._training.optimizers import FloatArray


def update_average(
    average: Mapping[str, FloatArray], parameters: Mapping[str, FloatArray], *, decay: float, step: int
) -> None:
    """Add the parameters after a step to their exponential moving average, in place.

    After step t the average is sum_i decay^(t-i) parameters_i over the sum of these weights, i from 1 to t.
    So the first values of the average do not count, and no correction is needed when it is read. This is the
    bias correction of Kingma and Ba, "Adam" (2015), section 3, made part of each update.

    Args:
        average: The average, name -> array; updated in place.
        parameters: The parameters, with the same names and shapes; not changed.
        decay: Weight of the past in a long average, in (0, 1).
        step: Number of the step, from 1.
    """
    weight = np.float32((1 - decay) / (1 - decay**step))
    for name, mean in average.items():
        change = parameters[name] - mean
        change *= weight
        np.add(mean, change, out=mean)
