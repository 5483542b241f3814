"""The contract of every engine's `forward`: its own `logits`, whatever else is asked in between."""

import numpy as np
import pytest

from tests.engines.variants import (
    EOS_ID,
    describe,
    engine_or_skip,
    every_engine,
    every_network,
    make_case,
    networks,
    parameters_of,
)
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize


@every_engine
@every_network
@pytest.mark.parametrize("B", [1, 3, 40])
def test_forward_is_logits_with_fixed_parameters(engine_name: str, config: NetworkConfig, B: int) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 4, B),
    )
    before = case.state.copy()
    forward = engine.forward(parameters, lanes=B)
    for reset_id in (None, EOS_ID):
        wanted, state_wanted = engine.logits(parameters, case.window.ids, case.state, reset_id=reset_id)
        got, state = forward(case.window.ids, case.state, reset_id=reset_id)
        np.testing.assert_array_equal(got, wanted)
        np.testing.assert_array_equal(state, state_wanted)
        np.testing.assert_array_equal(case.state, before)


@every_engine
@pytest.mark.parametrize("config", networks()[:1], ids=describe)
def test_other_calls_may_come_in_between(engine_name: str, config: NetworkConfig) -> None:
    engine, case = engine_or_skip(engine_name, config), make_case(config, 1, 3)
    first, second = parameters_of(config), initialize(config, 9)
    one, two = engine.forward(first, lanes=3), engine.forward(second, lanes=3)
    for _ in range(2):
        for forward, parameters in ((one, first), (two, second)):
            wanted, _ = engine.logits(parameters, case.window.ids, case.state)
            np.testing.assert_array_equal(forward(case.window.ids, case.state)[0], wanted)
            engine.loss_and_gradients(second, case.window, case.state, reset_id=None)
