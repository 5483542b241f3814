"""The folder for Keras: what it holds, that Keras agrees closely, and that its example runs."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import unspool
from tests.exporting.cases import Asked, logprobs_of, model_of
from tests.exporting.strangers import run_without_unspool
from unspool._exporting.exporters import export


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Export the model of a case."""
    pytest.importorskip("keras")
    return export(model_of(request.param), "keras", tmp_path / "out", name='a/</b>"')[0]


def slow(*names: str) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("folder", slow("lstm-L2"), indirect=True)
def test_the_layers_are_those_of_the_lesson(folder: Path) -> None:
    import keras

    model = keras.saving.load_model(folder / "model.keras")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["InputLayer", "LSTM", "LSTM", "Dense"]
    assert {file.name for file in folder.iterdir()} == {
        "model.keras",
        "config.json",
        "tokenizer.json",
        "example.py",
    }
    assert json.loads((folder / "config.json").read_text("utf-8"))["name"] == 'a/</b>"'
    case = model_of("lstm-L2")
    ids = np.array([case.tokenizer.eos_id, *range(1, case.tokenizer.eos_id)], np.int32)
    hot = np.eye(case.network.symbols, dtype=np.float32)[ids][None]
    shares = keras.ops.convert_to_numpy(model(hot))[0]
    assert (shares[:, 0] == 0).all()
    wanted = logprobs_of(case, Asked(ids))[:, 1:]
    np.testing.assert_allclose(np.log(shares[:, 1:]), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("folder", slow("gru-L2"), indirect=True)
def test_a_step_at_a_time_is_the_whole_sequence(folder: Path) -> None:
    """The cells of the layers carry their states, as docs/exporting.md shows."""
    import keras

    model = keras.saving.load_model(folder / "model.keras")
    layers = [layer for layer in model.layers if hasattr(layer, "cell")]
    hot = np.eye(model.input_shape[-1], dtype=np.float32)[[3, 1, 4, 1, 5]]
    states = [layer.cell.get_initial_state(batch_size=1) for layer in layers]
    for step, wanted in zip(hot, keras.ops.convert_to_numpy(model(hot[None]))[0], strict=True):
        x = keras.ops.convert_to_tensor(step[None])
        for number, layer in enumerate(layers):
            x, states[number] = layer.cell(x, states[number])
        got = keras.ops.convert_to_numpy(model.layers[-1](x))[0]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "folder",
    slow("gru-reset_before", "residual", "words", "bytes", "context", "vector", "learned_start", "pairs"),
    indirect=True,
)
def test_the_example_writes_what_unspool_does(folder: Path, request: pytest.FixtureRequest) -> None:
    import keras

    case = request.node.callspec.params["folder"]
    spec = importlib.util.spec_from_file_location("example", folder / "example.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    writer = example.KerasWriter(keras.saving.load_model(folder / "model.keras"))
    model = unspool.Generator(**vars(model_of(case)), threads=1)
    prompt, source = model.tokenizer.symbols[0] or "p", "plain"
    told = {"source": source} if case == "pairs" else {}
    for text in (prompt, ""):
        (wanted,) = model.generate(text, temperature=0, max_new_tokens=30, **told)
        assert writer.write(text, temperature=0, longest=30, source=source) == wanted.text


@pytest.mark.parametrize("folder", slow("embedding"), indirect=True)
def test_the_example_needs_no_unspool(folder: Path) -> None:
    written = run_without_unspool(folder / "example.py", "plain", "--n", "2", "--seed", "1")
    assert written.startswith("plain")


def test_without_a_backend_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'tensorflow'\")"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(unspool.ConfigError, match="KERAS_BACKEND=torch, tensorflow or jax"):
        export(model_of("gru-L1"), "keras", tmp_path / "out")
    assert not (tmp_path / "out").exists()
