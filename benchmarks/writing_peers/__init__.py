"""An LSTM that writes, in the libraries of others: each as someone who knows that library would write it.

Each module has a function ``writer`` with the same arguments: the parameters of a one-layer LSTM of unspool
with one-hot input; the number of sequences B; the number of tokens of each; the first input; the temperature.
It returns a function of a seed that returns the ids (count, B). All draw by inverting the distribution
function: one random number for each token, a cumulative sum and a search, which is several times faster than
the ``categorical`` or ``multinomial`` of these libraries.

Import a module only if its library is installed.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

NO_CHANCE = np.float32(-1e4)  # a bias that keeps a token out of the softmax

Parameters: TypeAlias = Mapping[str, NDArray[np.float32]]
Write: TypeAlias = Callable[[int], NDArray[Any]]


def arrays(parameters: Parameters, temperature: float) -> tuple[NDArray[np.float32], ...]:
    """Return what a step reads: the table of inputs with the bias, the kernel, and the scaled output layer.

    Returns:
        Table (V, 4H), recurrent kernel (H, 4H), output kernel (H, V) and its bias (V,), both divided by the
        temperature. The gates are in the order input, forget, candidate, output.
    """
    table = parameters["layers.0.input_kernel"] + parameters["layers.0.bias"]
    output, bias = parameters["output.kernel"] / temperature, parameters["output.bias"] / temperature
    bias[0] = NO_CHANCE / temperature
    return table, parameters["layers.0.recurrent_kernel"], output, bias
