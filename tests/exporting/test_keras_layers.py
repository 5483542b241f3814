"""The export to Keras by a plain twin of its layers: what it computes, and that it comes back to the bit."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unspool
from tests.exporting.cases import CASES, Asked, asked_of, logprobs_of, model_of
from tests.exporting.plain_keras import PlainKeras
from tests.importing.test_own_exports import check_same
from unspool._artifacts.model_folder import SavedModel
from unspool._exporting.exporter import features_of
from unspool._exporting.exporters import EXPORTERS, export
from unspool._importing.importers import import_path


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> PlainKeras:
    plain = PlainKeras()
    monkeypatch.setitem(sys.modules, "keras", plain)
    monkeypatch.setattr("unspool._importing.keras_archive.hdf5_arrays", lambda _, where: plain.arrays)
    return plain


def shares_of(keras: PlainKeras, model: SavedModel, asked: Asked) -> np.ndarray:
    """Compute the probabilities after each id with the network that was made; each text begins anew."""
    network, told = model.network, {}
    if network.start_size is not None:
        told["start"] = np.ones((1, 1), np.float32) if asked.start is None else asked.start[None]
    if asked.source is not None:
        told["source"] = np.eye(network.source_vocab_size, dtype=np.float32)[asked.source][None]
    rows = []
    for text in np.split(asked.ids, np.flatnonzero(asked.ids == model.tokenizer.eos_id)):
        hot = np.eye(network.symbols, dtype=np.float32)[text][None]
        inputs = told | {"symbols": hot if network.embedding_size is None else text[None]}
        if asked.context is not None:
            inputs["context"] = np.tile(asked.context, (1, len(text), 1))
        assert keras.model is not None
        rows += [keras.model(inputs)[0]] if len(text) else []
    return np.concatenate(rows)


@pytest.mark.parametrize("case", CASES)
def test_its_layers_compute_what_the_engine_does_and_come_back(
    case: str, tmp_path: Path, keras: PlainKeras
) -> None:
    model = model_of(case)
    if set(features_of(model)) & EXPORTERS["keras"].cannot_say.keys():
        with pytest.raises(unspool.ConfigError, match="keras cannot say"):
            export(model, "keras", tmp_path / "out")
        return
    path = export(model, "keras", tmp_path / "out")[0]
    assert {file.name for file in path.iterdir()} == {
        "model.keras", "config.json", "tokenizer.json", "example.py",
        *(["source_tokenizer.json"] if model.source_tokenizer else []),
    }  # fmt: skip
    asked = asked_of(model)
    shares = shares_of(keras, model, asked)
    assert (shares[:, 0] == 0).all()
    wanted = logprobs_of(model, asked)[:, 1:]
    np.testing.assert_allclose(np.log(shares[:, 1:]), wanted, rtol=0, atol=1e-4)
    imported = import_path(path)
    assert imported.kind == "keras-export"
    check_same(imported.model, model, "float32", "keras")


def names_of(keras: PlainKeras) -> list[str]:
    return [layer.name for layer in keras.made]


def test_its_layers_have_the_names_that_the_pages_tell(tmp_path: Path, keras: PlainKeras) -> None:
    export(model_of("residual"), "keras", tmp_path / "a")
    assert names_of(keras) == ["layer_0", "layer_1", "add_1", "layer_2", "add_2", "output"]
    keras.made.clear()
    export(model_of("context"), "keras", tmp_path / "b")
    assert names_of(keras) == ["joined", "layer_0", "layer_1", "output"]
    keras.made.clear()
    export(model_of("learned_start"), "keras", tmp_path / "c")
    starts = [f"start_{layer}_{state}" for layer in range(2) for state in range(2)]
    assert names_of(keras) == [*starts, "layer_0", "layer_1", "output"]
    keras.made.clear()
    export(model_of("pairs"), "keras", tmp_path / "d")
    assert names_of(keras) == ["source_layer_0", "source_layer_1", "layer_0", "layer_1", "output"]


def test_a_tied_output_that_went_its_own_way_comes_back_untied(tmp_path: Path, keras: PlainKeras) -> None:
    model = model_of("tied_output")
    path = export(model, "keras", tmp_path / "out")[0]
    kernel = keras.arrays["layers/dense/vars/0"]
    kernel[0, 3] += 1
    got = import_path(path).model
    assert not got.network.tied_output
    np.testing.assert_array_equal(got.parameters["output.kernel"], kernel)
    assert got.network == replace(model.network, tied_output=False)


@pytest.mark.parametrize(
    ("case", "change", "message"),
    [
        ("gru-L1", {"layers/gru/cell/vars/2": None}, "layer_0: expected 3 arrays, got 2"),
        ("gru-L1", {"layers/gru/cell/vars/2": (27,)}, "layer_0: bias: expected two rows, got shape .27,."),
        ("gru-L1", {"layers/gru/cell/vars/2": (3, 27)}, "layer_0: bias: expected two rows, got shape .3"),
        ("lstm-L2", {"layers/dense/vars/1": None}, "output: expected 2 arrays, got 1"),
        ("learned_start", {"layers/dense/vars/0": (1, 8)}, "start: expected 9 columns, got shape .1, 8."),
        ("learned_start", {"layers/dense/vars/0": (9,)}, "start: expected 9 columns, got shape .9,."),
        ("embedding", {"layers/embedding/vars/0": None}, "embedding: expected 1 arrays, got 0"),
    ],
)  # fmt: skip
def test_a_layer_that_was_changed_is_named(
    case: str, change: dict[str, tuple[int, ...] | None], message: str, tmp_path: Path, keras: PlainKeras
) -> None:
    path = export(model_of(case), "keras", tmp_path / "out")[0]
    for name, shape in change.items():
        del keras.arrays[name]
        if shape is not None:
            keras.arrays[name] = np.zeros(shape, np.float32)
    with pytest.raises(unspool.ArtifactError, match=f"model.keras: {message}"):
        import_path(path)


def test_a_layer_that_is_missing_is_named(tmp_path: Path, keras: PlainKeras) -> None:
    path = export(model_of("lstm-L2"), "keras", tmp_path / "out")[0]
    keras.made[1].name = "another"
    assert keras.model is not None
    keras.model.save(path / "model.keras")
    with pytest.raises(unspool.ArtifactError, match="layer_1: expected 3 arrays, got no such layer"):
        import_path(path)
