"""What a state makes of the next token, before another one is read."""

import numpy as np

from unspool._engines.protocol import Floats, Parameters, StateArray, finite_logits
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel


def logits_of(config: NetworkConfig, parameters: Parameters, state: StateArray) -> Floats:
    """Compute the logits (V,) of a state (L, S, 1, H) without reading another token."""
    top = state[:, 0, 0].sum(axis=0) if config.residual else state[-1, 0, 0]  # (H,)
    logits: Floats = top @ output_kernel(parameters) + parameters["output.bias"]
    logits[0] = -np.inf
    return finite_logits(logits)
