"""The running average of the parameters: steadier than the last of them, and often better."""

from collections.abc import Mapping

import numpy as np

from unspool.training.optimizers import FloatArray


def update_average(
    average: Mapping[str, FloatArray], parameters: Mapping[str, FloatArray], *, decay: float, step: int
) -> None:
    """Take the parameters after a step into their exponential moving average, in place.

    After step t the average is sum_i decay^(t-i) parameters_i over the sum of these weights, i from 1 to t:
    the first values, with which the average is made, do not count, and no correction is needed when it is
    read. This is the bias correction of Kingma and Ba, "Adam" (2015), section 3, taken into each update.

    Args:
        average: Name -> array.
        parameters: The same names and shapes; left as they are.
        decay: Share of the past in a long average, in (0, 1).
        step: Number of the step, from 1.
    """
    weight = np.float32((1 - decay) / (1 - decay**step))
    for name, mean in average.items():
        change = parameters[name] - mean
        change *= weight
        np.add(mean, change, out=mean)
