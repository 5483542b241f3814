"""Keras models read without Keras: the layers of the lesson, and every layer that is refused, by its name.

The files are made here as Keras makes them; the slow tests at the end let Keras make them.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import unspool
from tests.exporting.cases import Asked, logprobs_of
from tests.importing.foreign import SYMBOLS
from unspool._model.saving import saved

pytest.importorskip("h5py")
V, H = len(SYMBOLS), 4
READ = "unspool._importing.keras_archive.hdf5_arrays"  # in a process of its own, which takes a second
IDS = np.array([5, 1, 2, 4, 3, 3, 1], np.int32)


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    """Give the entry of a layer in config.json."""
    config = {"name": name, **config}
    return {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}


def recurrent(kind: str = "LSTM", name: str = "first", **config: Any) -> dict[str, Any]:
    usual = {"units": H, "return_sequences": True, "activation": "tanh", "recurrent_activation": "sigmoid"}
    return layer(kind, name, **(usual | config))


DENSE = layer("Dense", "output", units=V, activation="softmax")


def weights_of(*shapes: tuple[str, tuple[int, ...]]) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(7)
    return {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes}


def lstm_weights(inputs: int = V) -> dict[str, NDArray[np.float32]]:
    return weights_of(
        ("layers/lstm/cell/vars/0", (inputs, 4 * H)),
        ("layers/lstm/cell/vars/1", (H, 4 * H)),
        ("layers/lstm/cell/vars/2", (4 * H,)),
        ("layers/dense/vars/0", (H, V)),
        ("layers/dense/vars/1", (V,)),
    )


def archived(path: Path, layers: list[dict[str, Any]], arrays: dict[str, NDArray[Any]]) -> Path:
    """Write a model as Keras does."""
    import h5py

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    config = {"class_name": "Sequential", "config": {"layers": layers}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights.getvalue())
    return path


def test_the_lessons_model_is_read(tmp_path: Path) -> None:
    arrays = lstm_weights()
    trained = {"optimizer/vars/0": np.array(7, np.int32), "optimizer/vars/1": np.array(1e-3, np.float32)}
    layers = [layer("InputLayer", "in"), layer("Masking", "mask"), recurrent(), layer("Dropout", "d"), DENSE]
    model = unspool.import_model(archived(tmp_path / "m.keras", layers, arrays | trained), tokenizer=SYMBOLS)
    assert (model.network.cell, model.network.hidden_size, model.network.embedding_size) == ("lstm", H, None)
    kernel, recurrent_kernel, bias, output_kernel, output_bias = arrays.values()
    kernel[0], output_kernel[:, 0], output_bias[0] = 0, 0, 0  # <pad> is never read or written
    wanted = (kernel, recurrent_kernel, bias, output_kernel, output_bias)
    for (name, got), array in zip(model.parameters.items(), wanted, strict=True):
        np.testing.assert_array_equal(got, array, err_msg=name)
    assert model.tokenizer.symbols == ("a", "b", "c", " ")


def test_the_tokenizer_of_the_lesson_has_unnamed_ids(tmp_path: Path) -> None:
    path = archived(tmp_path / "m.keras", [recurrent(), DENSE], lstm_weights())
    index = {"class_name": "Tokenizer", "config": {"word_index": json.dumps({"a": 1, "b": 2, "c": 3})}}
    (tmp_path / "t.json").write_text(json.dumps(index))
    model = unspool.import_model(path, tokenizer=tmp_path / "t.json", end="id:5")
    kernel = lstm_weights()["layers/lstm/cell/vars/0"]
    np.testing.assert_array_equal(
        model.parameters["layers.0.input_kernel"], kernel[[0, 1, 2, 3, 0]] * [[0], *[[1]] * 4]
    )
    np.testing.assert_array_equal(
        model.parameters["output.bias"][1:], lstm_weights()["layers/dense/vars/1"][[1, 2, 3, 5]]
    )


def test_a_layer_that_passes_over_padding_cannot_begin_with_it(tmp_path: Path) -> None:
    layers = [layer("Embedding", "e", mask_zero=True), recurrent(), DENSE]
    arrays = lstm_weights(3) | weights_of(("layers/embedding/vars/0", (V, 3)))
    path = archived(tmp_path / "m.keras", layers, arrays)
    with pytest.raises(unspool.ConfigError, match="name another symbol that begins a text"):
        unspool.import_model(path, tokenizer=[None, "a", "b", "c", " ", "d"])
    assert unspool.import_model(path, tokenizer=SYMBOLS).network.embedding_size == 3


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([layer("Lambda", "magic"), recurrent(), DENSE], "layer 'magic' is a Lambda; it holds a function"),
        (
            [{**layer("Mine", "own"), "module": "mine"}, DENSE],
            "'own': expected a layer of keras.layers, got mine.Mine",
        ),
        ([{**recurrent(), "registered_name": "a>LSTM"}, DENSE], "'first': expected a layer of keras.layers"),
        ([recurrent(), layer("TimeDistributed", "t", layer=layer("Lambda", "inner"))], "'inner' is a Lambda"),
        ([recurrent(activation="relu"), DENSE], "first: expected activation 'tanh', got 'relu'"),
        (
            [recurrent(recurrent_activation="hard_sigmoid"), DENSE],
            "recurrent_activation 'sigmoid', got 'hard_sig",
        ),
        ([recurrent(go_backwards=True), DENSE], "first: expected go_backwards False"),
        ([recurrent(return_sequences=False), DENSE], "first: expected return_sequences=True"),
        (
            [recurrent(), layer("Dense", "output", activation="relu")],
            "output: expected activation softmax or linear",
        ),
        ([recurrent(), layer("Conv1D", "conv"), DENSE], "layers: expected Input.*, got Conv1D 'conv'"),
        ([layer("Bidirectional", "both", layer=recurrent()), DENSE], "got Bidirectional 'both'"),
        ([recurrent(), recurrent("GRU", "second"), DENSE], "layers of one kind, got gru and lstm"),
        ([DENSE], "layers: expected Input"),
        ([], "layers: expected Input"),
        ([7], "layers: expected a list of layers"),
        ([{"class_name": "LSTM", "config": 3}], "layers: expected a class and a configuration"),
        ([recurrent(), recurrent("LSTM", "second"), DENSE], "second: expected 2 or 3 arrays, got 0"),
        (
            [
                {**recurrent(), "inbound_nodes": []},
                {**DENSE, "inbound_nodes": [{"keras_history": ["other", 0, 0]}]},
            ],
            "output: expected to read first, got other",
        ),
    ],
    ids=range(18),
)
def test_what_is_no_layer_of_the_lesson_is_named(
    layers: list[Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(READ, lambda raw, where: lstm_weights())
    path = archived(tmp_path / "m.keras", layers, lstm_weights())
    with pytest.raises(unspool.ArtifactError, match=message):
        unspool.import_model(path, tokenizer=SYMBOLS)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "layers/lstm/cell/vars/0",
            (V, 12),
            r"first: input kernel: expected shape \(6, 16\), got shape \(6, 12\)",
        ),
        ("layers/lstm/cell/vars/2", (15,), r"first: bias: expected shape \(16,\), got shape \(15,\)"),
        ("layers/dense/vars/0", (5, V), r"output: kernel: expected shape \(4, 6\), got shape \(5, 6\)"),
        ("layers/dense/vars/1", (3,), r"output: bias: expected shape \(6,\), got shape \(3,\)"),
    ],
)
def test_what_does_not_fit_is_named(
    name: str, shape: tuple[int, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = lstm_weights() | {name: np.ones(shape, np.float32)}
    monkeypatch.setattr(READ, lambda raw, where: arrays)
    path = archived(tmp_path / "m.keras", [recurrent(), DENSE], arrays)
    with pytest.raises(unspool.ArtifactError, match=message):
        unspool.import_model(path, tokenizer=SYMBOLS)


@pytest.mark.slow
@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("LSTM", {}),
        ("SimpleRNN", {}),
        ("GRU", {}),
        ("GRU", {"reset_after": False}),
        ("LSTM", {"use_bias": False}),
    ],
)
def test_it_computes_what_keras_does(
    kind: str, options: dict[str, Any], functional: bool, tmp_path: Path
) -> None:
    keras = pytest.importorskip("keras")
    layers = [
        keras.layers.Embedding(V, 3),
        getattr(keras.layers, kind)(H, return_sequences=True, **options),
        keras.layers.Dropout(0.3),
        getattr(keras.layers, kind)(H, return_sequences=True, **options),
        keras.layers.TimeDistributed(keras.layers.Dense(V)),
        keras.layers.Activation("softmax"),
    ]
    inputs = keras.Input((None,), dtype="int32")
    network = keras.Sequential([inputs, *layers])
    if functional:
        outputs = inputs
        for each in layers:
            outputs = each(outputs)
        network = keras.Model(inputs, outputs)
    random = np.random.default_rng(1)
    network.set_weights([random.normal(0, 0.5, tuple(each.shape)) for each in network.weights])
    network.save(tmp_path / "m.keras")
    imported = unspool.import_model(tmp_path / "m.keras", tokenizer=SYMBOLS)
    shares = np.asarray(keras.ops.convert_to_numpy(network(IDS[None])))[0, :, 1:]
    wanted = np.log(shares / shares.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(logprobs_of(saved(imported), Asked(IDS))[:, 1:], wanted, rtol=0, atol=1e-5)
