"""The edges of a model folder's files: sizes that are read, counts that are believed, precisions in words."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError

from tests.artifacts.models import make_model, same, save
from unspool._artifacts import load_model, model_folder, save_model, tensor_files
from unspool._artifacts.facts import PartSizes, check_facts
from unspool._artifacts.kept_precision import Quantization, restored, stored, stored_layout
from unspool._artifacts.model_folder import has_file, read_config, read_content, read_generation
from unspool._artifacts.tensor_files import _are_counts, open_tensor_file, tensor_file_bytes
from unspool._errors import ArtifactError, ConfigError
from unspool._text.tokenizers.registry import CharTokenizer

MATRIX, ROW = np.array([[127, -63.5], [0, 63.5]], np.float32), np.array([0.25, 3], np.float32)
SHAPES: dict[str, tuple[int, ...]] = {"w": (2, 2), "b": (2,)}


def test_each_precision_keeps_arrays_in_its_own_way() -> None:
    parameters = {"w": MATRIX, "b": ROW}
    assert stored_layout(SHAPES, "float32") == {"w": ("F32", (2, 2)), "b": ("F32", (2,))}
    assert stored_layout(SHAPES, "float16") == {"w": ("F16", (2, 2)), "b": ("F16", (2,))}
    assert stored_layout(SHAPES, "int8") == {
        "w": ("I8", (2, 2)), "w:scales": ("F32", (2,)), "b": ("F32", (2,)),
    }  # fmt: skip
    for precision, types in (
        ("float32", {"w": np.float32, "b": np.float32}),
        ("float16", {"w": np.float16, "b": np.float16}),
        ("int8", {"w": np.int8, "w:scales": np.float32, "b": np.float32}),
    ):
        arrays = stored(parameters, precision)
        assert {name: array.dtype for name, array in arrays.items()} == types
        back = restored(arrays, precision)
        assert {name: (array.tolist(), array.dtype) for name, array in back.items()} == {
            "w": (MATRIX.tolist(), np.float32), "b": (ROW.tolist(), np.float32),
        }  # fmt: skip
    assert stored(parameters, "int8")["w"].tolist() == [[127, -127], [0, 127]]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("int8",), "int8; what it costs was not measured"),
        (("int8", 0.01234), "int8, 0.0123 bits per character lost"),
        (("float16", -0.00001, "9 texts"), "float16, 0.0000 bits per character lost on 9 texts"),
        (("float16", -0.0123), "float16, -0.0123 bits per character lost"),
    ],
)
def test_what_a_precision_costs_is_said(values: tuple[Any, ...], sentence: str) -> None:
    assert Quantization(*values).sentence == sentence


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("float32",), "precision must be one of float16, int8; got 'float32'"),
        (("int8", float("inf")), "bits_per_character_lost must be a finite number, or None; got inf"),
        (("int8", "x"), "bits_per_character_lost must be a finite number, or None; got 'x'"),
    ],
)
def test_what_is_no_precision_is_refused(values: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Quantization(*values)
    assert str(caught.value) == message


def test_sizes_of_parts_are_whole_numbers() -> None:
    assert PartSizes(0, 0, 0).records == 0
    for name in ("records", "symbols", "characters"):
        with pytest.raises(ConfigError, match=rf"^{name} must be a whole number ≥ 0; got -1$"):
            PartSizes(**{**dict.fromkeys(("records", "symbols", "characters"), 1), name: -1})
    check_facts({"description": "a", "other": 3}, where="config.json")
    with pytest.raises(
        ConfigError, match=r"^config\.json: data: document must be true or false or null; got 3"
    ):
        check_facts({"document": 3}, where="config.json")


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ([], True), ([0, 1, 2, 3], True), ([0] * 5, False), ([(1 << 53) - 1], True), ([1 << 53], False),
        ([-1], False), ([True], False), ([1.0], False), ((1, 2), False), (None, False),
    ],
)  # fmt: skip
def test_sizes_that_a_header_may_declare(values: object, counts: bool) -> None:
    assert _are_counts(values) is counts


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("config.json", 16),
        ("generation_config.json", 16),
        ("tokenizer.json", 32),
        ("source_tokenizer.json", 32),
    ],
)
def test_texts_are_as_long_as_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    assert (model_folder.MOST_BYTES, model_folder.MOST_OF_TOKENIZER) == (1 << 24, 1 << 25)
    monkeypatch.setattr(model_folder, "MOST_BYTES", 16)
    monkeypatch.setattr(model_folder, "MOST_OF_TOKENIZER", 32)
    model_folder._check_size(name, "é" + "x" * (most - 2))
    with pytest.raises(ArtifactError) as caught:
        model_folder._check_size(name, "é" + "x" * (most - 1))
    assert str(caught.value) == f"cannot write {name}: expected at most {most} bytes, got {most + 1}"
    for path in (tmp_path / name, tmp_path / f"{name}.next"):
        path.write_text("{}".ljust(most))
        assert read_content(path) == {}
        path.write_text("{}".ljust(most + 1))
        with pytest.raises(
            ArtifactError, match=f"expected at most {most} bytes, got {most + 1}; the file is"
        ):
            read_content(path)


def test_whether_a_folder_has_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    found = [has_file(tmp_path, name) for name in ("file", "folder", "nothing")]
    assert found == [True, False, False]
    assert has_file(tmp_path / "file", "x") is False
    with pytest.raises(ArtifactError, match=r"cannot read .*nothing\.json: got No such file or directory$"):
        read_content(tmp_path / "nothing.json")


def test_a_configuration_that_waits_is_the_models(tmp_path: Path) -> None:
    save(tmp_path, make_model(0))
    before = read_config(tmp_path)
    (tmp_path / "config.json").rename(tmp_path / "config.json.next")
    (tmp_path / "config.json").write_text("{}")  # of an earlier model, as far as anybody knows
    assert read_config(tmp_path) == before
    assert before.precision == "float32"
    (tmp_path / "config.json.next").write_text("{}")
    with pytest.raises(ArtifactError, match="format_version: expected 1 or 2, got None"):
        read_config(tmp_path)
    assert read_generation(tmp_path) == make_model(0).generation_config
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "generation_config.json").unlink()
    assert read_generation(tmp_path) == {}


@pytest.mark.parametrize(
    ("size", "tokenizer", "message"),
    [
        (5, None, "expected none: there is no source tokenizer, got 5 in the network's configuration"),
        (5, "ab", "expected 4 as in its tokenizer, got 5 in the network's configuration"),
        (None, "ab", "expected 4 as in its tokenizer, got None in the network's configuration"),
    ],
)
def test_a_network_and_the_tokenizer_of_its_sources_fit_together(
    tmp_path: Path, size: int | None, tokenizer: str | None, message: str
) -> None:
    model = make_model(source_vocab_size=size)
    known = None if tokenizer is None else CharTokenizer(tokenizer)
    with pytest.raises(ArtifactError) as caught:
        save_model(
            tmp_path / "x", network=model.network, tokenizer=model.tokenizer, parameters=model.parameters,
            training={}, card="", generation_config={}, source_tokenizer=known,
        )  # fmt: skip
    hint = "they belong to two different models"
    assert str(caught.value) == f"{tmp_path}/x: source_vocab_size: {message}; {hint}"
    assert not (tmp_path / "x").exists()


def test_options_that_cannot_be_read_are_an_error_of_the_tree(tmp_path: Path) -> None:
    save(tmp_path, make_model())
    (tmp_path / "generation_config.json").unlink()
    (tmp_path / "generation_config.json").mkdir()
    with pytest.raises(ArtifactError) as caught:
        read_generation(tmp_path)
    assert str(caught.value) == f"cannot read {tmp_path}/generation_config.json: got Is a directory"


@pytest.mark.parametrize(
    "error", [SafetensorError("no header"), ValueError("no header"), TypeError("no header")]
)
def test_what_safetensors_cannot_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    save(tmp_path, make_model())

    def fail(raw: bytes) -> None:
        raise error

    monkeypatch.setattr(tensor_files, "load", fail)
    with pytest.raises(ArtifactError) as caught:
        load_model(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/model.safetensors: safetensors cannot read it: got no header; the file is damaged or is "
        "not a model: copy it again, or save the model again"
    )


def test_files_that_have_not_changed_are_not_written_again(tmp_path: Path) -> None:
    save(tmp_path, make_model(0))
    kept = ("tokenizer.json", "README.md")
    before = {name: (tmp_path / name).stat().st_ino for name in kept}
    save(tmp_path, make_model(1))  # of the same symbols, with the same card
    assert {name: (tmp_path / name).stat().st_ino for name in kept} == before
    assert same(load_model(tmp_path), make_model(1))


@pytest.mark.parametrize(
    ("content", "size", "message"),
    [
        (b"\0" * 7, 7, ": expected 8 bytes or more, got 7 bytes"),
        (b"\0" * 8, 8, ": header: expected JSON, got Expecting value: line 1 column 1 (char 0)"),
        (b"\3" + b"\0" * 7 + b"{}", 10, ": header: expected at most 2 bytes, got 3 declared"),
        (b"\2" + b"\0" * 7 + b"[]", 10, ": header: expected a JSON object, got list"),
        (
            b"\1\0\0\1" + b"\0" * 4,
            1 << 25,
            ": header: expected at most 16777216 bytes, got 16777217 declared",
        ),
    ],
)
def test_a_header_has_its_length_before_it(tmp_path: Path, content: bytes, size: int, message: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    os.truncate(path, size)
    with pytest.raises(ArtifactError) as caught, open_tensor_file(path):
        pytest.fail("it was opened")
    assert str(caught.value).startswith(
        f"{path}{message}; the file is damaged or is not a model: copy it again"
    )


def test_a_file_may_be_nothing_but_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a"
    header = json.dumps({"__metadata__": {"unspool": "{}"}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with open_tensor_file(path) as file:
        assert (file.begin, file.layout, file.content) == (8 + len(header), {}, {})
        with pytest.warns(UserWarning, match="was saved by an older unspool, without a checksum"):
            file.verify(["x"])
        assert file.read({}) == {}


def test_a_file_of_arrays_says_where_each_lies(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(tensor_file_bytes({"b": ROW, "w": MATRIX.T}, {"x": 1}))
    seen: list[object] = []
    with open_tensor_file(path, lambda content: seen.append(dict(content))) as file:
        assert {**file.content, "sha256": file.checksum} == seen[0]
        assert (file.content, file.shapes) == ({"x": 1}, {"b": (2,), "w": (2, 2)})
        assert file.places == {"b": (0, 8), "w": (8, 24)}
        assert path.stat().st_size - file.begin == 24
        file.verify(["x"])
        arrays = file.read({"w": (2, 2), "b": (2,)})
        assert (list(arrays), arrays["w"].tolist()) == (["w", "b"], MATRIX.T.tolist())
        with pytest.raises(
            ArtifactError, match=r": metadata 'unspool': unknown key 'x': expected one of y, z; the"
        ):
            file.verify(["y", "z"])
