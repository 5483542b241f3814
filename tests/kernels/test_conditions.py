"""Conditions of a native window: what does not fit is refused before the kernels see it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unspool._kernels.conditions import WindowConditions
from unspool._kernels.network import NativeNetwork
from unspool._kernels.shape import NetworkShape
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize, parameter_shapes

CONFIG = NetworkConfig(hidden_size=5, vocab_size=7, num_layers=2)
GATES = 4 * 5


def run(conditions: WindowConditions) -> None:
    """Run a window of three steps and two lanes."""
    shape = NetworkShape(
        cell=CONFIG.kind.native or 0,
        states=CONFIG.kind.states,
        vocab_size=7,
        hidden_size=5,
        num_layers=2,
        embedding_size=None,
        reset_after=True,
        residual=False,
        parameter_shapes=parameter_shapes(CONFIG),
    )
    ids = np.ones((3, 2), np.int32)
    parameters = initialize(CONFIG, 0)
    NativeNetwork(shape, threads=1).step(
        parameters,
        ids,
        ids,
        np.zeros((2, 2, 2, 5), np.float32),
        reset_id=None,
        gradients={name: np.zeros_like(values) for name, values in parameters.items()},
        conditions=conditions,
    )


GOOD = WindowConditions(
    records=np.zeros((3, 2), np.int32),
    context=np.zeros((1, GATES), np.float32),
    context_grad=np.zeros((1, GATES), np.float32),
    starts=np.array([[0, -1], [-1, 1], [-1, -1]], np.int32),
    start_states=np.zeros((2, 2, 2, 5), np.float32),
    start_states_grad=np.zeros((2, 2, 2, 5), np.float32),
    final_grad=np.zeros((2, 2, 2, 5), np.float32),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("records", None),
        ("records", np.ones((3, 2), np.int32)),
        ("records", np.zeros((3, 2), np.int64)),
        ("records", np.zeros((2, 2), np.int32)),
        ("context", np.zeros((1, GATES - 1), np.float32)),
        ("context_grad", np.zeros((2, GATES), np.float32)),
        ("starts", None),
        ("starts", np.array([[0, 0], [-1, 1], [-1, -1]], np.int32)),
        ("starts", np.array([[0, -1], [-1, -1], [-1, -1]], np.int32)),
        ("starts", np.array([[0, -1], [-1, 2], [-1, -1]], np.int32)),
        ("start_states", None),
        ("start_states", np.zeros((2, 2, 1, 5), np.float32)),
        ("start_states_grad", np.zeros((1, 2, 2, 5), np.float32)),
        ("final_grad", np.zeros((2, 2, 3, 5), np.float32)),
    ],
)
def test_what_does_not_fit_is_refused(name: str, value: Any) -> None:
    run(GOOD)
    with pytest.raises(ValueError, match=r"start|record|context|final_grad"):
        run(replace(GOOD, **{name: value}))
