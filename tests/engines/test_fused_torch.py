"""The engine with PyTorch's fused layers learns what the native engine learns, and says where it cannot."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.engines.variants import EOS_ID, VOCAB_SIZE, make_case, parameters_of
from unspool._engines import make_engine
from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._training.records import StepRecord

torch = pytest.importorskip("torch")

from unspool._engines import fused_torch  # noqa: E402  (after the check that PyTorch is there)
from unspool._engines.fused_torch import (  # noqa: E402  (after the check that PyTorch is there)
    FusedTorchEngine,
    chosen_device,
)
from unspool._engines.torch import TorchEngine  # noqa: E402
from unspool._engines.torch_pieces import pieces_of  # noqa: E402
from unspool._training.stepping.torch_steps import TorchSteps  # noqa: E402

TEXTS = [f"{a} {b}" for a in ("oil", "team", "rain", "price") for b in ("rises", "wins", "falls", "ends")]
STEPS = 200


def losses(engine: str, texts: list[str] | dict[str, Any], **options: Any) -> list[float]:
    """Train for 200 steps, and return the loss of each."""
    records: list[Any] = []
    small = {"batch_size": 4, "sequence_length": 12, "epochs": 100, "validation_fraction": None, "threads": 1}
    small |= {"hidden_size": 8, "learning_rate": 3e-3, "evaluate_every": 1000}
    unspool.train(texts, engine=engine, on_record=records.append, **{**small, **options})
    return [each.loss for each in records if isinstance(each, StepRecord)][:STEPS]


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm"},
        {"cell": "gru", "num_layers": 2, "residual": True, "dropout": 0.3, "recurrent_dropout": 0.2},
        {"cell": "gru", "reset_after": False, "ema": 0.9},
        {
            "cell": "rnn",
            "embedding_size": 8,
            "tied_output": True,
            "input_dropout": 0.2,
            "optimizer": "sgd",
            "learning_rate": 0.5,
        },
        {"cell": "lstm", "document": True, "state_reset": 0.3, "optimizer": "rmsprop", "num_layers": 2},
    ],
    ids=["lstm", "gru-dropouts", "gru-before", "rnn-tied", "document"],
)
def test_it_learns_as_the_native_engine_does_for_200_steps(options: dict[str, Any]) -> None:
    ours, its = (losses(engine, TEXTS, **options) for engine in ("cpu", "torch"))
    assert len(ours) == STEPS
    np.testing.assert_allclose(its, ours, rtol=2e-4)
    assert ours[-1] < 0.9 * ours[0]


@pytest.mark.parametrize("config", [{"cell": "lstm", "hidden_size": 2}, {"cell": "gru", "hidden_size": 3}])
def test_a_vocabulary_larger_than_the_gates_is_gathered(config: dict[str, Any]) -> None:
    network = NetworkConfig(vocab_size=VOCAB_SIZE, num_layers=2, **config)
    assert len(network.kind.gates) * network.hidden_size < VOCAB_SIZE
    case, parameters = make_case(network, 9, 3), parameters_of(network)
    results = [
        engine.loss_and_gradients(parameters, case.window, case.state, reset_id=EOS_ID, masks=case.masks)
        for engine in (FusedTorchEngine(network, device="cpu"), TorchEngine(network))
    ]
    (loss, gradients, state), (wanted, wanted_gradients, wanted_state) = results
    assert loss.total == pytest.approx(wanted.total, rel=1e-5)
    np.testing.assert_allclose(state, wanted_state, rtol=1e-4, atol=1e-6)
    for name, gradient in wanted_gradients.items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("more", [{}, {"reset_after": False}], ids=["in a layer", "step by step"])
def test_bf16_is_near_float32_and_not_the_same(more: dict[str, Any]) -> None:
    network = NetworkConfig(vocab_size=VOCAB_SIZE, num_layers=2, hidden_size=12, cell="gru", **more)
    case, parameters, engine = (
        make_case(network, 9, 3),
        parameters_of(network),
        FusedTorchEngine(network, device="cpu"),
    )
    work = partial(engine.loss_and_gradients, parameters, case.window, case.state, reset_id=EOS_ID)
    wanted, gradients, _ = work()
    engine.precision = "bf16"  # which a GPU alone gets
    loss, rounded, state = work()
    assert loss.total != wanted.total
    assert loss.total == pytest.approx(wanted.total, rel=0.02)
    assert {str(array.dtype) for array in [state, *rounded.values()]} == {"float32"}
    for name, gradient in gradients.items():
        assert np.linalg.norm(rounded[name] - gradient) < 0.1 * np.linalg.norm(gradient), name
    exact = engine.token_losses(parameters, case.window, case.state, reset_id=EOS_ID)[0].sum()
    assert exact == pytest.approx(wanted.total, rel=1e-5)  # only steps with gradients are rounded


def test_the_pieces_are_the_runs_between_two_resets() -> None:
    random = np.random.default_rng(3)
    for T, B in ((1, 1), (1, 4), (6, 1), (7, 5)):
        resets = random.random((T, B)) < 0.3
        pieces = pieces_of(resets)
        walked: list[list[int]] = [[] for _ in pieces.lanes]  # places of each piece, from packed order
        taken = iter(pieces.order.tolist())
        for size in pieces.sizes.tolist():
            for piece in range(size):
                walked[piece].append(next(taken))
        assert next(taken, None) is None
        for places, lane, carries, begin in zip(
            walked, pieces.lanes, pieces.carries, pieces.begins, strict=True
        ):
            t = places[0] // B
            end = t + len(places)
            assert [place % B for place in places] == [lane] * len(places)
            assert [place // B for place in places] == list(range(t, end))
            assert not resets[t + 1 : end, lane].any()
            assert begin == places[0]
            assert carries == (t == 0 and not resets[0, lane])
            assert end == T or resets[end, lane]
        assert [walked[piece][-1] for piece in pieces.last] == [(T - 1) * B + b for b in range(B)]
        np.testing.assert_array_equal(pieces.order[pieces.back], np.arange(T * B))


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    config = NetworkConfig(hidden_size=4, vocab_size=5)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "mps", "cuda:1"):
        with pytest.raises(ConfigError, match=f"device '{name}' is not there.*finds here.*: cpu; choose"):
            chosen_device(name)
    assert chosen_device("auto") == "cpu"
    with pytest.raises(ConfigError, match="device must be one of auto, cpu, cuda, mps; got 'tpu'"):
        make_engine("torch", config, device="tpu")
    with pytest.raises(
        ConfigError, match=r'device of engine cpu: expected auto or cpu.*choose engine "torch"'
    ):
        make_engine("cpu", config, device="cuda")
    assert make_engine("cpu", config, device="cpu").config == config


def test_a_gpu_with_too_little_memory_is_told_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    of_gpu = property(lambda _: (200_000, "the GPU (a small one)"))
    monkeypatch.setattr(FusedTorchEngine, "memory", of_gpu)
    wide = {
        "batch_size": 8,
        "sequence_length": 40,
        "hidden_size": 16,
    }
    message = r"at most 0\.0 GB, the memory of the GPU \(a small one\).*about \d+ symbols a step would fit"
    with pytest.raises(ConfigError, match=message):
        unspool.train(TEXTS * 9, engine="torch", threads=1, **wide)
    monkeypatch.setattr(TorchSteps, "_step", run_out)
    with pytest.raises(ConfigError, match="choose batch_size 2 or sequence_length 5, which need half"):
        unspool.train(
            TEXTS, engine="torch", threads=1, epochs=1, batch_size=4, sequence_length=10, hidden_size=2
        )


def run_out(*_: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_the_best_device_that_is_there_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for cuda, wanted in ((True, "cuda"), (False, "mps")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda cuda=cuda: cuda)
        assert chosen_device("auto") == wanted
    assert chosen_device("mps") == "mps"


def test_a_model_from_a_gpu_loads_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, tiny = tmp_path / "m", {"epochs": 1, "hidden_size": 4, "threads": 1, "progress": False}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with monkeypatch.context() as there:
        there.setattr(fused_torch, "chosen_device", lambda name: "cpu")  # as if this were the GPU
        unspool.train(TEXTS, out=folder, engine="torch", device="cuda", **tiny)
    assert json.loads((folder / "config.json").read_text())["training"]["device"] == "cuda"
    with pytest.raises(ConfigError, match="device 'cuda' is not there"):
        unspool.train(TEXTS, out=folder, resume=True, epochs=2, progress=False)
    unspool.train(TEXTS, out=folder, resume=True, epochs=2, device="cpu", progress=False)
    for engine in ("cpu", "torch"):
        assert len(unspool.load(folder, engine=engine).generate(n=2, seed=0, max_new_tokens=5)) == 2
