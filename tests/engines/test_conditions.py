"""The contract of every engine under conditions: contexts, start vectors, states, an outside gradient."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.variants import (
    EOS_ID,
    describe,
    engine_or_skip,
    every_engine,
    make_case,
    networks,
    parameters_of,
    window_of,
)
from tests.network.reference import reference_logits, reference_loss
from unspool._errors import ConfigError
from unspool._network.conditions import with_context, with_start
from unspool._network.config import NetworkConfig
from unspool._network.parameters import parameter_shapes
from unspool._text.streams.lanes import Conditions, Window

ROWS, CONTEXT, VECTOR = 5, 3, 4
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def steered() -> list[NetworkConfig]:
    """List the networks of the other contracts with a context, a start vector or both, some three deep."""
    sizes = [(CONTEXT, VECTOR), (CONTEXT, None), (None, VECTOR), (CONTEXT, 0)]
    several = [
        replace(config, context_size=F, start_size=D)
        for config, (F, D) in zip(networks(), sizes * len(networks()), strict=False)
    ]
    deep = [replace(config, num_layers=3) for config in several[::5]]
    return [*several, *deep]


def name_of(config: NetworkConfig) -> str:
    """Name a network with what steers it."""
    return f"{describe(config)}-F{config.context_size}-D{config.start_size}"


every_steered = pytest.mark.parametrize("config", steered(), ids=name_of)


@dataclass(frozen=True)
class Steered:
    """One window under conditions, with everything around it."""

    window: Window
    state: NDArray[np.float32]
    masks: NDArray[np.float32] | None
    final_grad: NDArray[np.float32] | None


@cache
def steered_case(
    config: NetworkConfig, T: int, B: int, *, direct: bool = False, bare: bool = False
) -> Steered:
    """Draw a window whose records change rows where they start; rows are shared by several records."""
    case, random = make_case(config, T, B), np.random.default_rng([T, B, 5])
    first = (case.window.ids == EOS_ID).cumsum(axis=0)
    records = ((first + 2 * np.arange(B)) % ROWS).astype(np.int32)
    draw = lambda *shape: random.normal(size=shape).astype(np.float32)  # noqa: E731
    given = Conditions(
        records,
        context=None if config.context_size is None else draw(ROWS, CONTEXT),
        starts=draw(ROWS, VECTOR) if config.start_size and not direct else None,
        states=draw(ROWS, *config.state_shape) if direct else None,
    )
    final = draw(*case.state.shape)
    window = Window(case.window.ids, case.window.targets, given)
    return Steered(window, case.state, None if bare else case.masks, None if bare else final)


def loss_of(config: NetworkConfig, parameters: dict[str, Any], case: Steered, **given: Any) -> float:
    """Work the mean loss, and the outside one, by the reference."""
    conditions = replace(case.window.conditions, **given) if case.window.conditions else None
    logits, state = reference_logits(
        config,
        parameters,
        case.window.ids,
        case.state.astype(np.float64),
        reset_id=EOS_ID,
        masks=case.masks,
        conditions=conditions,
    )
    losses = reference_loss(logits, case.window.targets)
    mean = float(losses.sum() / max(1, np.count_nonzero(case.window.targets)))
    return mean + (0.0 if case.final_grad is None else float((state * case.final_grad).sum()))


def run(engine: Any, config: NetworkConfig, case: Steered) -> tuple[Any, dict[str, Any], Any]:
    """Run a case through an engine."""
    loss, gradients, state = engine.loss_and_gradients(
        parameters_of(config),
        case.window,
        case.state,
        reset_id=EOS_ID,
        masks=case.masks,
        final_grad=case.final_grad,
    )
    return loss, {name: values.copy() for name, values in gradients.items()}, state


@cache
def oracle(config: NetworkConfig, T: int, B: int, direct: bool, bare: bool) -> dict[str, Any]:
    """Work the gradients in float64."""
    pytest.importorskip("torch")
    from unspool._engines.torch import TorchEngine

    engine = TorchEngine(config, threads=1, dtype="float64")
    return run(engine, config, steered_case(config, T, B, direct=direct, bare=bare))[1]


@every_engine
@every_steered
@pytest.mark.parametrize(("T", "B", "direct"), [(1, 1, False), (9, 3, False), (9, 5, True)])
def test_losses_and_states_are_those_of_the_reference(
    engine_name: str, config: NetworkConfig, T: int, B: int, direct: bool
) -> None:
    engine, case = engine_or_skip(engine_name, config), steered_case(config, T, B, direct=direct)
    parameters, window = parameters_of(config), case.window
    for reset_id in (None, EOS_ID):
        logits, wanted = reference_logits(
            config, parameters, window.ids, case.state, reset_id=reset_id, conditions=window.conditions
        )
        losses, state = engine.token_losses(parameters, window, case.state, reset_id=reset_id)
        np.testing.assert_allclose(losses, reference_loss(logits, window.targets), **CLOSE)
        np.testing.assert_allclose(state, wanted, **CLOSE)


@every_steered
@pytest.mark.parametrize("direct", [False, True])
def test_autograd_agrees_with_finite_differences(config: NetworkConfig, direct: bool) -> None:
    case, random = steered_case(config, 6, 3, direct=direct), np.random.default_rng(1)
    parameters: dict[str, Any] = {k: v.astype(np.float64) for k, v in parameters_of(config).items()}
    gradients = oracle(config, 6, 3, direct, False)
    moved = dict(parameters)
    given: dict[str, Any] = {}
    if direct and case.window.conditions is not None and case.window.conditions.states is not None:
        moved["conditions.states"] = case.window.conditions.states.astype(np.float64)
    assert set(gradients) == set(moved)
    for name, values in moved.items():
        direction, ends = random.normal(size=values.shape), []
        for sign in (1, -1):
            new = values + sign * 1e-5 * direction
            given = {"states": new} if name == "conditions.states" else {}
            ends.append(loss_of(config, parameters | ({} if given else {name: new}), case, **given))
        wanted = float((gradients[name] * direction).sum())
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(wanted, rel=5e-6, abs=1e-8), name


@every_engine
@every_steered
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("bare", [False, True])
def test_gradients_are_those_of_the_oracle(
    engine_name: str, config: NetworkConfig, direct: bool, bare: bool
) -> None:
    wanted = oracle(config, 9, 5, direct, bare)
    case = steered_case(config, 9, 5, direct=direct, bare=bare)
    _, got, _ = run(engine_or_skip(engine_name, config), config, case)
    assert list(got) == [*parameter_shapes(config), *(["conditions.states"] if direct else [])]
    for name, gradient in got.items():
        assert gradient.dtype == np.float32
        assert gradient.shape == wanted[name].shape
        assert np.abs(gradient - wanted[name]).max() <= 2e-4 * np.abs(wanted[name]).max() + 1e-6, name


@every_steered
@pytest.mark.parametrize("direct", [False, True])
def test_one_thread_and_two_give_the_same_bits(config: NetworkConfig, direct: bool) -> None:
    case = steered_case(config, 9, 5, direct=direct)
    one, two = (run(engine_or_skip("cpu", config, threads=n), config, case) for n in (1, 2))
    assert one[0] == two[0]
    np.testing.assert_array_equal(one[2], two[2])
    for name, gradient in one[1].items():
        np.testing.assert_array_equal(gradient, two[1][name])


@every_engine
@every_steered
def test_an_encoder_learns_through_its_state_alone(engine_name: str, config: NetworkConfig) -> None:
    engine, whole = engine_or_skip(engine_name, config), steered_case(config, 9, 5)
    uncounted = replace(whole.window, targets=np.zeros_like(whole.window.targets))
    case = replace(whole, window=uncounted)
    loss, gradients, _ = run(engine, config, case)
    assert (loss.total, loss.count) == (0, 0)
    assert not gradients.get("output.kernel", np.zeros(1)).any()  # there is none where it is tied
    assert not gradients["output.bias"].any()
    assert gradients["layers.0.recurrent_kernel"].any()
    half = replace(case, final_grad=None if case.final_grad is None else case.final_grad / 2)
    for name, values in run(engine, config, half)[1].items():
        np.testing.assert_allclose(values, gradients[name] / 2, rtol=1e-4, atol=1e-6)
    everything = run(engine, config, whole)[1]
    alone = run(engine, config, replace(whole, final_grad=None))[1]
    for name, values in everything.items():
        close = {"rtol": 1e-3, "atol": 1e-4 * np.abs(values).max() + 1e-6}
        np.testing.assert_allclose(values, alone[name] + gradients[name], **close)


@every_engine
@every_steered
def test_what_was_given_before_is_forgotten(engine_name: str, config: NetworkConfig) -> None:
    engine = engine_or_skip(engine_name, config)
    bare = replace(steered_case(config, 9, 5), masks=None, final_grad=None)
    untold = replace(bare, window=window_of(bare.window.ids, bare.window.targets))
    fresh = run(engine, config, untold)[1]
    run(engine, config, steered_case(config, 9, 5, direct=True))
    again = run(engine, config, untold)[1]
    assert list(again) == list(parameter_shapes(config))
    for name, values in fresh.items():
        np.testing.assert_array_equal(values, again[name])
    assert not fresh.get("context.kernel", np.zeros(1)).any()
    assert not fresh.get("start.kernel", np.zeros(1)).any()


@every_engine
@every_steered
def test_nothing_said_is_a_row_of_zeros(engine_name: str, config: NetworkConfig) -> None:
    engine, case, parameters = engine_or_skip(engine_name, config), steered_case(config, 9, 3), None
    parameters = parameters_of(config)
    told = case.window.conditions
    assert told is not None
    zeros = replace(told, **{n: 0 * a for n in ("context", "starts") if (a := getattr(told, n)) is not None})
    untold = replace(case.window, conditions=None)
    wanted, _ = engine.token_losses(
        parameters, replace(untold, conditions=zeros), case.state, reset_id=EOS_ID
    )
    got, _ = engine.token_losses(parameters, untold, case.state, reset_id=EOS_ID)
    np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-6)


@every_engine
@pytest.mark.parametrize("config", [c for c in steered() if c.context_size], ids=name_of)
def test_a_context_is_a_bias(engine_name: str, config: NetworkConfig) -> None:
    case, parameters = steered_case(config, 9, 3), parameters_of(config)
    row = np.random.default_rng(0).normal(size=CONTEXT).astype(np.float32)
    told = case.window.conditions
    assert told is not None
    same = replace(told, context=np.tile(row, (ROWS, 1)))
    engine = engine_or_skip(engine_name, config)
    wanted, _ = engine.token_losses(
        parameters, replace(case.window, conditions=same), case.state, reset_id=EOS_ID
    )
    folded, network = with_context(parameters, config, row)
    assert list(folded) == list(parameter_shapes(network))
    starts = replace(told, context=None) if config.start_size else None
    got, _ = engine_or_skip(engine_name, network).token_losses(
        folded, replace(case.window, conditions=starts), case.state, reset_id=EOS_ID
    )
    np.testing.assert_allclose(got, wanted, **CLOSE)


@every_engine
@pytest.mark.parametrize("config", [c for c in steered() if c.start_size], ids=name_of)
def test_a_start_vector_is_a_state(engine_name: str, config: NetworkConfig) -> None:
    parameters = parameters_of(config)
    vector = np.random.default_rng(0).normal(size=VECTOR).astype(np.float32)
    ids = np.array([[EOS_ID], [3], [4]], np.int32)
    told = Conditions(np.zeros((3, 1), np.int32), starts=vector[None])
    zeros = np.zeros((*config.state_shape[:2], 1, config.hidden_size))
    wanted, _ = reference_logits(config, parameters, ids, zeros, reset_id=EOS_ID, conditions=told)
    kept, network = with_start(parameters, config, vector)
    assert list(kept) == list(parameter_shapes(network))
    engine = engine_or_skip(engine_name, network)
    for reset_id in (None, EOS_ID):
        fresh = engine.initial_state(1, kept) if reset_id is None else engine.initial_state(1)
        runs = [engine.logits, lambda kept, *given, **more: engine.forward(kept, lanes=1)(*given, **more)]
        for run_ids in runs:
            got, _ = run_ids(kept, ids, fresh, reset_id=reset_id)
            np.testing.assert_allclose(got, wanted, **CLOSE)


def test_a_start_vector_is_refused_whose_state_is_not_finite() -> None:
    config = next(c for c in steered() if c.start_size)
    parameters = parameters_of(config)
    parameters["start.kernel"] = np.full_like(parameters["start.kernel"], 2)
    with_start(parameters, config, np.full(VECTOR, 1e37, np.float32))  # no warning
    with pytest.raises(ConfigError, match=r"vector must be small enough .*; got 'numbers up to 3e\+38'"):
        with_start(parameters, config, np.full(VECTOR, 3e38, np.float32))


@every_engine
def test_what_does_not_fit_is_named(engine_name: str) -> None:
    config = replace(networks()[0], context_size=CONTEXT, start_size=VECTOR)
    engine, case, parameters = engine_or_skip(engine_name, config), steered_case(config, 9, 3), None
    parameters, told = parameters_of(config), case.window.conditions
    assert told is not None
    wrong = {
        "records": [told.records[1:], told.records + ROWS, told.records - ROWS],
        "context": [np.zeros((ROWS, CONTEXT + 1), np.float32)],
        "starts": [np.zeros((ROWS + 1, VECTOR), np.float32)],
        "states": [np.zeros((ROWS, 1), np.float32)],
    }
    for name, values in wrong.items():
        for value in values:
            window = replace(case.window, conditions=replace(told, **{name: value}))
            with pytest.raises(ConfigError, match=f"conditions.{name}"):
                engine.token_losses(parameters, window, case.state, reset_id=EOS_ID)
    plain = networks()[0]
    with pytest.raises(ConfigError, match="the network was made without it"):
        engine_or_skip(engine_name, plain).token_losses(
            parameters_of(plain), case.window, case.state, reset_id=EOS_ID
        )
    for size in (0, 1.5, True):
        with pytest.raises(ConfigError, match="context_size"):
            NetworkConfig(context_size=size)  # type: ignore[arg-type]
