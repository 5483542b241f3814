"""Folders of rounded models: smaller, exact, and refused when they are damaged or do not fit together."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.artifacts.models import change_json, make_model, seal
from unspool._artifacts import SavedModel, load_model, save_model
from unspool._artifacts.kept_precision import Quantization, restored, stored, stored_layout
from unspool._artifacts.model_folder import CONFIG, MODEL, read_config
from unspool._errors import ArtifactError, ConfigError
from unspool._network.cells import CELLS
from unspool._network.parameters import parameter_shapes
from unspool._network.quantization import rounded

SMALLER = ("int8", "float16")
MATRIX = np.array([[127, -63.5], [0.5, 31.7]], np.float32)
BIAS = np.array([1.0, 0.3], np.float32)


def rounded_model(precision: str, **network: Any) -> SavedModel:
    model = make_model(**network)
    quantization = Quantization(precision, 0.001, "its own texts")
    return replace(model, parameters=rounded(model.parameters, precision), quantization=quantization)


def write(folder: Path, model: SavedModel) -> None:
    save_model(folder, card="# A model\n", **vars(model))


def test_the_arrays_of_a_file_by_hand() -> None:
    arrays = stored({"w": MATRIX, "b": BIAS}, "int8")
    assert list(arrays) == ["w", "w:scales", "b"]
    assert arrays["w"].tolist() == [[127, -127], [0, 63]]
    assert arrays["w:scales"].tolist() == [1, 0.5]
    assert restored(arrays, "int8")["w"].tolist() == [[127, -63.5], [0, 31.5]]
    assert stored({"b": BIAS}, "float16")["b"].dtype == np.float16
    assert stored_layout({"w": (2, 3), "b": (3,)}, "int8") == {
        "w": ("I8", (2, 3)), "w:scales": ("F32", (3,)), "b": ("F32", (3,)),
    }  # fmt: skip
    assert stored_layout({"w": (2, 3)}, "float16") == {"w": ("F16", (2, 3))}


@pytest.mark.parametrize("precision", SMALLER)
def test_the_round_trip_is_exact_and_the_files_say_what_they_are(tmp_path: Path, precision: str) -> None:
    model = rounded_model(precision, hidden_size=9, embedding_size=4)
    write(tmp_path, model)
    read = load_model(tmp_path)
    assert read.quantization == model.quantization
    for name, array in model.parameters.items():
        assert read.parameters[name].dtype == np.float32
        np.testing.assert_array_equal(read.parameters[name], array)
    types = {array.dtype for name, array in load_file(tmp_path / MODEL).items() if array.ndim == 2}
    assert types == {np.dtype(precision)}
    config = json.loads((tmp_path / CONFIG).read_text())
    assert config["format_version"] == 2
    assert config["quantization"] == {
        "precision": precision, "bits_per_character_lost": 0.001, "measured_on": "its own texts",
    }  # fmt: skip
    assert read_config(tmp_path).precision == precision


@pytest.mark.parametrize("precision", SMALLER)
@pytest.mark.parametrize(
    "network",
    [
        *({"cell": cell, "num_layers": 2} for cell in CELLS),
        {"cell": "gru", "reset_after": False},
        {"num_layers": 3, "residual": True},
        {"hidden_size": 4, "embedding_size": 4, "tied_output": True},
        {"context_size": 3},
        {"start_size": 0},
        {"start_size": 3},
    ],
    ids=str,
)
def test_every_kind_of_network_comes_back(tmp_path: Path, precision: str, network: dict[str, Any]) -> None:
    model = rounded_model(precision, **network)
    write(tmp_path, model)
    read = load_model(tmp_path)
    assert list(read.parameters) == list(model.parameters)
    assert all(np.array_equal(read.parameters[name], array) for name, array in model.parameters.items())


def test_int8_is_about_a_quarter_of_the_size(tmp_path: Path) -> None:
    write(tmp_path / "a", make_model(hidden_size=128))
    write(tmp_path / "b", rounded_model("int8", hidden_size=128))
    sizes = [(tmp_path / name / MODEL).stat().st_size for name in "ab"]
    assert 0.25 < sizes[1] / sizes[0] < 0.28


def test_a_model_in_float32_is_of_version_1_and_has_no_such_key(tmp_path: Path) -> None:
    write(tmp_path, make_model())
    config = json.loads((tmp_path / CONFIG).read_text())
    assert config["format_version"] == 1
    assert "quantization" not in config


def test_parameters_that_are_not_rounded_are_never_written_as_if_they_were(tmp_path: Path) -> None:
    model = rounded_model("int8")
    model.parameters["output.kernel"][0, 0] += 0.01
    with pytest.raises(ArtifactError, match=r"output\.kernel.*numbers that int8 keeps.*were changed; round"):
        write(tmp_path / "x", model)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("quantization.precision", "float16"), "array 'layers.0.input_kernel:scales' is not part"),
        (("quantization.precision", "float32"), "precision must be one of float16, int8; got 'float32'"),
        (("quantization.bits_per_character_lost", "x"), "bits_per_character_lost"),
        (("quantization.who", "x"), "unknown key 'who'"),
        (("quantization", None), "quantization in a file of version 2 alone, got version 2"),
    ],
)
def test_a_configuration_that_does_not_fit_is_named(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    model = rounded_model("int8")
    write(tmp_path, model)
    change_json(tmp_path, CONFIG, *change)
    seal(tmp_path, stored(model.parameters, "int8"), format_version=2)
    with pytest.raises((ArtifactError, ConfigError), match=message):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("output.kernel:scales", np.full(5, np.inf, np.float32), "expected finite numbers"),
        ("output.kernel:scales", np.full(5, 3e38, np.float32), "expected finite numbers"),
        ("output.kernel:scales", np.ones(5, np.float16), r"expected float32 \(F32\), got float16 \(F16\)"),
        ("output.kernel:scales", np.ones(4, np.float32), r"expected shape \(5,\), got shape \(4,\)"),
        ("output.kernel", np.ones((2, 5), np.float32), r"expected int8 \(I8\), got float32 \(F32\)"),
        ("output.bias:scales", np.ones(5, np.float32), "is not part of the network"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path: Path, name: str, array: np.ndarray, message: str) -> None:
    model = rounded_model("int8")
    assert parameter_shapes(model.network)["output.kernel"] == (2, 5)
    write(tmp_path, model)
    seal(tmp_path, {**stored(model.parameters, "int8"), name: array}, format_version=2)
    with pytest.raises(ArtifactError, match=message):
        load_model(tmp_path)


def test_every_flipped_byte_of_the_arrays_is_seen(tmp_path: Path) -> None:
    write(tmp_path, rounded_model("int8"))
    whole = (tmp_path / MODEL).read_bytes()
    begin = 8 + int.from_bytes(whole[:8], "little")
    for place in range(begin, len(whole)):
        (tmp_path / MODEL).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ArtifactError, match="checksum"):
            load_model(tmp_path)


def test_the_sentence_says_what_is_known() -> None:
    assert Quantization("int8").sentence == "int8; what it costs was not measured"
    assert Quantization("int8", -0.00001).sentence == "int8, 0.0000 bits per character lost"
    assert Quantization("float16", 0.02, "a.txt").sentence == (
        "float16, 0.0200 bits per character lost on a.txt"
    )


def test_a_later_version_is_told_before_a_type_that_only_it_knows(tmp_path: Path) -> None:
    model = rounded_model("int8")
    write(tmp_path, model)
    seal(tmp_path, stored(model.parameters, "int8"), format_version=3)
    whole = (tmp_path / MODEL).read_bytes()
    (tmp_path / MODEL).write_bytes(whole.replace(b'"I8"', b'"I4"'))
    with pytest.raises(ArtifactError, match="format_version: expected 1 or 2, got 3; a newer unspool may"):
        load_model(tmp_path)
