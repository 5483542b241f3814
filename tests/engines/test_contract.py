"""The contract of every engine, forward: what it computes, and that nothing leaks between times and lanes."""

import numpy as np
import pytest

from tests.engines.variants import (
    EOS_ID,
    describe,
    engine_or_skip,
    every_engine_and_the_twin,
    every_network,
    make_case,
    networks,
    parameters_of,
    window_of,
)
from tests.network.reference import reference_logits, reference_loss
from unspool._network.config import NetworkConfig

sizes = pytest.mark.parametrize(("T", "B"), [(1, 1), (9, 1), (1, 5), (9, 3)])
CLOSE = {"rtol": 2e-4, "atol": 2e-5}  # float32, with a vector unit's own exponential


@every_engine_and_the_twin
@every_network
@sizes
def test_logits_are_the_reference(engine_name: str, config: NetworkConfig, T: int, B: int) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, T, B),
    )
    for reset_id in (None, EOS_ID):
        wanted, state_wanted = reference_logits(
            config, parameters, case.window.ids, case.state, reset_id=reset_id
        )
        got, state_got = engine.logits(parameters, case.window.ids, case.state, reset_id=reset_id)
        assert got.dtype == state_got.dtype == np.float32
        np.testing.assert_allclose(got, wanted, **CLOSE)
        np.testing.assert_allclose(state_got, state_wanted, **CLOSE)


@every_engine_and_the_twin
@every_network
@sizes
def test_losses_are_the_cross_entropy_of_the_logits(
    engine_name: str, config: NetworkConfig, T: int, B: int
) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, T, B),
    )
    logits, _ = reference_logits(config, parameters, case.window.ids, case.state, reset_id=EOS_ID)
    wanted = reference_loss(logits, case.window.targets)
    got, state = engine.token_losses(parameters, case.window, case.state, reset_id=EOS_ID)
    np.testing.assert_allclose(got, wanted, **CLOSE)
    assert (got[case.window.targets == 0] == 0).all()
    loss, _, state_trained = engine.loss_and_gradients(parameters, case.window, case.state, reset_id=EOS_ID)
    assert loss.count == np.count_nonzero(case.window.targets)
    assert loss.total == pytest.approx(wanted.sum(dtype=np.float64), rel=2e-5)
    np.testing.assert_allclose(state, state_trained, **CLOSE)


@every_engine_and_the_twin
@every_network
def test_masks_multiply_the_outputs(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    losses = {}
    for name, masks in {"dropped": case.masks, "ones": np.ones_like(case.masks), "none": None}.items():
        logits, state_wanted = reference_logits(
            config, parameters, case.window.ids, case.state, reset_id=EOS_ID, masks=masks
        )
        loss, _, state = engine.loss_and_gradients(
            parameters, case.window, case.state, reset_id=EOS_ID, masks=masks
        )
        losses[name] = loss.total
        assert loss.total == pytest.approx(reference_loss(logits, case.window.targets).sum(), rel=2e-5)
        np.testing.assert_allclose(state, state_wanted, **CLOSE)
    assert losses["ones"] == pytest.approx(losses["none"], rel=1e-6)
    assert losses["dropped"] != pytest.approx(losses["none"], rel=1e-4)


@every_engine_and_the_twin
@every_network
def test_chunks_with_the_state_carried_are_the_whole(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    whole, state_whole = engine.logits(parameters, case.window.ids, case.state, reset_id=EOS_ID)
    for length in (1, 4):
        state, pieces = case.state, []
        for begin in range(0, 9, length):
            ids = np.ascontiguousarray(case.window.ids[begin : begin + length])
            piece, state = engine.logits(parameters, ids, state, reset_id=EOS_ID)
            pieces.append(piece.copy())
            state = state.copy()
        np.testing.assert_allclose(np.concatenate(pieces), whole, **CLOSE)
        np.testing.assert_allclose(state, state_whole, **CLOSE)


@every_engine_and_the_twin
@every_network
def test_a_later_input_never_changes_an_earlier_output(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    before = engine.logits(parameters, case.window.ids, case.state)[0].copy()
    ids = case.window.ids.copy()
    ids[5:] = ids[5:] % 9 + 1  # each becomes another symbol
    assert (ids[5:] != case.window.ids[5:]).all()
    after, _ = engine.logits(parameters, ids, case.state)
    np.testing.assert_array_equal(after[:5], before[:5])
    assert (np.abs(after[5:, :, 1:] - before[5:, :, 1:]).max(axis=2) > 1e-4).all()


@every_engine_and_the_twin
@every_network
def test_a_reset_is_a_fresh_start(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    ids = case.window.ids.copy()
    ids[4] = EOS_ID
    got, _ = engine.logits(parameters, ids, case.state, reset_id=EOS_ID)
    got = got.copy()
    fresh = engine.initial_state(3)
    assert fresh.shape == case.state.shape
    assert not fresh.any()
    wanted, _ = engine.logits(parameters, np.ascontiguousarray(ids[4:]), fresh, reset_id=EOS_ID)
    np.testing.assert_allclose(got[4:], wanted, **CLOSE)
    wanted = wanted.copy()
    carried, _ = engine.logits(parameters, ids, case.state)
    assert np.abs(carried[4:, :, 1:] - wanted[:, :, 1:]).max() > 1e-3


@every_engine_and_the_twin
@every_network
def test_lanes_know_nothing_of_each_other(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 5),
    )
    whole, state_whole = engine.logits(parameters, case.window.ids, case.state, reset_id=EOS_ID)
    whole, state_whole = whole.copy(), state_whole.copy()
    for b in range(5):
        ids, state = np.ascontiguousarray(case.window.ids[:, b : b + 1]), case.state[:, :, b : b + 1].copy()
        alone, state_alone = engine.logits(parameters, ids, state, reset_id=EOS_ID)
        np.testing.assert_allclose(alone[:, 0], whole[:, b], **CLOSE)
        np.testing.assert_allclose(state_alone[:, :, 0], state_whole[:, :, b], **CLOSE)


@every_engine_and_the_twin
@every_network
def test_pad_has_no_probability(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    parameters["output.bias"] = parameters["output.bias"].copy()
    parameters["output.bias"][0] = 50  # would take all the probability if it were let in
    logits, _ = engine.logits(parameters, case.window.ids, case.state)
    assert np.isneginf(logits[..., 0]).all()
    assert np.isfinite(logits[..., 1:]).all()
    every = np.arange(1, 11, dtype=np.int32)[None]  # each symbol once, after the same past
    state = np.repeat(case.state[:, :, :1], 10, axis=2)
    losses, _ = engine.token_losses(parameters, window_of(np.full((1, 10), 3), every), state, reset_id=None)
    assert np.exp(-losses.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)


@every_engine_and_the_twin
@every_network
def test_nothing_given_is_changed(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters, case = (
        engine_or_skip(engine_name, config),
        parameters_of(config),
        make_case(config, 9, 3),
    )
    given = [*parameters.values(), case.state, case.masks, case.window.ids, case.window.targets]
    before = [array.copy() for array in given]
    _, _, first = engine.loss_and_gradients(
        parameters, case.window, case.state, reset_id=EOS_ID, masks=case.masks
    )
    kept = first.copy()
    engine.loss_and_gradients(parameters, case.window, first, reset_id=EOS_ID)
    engine.token_losses(parameters, case.window, first, reset_id=EOS_ID)
    engine.logits(parameters, case.window.ids, first, reset_id=EOS_ID)
    np.testing.assert_array_equal(first, kept)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)


@every_engine_and_the_twin
@pytest.mark.parametrize("config", [networks()[1]], ids=describe)
def test_extreme_logits_stay_finite(engine_name: str, config: NetworkConfig) -> None:
    engine, case = engine_or_skip(engine_name, config), make_case(config, 9, 3)
    parameters = {name: values * 200 for name, values in parameters_of(config).items()}
    loss, gradients, state = engine.loss_and_gradients(parameters, case.window, case.state, reset_id=None)
    assert np.isfinite(loss.total)
    assert np.isfinite(state).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
