"""The contract of every engine, backward: gradients against finite differences and float64 autograd."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.variants import (
    EOS_ID,
    VOCAB_SIZE,
    engine_or_skip,
    every_engine_and_the_twin,
    every_network,
    make_case,
    parameters_of,
    window_of,
)
from tests.network.reference import reference_logits, reference_loss
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig
from unspool._network.parameters import output_kernel, parameter_shapes

Gradients = dict[str, NDArray[np.float64]]


@cache
def oracle(config: NetworkConfig, T: int, B: int, masked: bool) -> tuple[float, Gradients]:
    """Work the mean loss and the gradients in float64."""
    pytest.importorskip("torch")
    from unspool._engines.torch import TorchEngine

    engine, case = TorchEngine(config, threads=1, dtype="float64"), make_case(config, T, B)
    loss, gradients, _ = engine.loss_and_gradients(
        parameters_of(config), case.window, case.state, reset_id=EOS_ID, masks=case.masks if masked else None
    )
    return loss.mean, gradients


@every_network
def test_autograd_agrees_with_finite_differences(config: NetworkConfig) -> None:
    case, random = make_case(config, 6, 3), np.random.default_rng(1)
    parameters = {name: values.astype(np.float64) for name, values in parameters_of(config).items()}
    state, masks = case.state.astype(np.float64), case.masks.astype(np.float64)

    def mean_loss() -> float:
        logits, _ = reference_logits(config, parameters, case.window.ids, state, reset_id=EOS_ID, masks=masks)
        losses = reference_loss(logits, case.window.targets)
        return float(losses.sum() / np.count_nonzero(case.window.targets))

    loss, gradients = oracle(config, 6, 3, masked=True)
    assert mean_loss() == pytest.approx(loss, rel=1e-12)
    for name, values in parameters.items():
        direction = random.normal(size=values.shape)
        step, original = 1e-5, values.copy()
        values[...] = original + step * direction
        above = mean_loss()
        values[...] = original - step * direction
        below = mean_loss()
        values[...] = original
        wanted = float((gradients[name] * direction).sum())
        assert (above - below) / (2 * step) == pytest.approx(wanted, rel=1e-6, abs=1e-9), name


@every_engine_and_the_twin
@every_network
@pytest.mark.parametrize(("T", "B", "masked"), [(1, 1, False), (9, 5, False), (9, 3, True)])
def test_gradients_are_those_of_the_oracle(
    engine_name: str, config: NetworkConfig, T: int, B: int, masked: bool
) -> None:
    engine, case = engine_or_skip(engine_name, config), make_case(config, T, B)
    _, wanted = oracle(config, T, B, masked)
    _, got, _ = engine.loss_and_gradients(
        parameters_of(config), case.window, case.state, reset_id=EOS_ID, masks=case.masks if masked else None
    )
    assert list(got) == list(parameter_shapes(config))
    for name, gradient in got.items():
        assert gradient.shape == wanted[name].shape
        assert gradient.dtype == np.float32
        assert np.abs(gradient - wanted[name]).max() <= 1e-4 * np.abs(wanted[name]).max() + 1e-7, name


@pytest.mark.parametrize("cell", list(CELLS))
def test_gradients_over_more_rows_and_columns_than_one_block_of_a_product_takes(cell: str) -> None:
    config = NetworkConfig(cell=cell, hidden_size=103, num_layers=2, vocab_size=VOCAB_SIZE)
    engine, case = engine_or_skip("cpu", config), make_case(config, 31, 19)
    _, wanted = oracle(config, 31, 19, masked=False)
    _, got, _ = engine.loss_and_gradients(parameters_of(config), case.window, case.state, reset_id=EOS_ID)
    for name, gradient in got.items():
        assert np.abs(gradient - wanted[name]).max() <= 1e-4 * np.abs(wanted[name]).max() + 1e-7, name


@every_engine_and_the_twin
@every_network
def test_pad_gets_no_gradient(engine_name: str, config: NetworkConfig) -> None:
    engine, case = engine_or_skip(engine_name, config), make_case(config, 9, 3)
    _, gradients, _ = engine.loss_and_gradients(parameters_of(config), case.window, case.state, reset_id=None)
    kernel = output_kernel(gradients)  # of a tied one <pad> is no input either
    assert not kernel[:, 0].any()
    assert gradients["output.bias"][0] == 0
    assert kernel[:, 1:].any()


@every_engine_and_the_twin
@every_network
def test_a_window_with_nothing_counted_has_no_loss_and_no_gradient(
    engine_name: str, config: NetworkConfig
) -> None:
    engine, case = engine_or_skip(engine_name, config), make_case(config, 9, 3)
    window = window_of(case.window.ids, np.zeros((9, 3)))
    loss, gradients, state = engine.loss_and_gradients(
        parameters_of(config), window, case.state, reset_id=EOS_ID
    )
    assert (loss.total, loss.count, loss.mean) == (0, 0, 0)
    assert not any(gradient.any() for gradient in gradients.values())
    assert state.any()


@every_engine_and_the_twin
@every_network
def test_gradients_do_not_pile_up_over_calls(engine_name: str, config: NetworkConfig) -> None:
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    first, second = make_case(config, 9, 3), make_case(config, 4, 5, seed=1)
    _, gradients, _ = engine.loss_and_gradients(parameters, first.window, first.state, reset_id=EOS_ID)
    kept = {name: gradient.copy() for name, gradient in gradients.items()}
    engine.loss_and_gradients(parameters, second.window, second.state, reset_id=None, masks=second.masks)
    _, again, _ = engine.loss_and_gradients(parameters, first.window, first.state, reset_id=EOS_ID)
    for name, gradient in again.items():
        np.testing.assert_array_equal(gradient, kept[name])


@every_engine_and_the_twin
@every_network
def test_no_gradient_flows_across_a_reset(engine_name: str, config: NetworkConfig) -> None:
    """A record after the reset teaches nothing to the one before it: only its own symbols' rows move."""
    engine, parameters = engine_or_skip(engine_name, config), parameters_of(config)
    # of its own: one that is tied moves every row of the embedding
    parameters["output.kernel"] = np.ascontiguousarray(output_kernel(parameters))
    ids = window_of([[2], [3], [EOS_ID], [4]], [[0], [0], [0], [5]])
    state = engine.initial_state(1)
    _, gradients, _ = engine.loss_and_gradients(parameters, ids, state, reset_id=EOS_ID)
    table = gradients["embedding" if config.embedding_size else "layers.0.input_kernel"]
    assert not table[[2, 3]].any()
    assert table[4].any()
    assert table[EOS_ID].any()
