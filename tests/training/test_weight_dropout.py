"""Dropped weights in every engine and cell: the loss is that of what is left, the gradients are its own."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.variants import (
    EOS_ID,
    engine_or_skip,
    every_engine,
    every_network,
    make_case,
    parameters_of,
)
from tests.network.reference import reference_logits, reference_loss
from unspool._engines.protocol import Engine, Gradients
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel, parameter_shapes
from unspool._training.dropout import dropout_masks, loss_and_gradients, weight_masks

SEED, STEP, T, B = 2, 5, 6, 3


def dropping(config: NetworkConfig) -> NetworkConfig:
    """Give the network all kinds of dropout."""
    return replace(config, dropout=0.2, input_dropout=0.4, recurrent_dropout=0.5)


def wanted_loss(config: NetworkConfig, parameters: dict[str, NDArray[np.float64]]) -> float:
    """Work the mean loss with dropped weights from the reference, the output kernel left whole."""
    case, whole = make_case(config, T, B), output_kernel(parameters)
    dropped = {**parameters, "output.kernel": whole}
    for name, mask in weight_masks(config, seed=SEED, step=STEP).items():
        dropped[name] = parameters[name] * mask
    masks = dropout_masks(config, B, seed=SEED, step=STEP)
    logits, _ = reference_logits(
        config, dropped, case.window.ids, case.state.astype(np.float64), reset_id=EOS_ID, masks=masks
    )
    losses = reference_loss(logits, case.window.targets)
    return float(losses.sum() / np.count_nonzero(case.window.targets))


def run(engine: Engine) -> tuple[float, Gradients]:
    case = make_case(engine.config, T, B)
    loss, gradients, _ = loss_and_gradients(
        engine,
        parameters_of(engine.config),
        case.window,
        case.state,
        reset_id=EOS_ID,
        seed=SEED,
        step=STEP,
    )
    return loss.mean, gradients


def oracle(config: NetworkConfig) -> tuple[float, Gradients]:
    """Run it in float64."""
    pytest.importorskip("torch")
    from unspool._engines.torch import TorchEngine

    return run(TorchEngine(config, threads=1, dtype="float64"))


@every_network
def test_autograd_through_dropped_weights_agrees_with_finite_differences(config: NetworkConfig) -> None:
    config, random = dropping(config), np.random.default_rng(1)
    parameters = {name: values.astype(np.float64) for name, values in parameters_of(config).items()}
    loss, gradients = oracle(config)
    assert wanted_loss(config, parameters) == pytest.approx(loss, rel=1e-6)  # masks are float32
    for name, values in parameters.items():
        direction, step = random.normal(size=values.shape), 1e-5
        above = wanted_loss(config, {**parameters, name: values + step * direction})
        below = wanted_loss(config, {**parameters, name: values - step * direction})
        wanted = float((gradients[name] * direction).sum())
        assert (above - below) / (2 * step) == pytest.approx(wanted, rel=1e-5, abs=1e-7), name


@every_engine
@every_network
def test_dropped_weights_are_those_of_the_oracle(engine_name: str, config: NetworkConfig) -> None:
    config = dropping(config)
    before = {name: values.copy() for name, values in parameters_of(config).items()}
    loss_wanted, wanted = oracle(config)
    loss, got = run(engine_or_skip(engine_name, config))
    assert loss == pytest.approx(loss_wanted, rel=2e-5)
    assert list(got) == list(parameter_shapes(config))
    for name, gradient in got.items():
        assert np.abs(gradient - wanted[name]).max() <= 1e-4 * np.abs(wanted[name]).max() + 1e-7, name
        np.testing.assert_array_equal(parameters_of(config)[name], before[name])


@every_engine
@every_network
def test_what_is_dropped_gets_no_gradient(engine_name: str, config: NetworkConfig) -> None:
    config = dropping(config)
    _, gradients = run(engine_or_skip(engine_name, config))
    for name, mask in weight_masks(config, seed=SEED, step=STEP).items():
        dropped = np.broadcast_to(mask == 0, gradients[name].shape)
        assert dropped.any()
        tied = name == "embedding" and config.tied_output  # the output goes on learning
        assert gradients[name][dropped].any() == tied
        assert gradients[name][~dropped].any()
