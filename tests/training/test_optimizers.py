import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unspool._training.config import TrainingConfig
from unspool._training.optimizers import (
    OPTIMIZERS,
    Coefficients,
    FloatArray,
    Optimizer,
    Rule,
    decays,
    global_norm,
)

SHAPES = {"embedding": (5, 3), "layers.0.input_kernel": (3, 4), "layers.0.bias": (4,), "output.bias": (2,)}
STEPS = 7
NATIVE = {name: rule.native for name, rule in OPTIMIZERS.items() if rule.native is not None}


def draw(seed: int, dtype: type = np.float64) -> dict[str, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}


def copied(arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: array.copy() for name, array in arrays.items()}


def run(config: TrainingConfig, dtype: type = np.float64) -> dict[str, np.ndarray[Any, Any]]:
    parameters = draw(0, dtype)
    optimizer = Optimizer(config.optimizer, parameters, config)
    for step in range(1, STEPS + 1):
        optimizer.update(parameters, draw(step, dtype), 0.01 * step)
    return parameters


def run_torch(config: TrainingConfig, make: Any) -> dict[str, np.ndarray[Any, Any]]:
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in draw(0).items()}
    groups = [
        {"params": [t], "weight_decay": config.weight_decay if decays(name) else 0.0}
        for name, t in tensors.items()
    ]
    optimizer = make(torch.optim, groups)
    for step in range(1, STEPS + 1):
        for name, gradient in draw(step).items():
            tensors[name].grad = torch.tensor(gradient)
        for group in optimizer.param_groups:
            group["lr"] = 0.01 * step
        if config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(list(tensors.values()), config.clip_norm)
        optimizer.step()
    return {name: t.detach().numpy() for name, t in tensors.items()}


# PyTorch adds epsilon to the root, Keras (and unspool) to the square: equal only where epsilon vanishes.
TORCH: dict[str, tuple[TrainingConfig, Any]] = {
    "adamw": (
        TrainingConfig(optimizer="adamw", weight_decay=0.1, beta2=0.95),
        lambda optim, groups: optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-7),
    ),
    "adam": (
        TrainingConfig(optimizer="adam", weight_decay=0.0, beta2=0.95),
        lambda optim, groups: optim.Adam(groups, betas=(0.9, 0.95), eps=1e-7),
    ),
    "rmsprop": (
        TrainingConfig(optimizer="rmsprop", weight_decay=0.0, epsilon=1e-30),
        lambda optim, groups: optim.RMSprop(groups, alpha=0.9, eps=0.0),
    ),
    "sgd": (
        TrainingConfig(optimizer="sgd", weight_decay=0.0, momentum=0.7),
        lambda optim, groups: optim.SGD(groups, lr=1.0, momentum=0.7),
    ),
}


def test_every_optimizer_is_compared_with_torch() -> None:
    assert TORCH.keys() == OPTIMIZERS.keys()


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("clip_norm", [None, 1.0, 1e9])
def test_the_numpy_update_agrees_with_torch(name: str, clip_norm: float | None) -> None:
    import dataclasses

    config, make = TORCH[name]
    config = dataclasses.replace(config, clip_norm=clip_norm)
    ours, theirs = run(config), run_torch(config, make)
    for key in SHAPES:
        # torch divides by norm + 1e-6 where it clips
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-9 if clip_norm != 1.0 else 1e-5)


def test_rmsprop_has_epsilon_inside_the_root_as_keras_has() -> None:
    config = TrainingConfig(optimizer="rmsprop", epsilon=0.5, clip_norm=None)
    parameters = {"output.bias": np.array([1.0])}
    Optimizer("rmsprop", parameters, config).update(parameters, {"output.bias": np.array([2.0])}, 0.1)
    assert parameters["output.bias"][0] == pytest.approx(1.0 - 0.1 * 2.0 / math.sqrt(0.1 * 4.0 + 0.5))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_follows_float64(name: str) -> None:
    config = TrainingConfig(optimizer=name, momentum=0.5)
    single, double = run(config, np.float32), run(config, np.float64)
    for key in SHAPES:
        assert single[key].dtype == np.float32
        np.testing.assert_allclose(single[key], double[key], rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("clip_norm", [None, 1.0])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_native_update_is_the_twin_of_the_numpy_one(
    name: str, clip_norm: float | None, threads: int
) -> None:
    config = TrainingConfig(optimizer=name, momentum=0.5, weight_decay=0.1, clip_norm=clip_norm)
    native, plain = draw(0, np.float32), draw(0, np.float32)
    ours = Optimizer(name, native, config, threads=threads)
    theirs = Optimizer(name, plain, config)
    for step in range(1, STEPS + 1):
        gradients = draw(step, np.float32)
        ours.step = theirs.step = step - 1
        norm = ours.update_natively(NATIVE[name], native, gradients, 0.01 * step)
        assert norm == pytest.approx(theirs.update_in_numpy(plain, gradients, 0.01 * step), rel=1e-5)
    for key in SHAPES:
        np.testing.assert_allclose(native[key], plain[key], rtol=1e-4, atol=1e-5)
        for slot in ours.slots:
            np.testing.assert_allclose(ours.slots[slot][key], theirs.slots[slot][key], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])  # in native code, in NumPy
@pytest.mark.parametrize(
    ("clip_norm", "scale"),
    [(None, 1.0), (0.9, 1.0), (0.6, 1.0), (0.5, 1.0), (0.4, 0.8), (0.25, 0.5), (0.05, 0.1)],
)
def test_a_norm_up_to_the_limit_is_left_alone(clip_norm: float | None, scale: float, dtype: type) -> None:
    """The gradient has the norm 0.5; a step of plain descent with the rate 1 shows what is left of it."""
    gradients = {"a.bias": np.array([0.3], dtype), "b.bias": np.array([0.0, -0.4], dtype)}
    parameters = {name: np.ones_like(array) for name, array in gradients.items()}
    config = TrainingConfig(optimizer="sgd", momentum=0.0, weight_decay=0.0, clip_norm=clip_norm)
    assert Optimizer("sgd", parameters, config).update(parameters, gradients, 1.0) == pytest.approx(0.5)
    np.testing.assert_allclose(parameters["a.bias"], [1 - 0.3 * scale], rtol=1e-6)
    np.testing.assert_allclose(parameters["b.bias"], [1, 1 + 0.4 * scale], rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_are_left_as_they_are(name: str) -> None:
    config = TrainingConfig(optimizer=name, clip_norm=0.1)
    parameters, gradients = draw(0), draw(1)
    before = copied(gradients)
    Optimizer(name, parameters, config).update(parameters, gradients, 0.1)
    for key in SHAPES:
        np.testing.assert_array_equal(gradients[key], before[key])


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_gradient_that_is_not_finite_changes_nothing(name: str, bad: float, dtype: type) -> None:
    parameters, gradients = draw(0, dtype), draw(1, dtype)
    gradients["output.bias"][1] = bad
    optimizer = Optimizer(name, parameters, TrainingConfig(optimizer=name))
    before = copied(parameters)
    assert not math.isfinite(optimizer.update(parameters, gradients, 0.1))
    assert optimizer.step == 0
    for key in SHAPES:
        np.testing.assert_array_equal(parameters[key], before[key])
        assert all(not arrays[key].any() for arrays in optimizer.slots.values())


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slots_and_step_are_all_that_an_optimizer_remembers(name: str, dtype: type) -> None:
    config = TrainingConfig(optimizer=name, momentum=0.5)
    whole = run(config, dtype)
    parameters = draw(0, dtype)
    optimizer = Optimizer(name, parameters, config)
    for step in range(1, STEPS + 1):
        renewed = Optimizer(name, parameters, config)
        renewed.restore({slot: copied(arrays) for slot, arrays in optimizer.slots.items()}, optimizer.step)
        optimizer = renewed
        optimizer.update(parameters, draw(step, dtype), 0.01 * step)
    assert {key: array.tobytes() for key, array in parameters.items()} == {
        key: array.tobytes() for key, array in whole.items()
    }


def test_the_global_norm_is_that_of_one_long_vector() -> None:
    gradients = draw(3)
    assert global_norm(gradients) == pytest.approx(
        float(np.linalg.norm(np.concatenate([g.ravel() for g in gradients.values()])))
    )
    assert global_norm({"a": np.full(4, 1e30, np.float32)}) == pytest.approx(2e30)
    assert math.isnan(global_norm({"a": np.array([math.nan])}))


def test_only_kernels_and_the_embedding_decay() -> None:
    from unspool._network.config import NetworkConfig
    from unspool._network.parameters import parameter_shapes

    config = NetworkConfig(cell="gru", embedding_size=2, hidden_size=3, vocab_size=5)
    decaying = {name for name in parameter_shapes(config) if decays(name)}
    assert decaying == {
        "embedding",
        "layers.0.input_kernel",
        "layers.0.recurrent_kernel",
        "output.kernel",
    }


def lion(parameter: FloatArray, gradient: FloatArray, slots: list[FloatArray], c: Coefficients) -> None:
    """Update by the sign of the running mean (Chen et al., "Symbolic discovery of optimizers", 2023)."""
    (mean,) = slots
    direction = np.sign(c.beta1 * mean + (1 - c.beta1) * gradient)
    parameter -= c.learning_rate * (direction + c.decay * parameter)
    mean *= c.beta2
    mean += (1 - c.beta2) * gradient


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_further_optimizer_is_a_row(monkeypatch: pytest.MonkeyPatch, dtype: type) -> None:
    """A row without native code is updated in NumPy, float32 too; the values are worked by hand."""
    monkeypatch.setitem(OPTIMIZERS, "lion", Rule(("mean",), lion, lambda c: (c.beta1, c.beta2), decays=True))
    config = TrainingConfig(optimizer="lion", beta1=0.5, beta2=0.75, weight_decay=0.5, clip_norm=None)
    parameters = {"output.kernel": np.array([1.0, -2.0, 3.0], dtype), "output.bias": np.array([1.0], dtype)}
    optimizer = Optimizer("lion", parameters, config, threads=3)
    first, second = [4.0, -8.0, 0.0], [-2.0, 4.0, 1.0]
    for gradient in (first, second):
        gradients = {"output.kernel": np.array(gradient, dtype), "output.bias": np.array([-1.0], dtype)}
        optimizer.update(parameters, gradients, 0.5)
    # kernel, step 1: 1 - .5 (1 + .5), -2 - .5 (-1 - 1), 3 - .5 (0 + 1.5); the means become 1, -2, 0
    # step 2 goes by the signs of -.5, 1 and .5: .25 - .5 (-1 + .125), -1 - .5 (1 - .5), 2.25 - .5 (1 + 1.125)
    np.testing.assert_allclose(parameters["output.kernel"], [0.6875, -1.25, 1.1875])
    np.testing.assert_allclose(parameters["output.bias"], [2.0])  # a bias does not decay
    np.testing.assert_allclose(optimizer.slots["mean"]["output.kernel"], [0.25, -0.5, 0.25])
    assert optimizer.step == 2


def test_a_further_optimizer_trains_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import unspool

    monkeypatch.setitem(OPTIMIZERS, "lion", Rule(("mean",), lion, lambda c: (c.beta1, c.beta2), decays=True))
    texts = ["oil prices rise", "oil prices fall"] * 20
    training = TrainingConfig(optimizer="lion", learning_rate=0.01, epochs=20, batch_size=4, threads=1)
    model = unspool.train(
        texts, out=tmp_path / "run", network=unspool.NetworkConfig(hidden_size=8), training=training
    )
    assert model.evaluate(texts).bits_per_character < 3  # 12 characters, all alike: 3.6
