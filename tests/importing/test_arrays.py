"""Arrays of each form, in memory: what is read of them, at each bound, and the words of a refusal."""

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from unspool import NetworkConfig
from unspool._errors import ArtifactError, ConfigError, InputError
from unspool._extras import install_command
from unspool._importing import own_c, own_onnx, tensors
from unspool._importing.hdf5 import hdf5_arrays
from unspool._importing.importers import kind_of, whole
from unspool._importing.own_c import CArray, c_sources, source_of
from unspool._importing.own_files import check_layers, facts_of
from unspool._importing.own_onnx import arrays_of, files_in
from unspool._importing.own_torch import torch_name_of
from unspool._importing.own_web import MOST_RATIO
from unspool._importing.stack import Stack, StackLayer, check_stack, expect_shape
from unspool._importing.tensors import floats_of, read_bytes, tensors_of
from unspool._importing.torch_state import joined


def refused(error: type[InputError], call: Any, *given: Any, **more: Any) -> str:
    with pytest.raises(error) as found:
        call(*given, **more)
    return str(found.value)


@pytest.mark.parametrize("package", ["onnx", "h5py"])
def test_a_package_that_is_missing_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    monkeypatch.setattr(own_onnx, "find_spec", lambda name: None if name == package else name)
    told = refused(ConfigError, arrays_of, Path("x")) if package == "onnx" else (
        refused(ConfigError, hdf5_arrays, b"", where="x"))  # fmt: skip
    kind = {"onnx": "an ONNX model", "h5py": "a Keras model"}[package]
    assert told == (f"{kind} needs the package {package}, which is not installed; {install_command(package)}")


def test_every_type_of_numbers_is_read() -> None:
    values = np.array([[1.5, -2.0]], np.float64)
    raw = save({"d": values, "f": values.astype("f4"), "h": values.astype("f2"), "i": values.astype("i1")},
               metadata={"a": "b"})  # fmt: skip
    arrays, metadata = tensors_of(raw, where="x", int8=True)
    assert metadata == {"a": "b"}
    assert {name: (array.dtype.name, array.tolist()) for name, array in arrays.items()} == {
        "d": ("float64", [[1.5, -2.0]]), "f": ("float32", [[1.5, -2.0]]), "h": ("float16", [[1.5, -2.0]]),
        "i": ("int8", [[1, -2]]),
    }  # fmt: skip
    header = json.dumps({"b": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}}).encode()
    brain = struct.pack("<Q", len(header)) + header + struct.pack("<HH", 0x3FC0, 0xC000)
    (array,) = tensors_of(brain, where="x")[0].values()
    assert (array.dtype.name, array.tolist()) == ("float32", [[1.5, -2.0]])
    assert tensors_of(brain, where="x")[1] == {}
    assert tensors_of(save({"x": np.zeros((1, 1, 1, 1), "f4")}), where="x")[0]["x"].shape == (1, 1, 1, 1)


def test_numbers_become_float32_if_they_fit() -> None:
    most = float(np.finfo(np.float32).max)
    assert floats_of({"x": np.array([most, -most])}, where="f")["x"].tolist() == [most, -most]
    for number in (most * 1.1, math.nan, -math.inf):
        assert refused(ArtifactError, floats_of, {"x": np.array([number])}, where="f") == (
            "f: x: expected finite numbers of float32, got NaN, infinity or a number beyond them; its "
            "training diverged"
        )


def test_a_file_is_read_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 1234)
    assert read_bytes(path, most_bytes=1234) == b"x" * 1234
    told = f"{path}: expected at most 1,233 bytes, got 1,234"
    assert refused(ArtifactError, read_bytes, path, most_bytes=1233) == told
    monkeypatch.setattr(tensors, "MOST_BYTES", 1233)
    assert refused(ArtifactError, read_bytes, path) == told
    assert refused(ArtifactError, read_bytes, tmp_path / "b") == (
        f"cannot read {tmp_path / 'b'}: got No such file or directory"
    )


@pytest.mark.parametrize(
    ("text", "suffix", "number"),
    [
        ("1.0f", "f", 1.0), ("-0.0f", "f", -0.0), ("1e-45f", "f", 1e-45), ("0.1f", "f", np.float32(0.1)),
        ("1.0", "f", None), ("1f", "f", None), ("0.10f", "f", None), ("inff", "f", math.inf),
        ("f", "f", None),
        ("127", "", 127), ("-128", "", -128), ("128", "", None), ("+1", "", None), ("01", "", None),
        ("1.0", "", None), ("", "", None),
    ],
)  # fmt: skip
def test_a_number_is_spelled_in_one_way(text: str, suffix: str, number: float | None) -> None:
    found = own_c._number(text, suffix, np.float32 if suffix else np.int8)
    assert found == number
    assert found is None or math.copysign(1, found) == math.copysign(
        1, math.nan if number is None else number
    )


def test_the_numbers_of_a_source_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_c, "PIECE", 3)
    arrays = {"a": CArray("float", b"\n 1.0f, -2.5f,\n 0.5f\n"), "b": CArray("int8_t", b"7")}
    assert own_c._taken(arrays, "a", "float", 3, "f").tolist() == [1.0, -2.5, 0.5]
    assert list(arrays) == ["b"]
    damage = "the file is damaged: copy it again, or save it again"
    for name, kind, size, told in (
        ("c", "float", 1, f"f: c is missing: expected every array; {damage}"),
        ("b", "int8_t", 1000, f"f: b: expected 1,000 numbers of type int8_t, got 1 of type int8_t; {damage}"),
        ("b", "float", 1, f"f: b: expected 1 numbers of type float, got 1 of type int8_t; {damage}"),
    ):
        kept = dict(arrays)
        assert refused(ArtifactError, own_c._taken, kept, name, kind, size, "f") == told
    bad = {"x": CArray("float", b"1.0f, " + b"y" * 50)}
    assert refused(ArtifactError, own_c._taken, bad, "x", "float", 2, "f") == (
        f"f: number 2 of x: expected a number as unspool spells it, got {'y' * 40}; {damage}"
    )
    empty = {"x": CArray("float", b"1.0f, ")}
    assert "got nothing" in refused(ArtifactError, own_c._taken, empty, "x", "float", 2, "f")


def test_the_source_of_a_folder_is_the_one_beside_the_example(tmp_path: Path) -> None:
    for name in ("example.c", "b.c", "b.h"):
        (tmp_path / name).write_text("", "utf-8")
    assert (
        source_of(tmp_path) == source_of(tmp_path / "b.h") == source_of(tmp_path / "b.c") == tmp_path / "b.c"
    )
    for name in ("a.c", "c.c", "d.c"):
        (tmp_path / name).write_text("", "utf-8")
    assert [path.name for path in c_sources(tmp_path)] == ["a.c", "b.c", "c.c", "d.c"]
    wanted = "expected one C source beside the example"
    hint = "name the file that the model is in"
    assert refused(ArtifactError, source_of, tmp_path) == f"{tmp_path}: {wanted}, got a.c, b.c, c.c; {hint}"
    for path in c_sources(tmp_path):
        path.unlink()
    assert refused(ArtifactError, source_of, tmp_path) == f"{tmp_path}: {wanted}, got none; {hint}"


NETWORK = {"cell": "gru", "hidden_size": 3, "vocab_size": 5}


def test_the_facts_of_an_export_have_a_version() -> None:
    facts = facts_of({"format_version": 1, "network": NETWORK, "name": "more"}, where="f")
    assert (facts.network, facts.precision, facts.context, facts.generation) == (
        NetworkConfig(cell="gru", hidden_size=3, vocab_size=5), "float32", (), {},
    )  # fmt: skip
    for version in (None, True, 0, 2, "1"):
        told = refused(ArtifactError, facts_of, {"format_version": version, "network": NETWORK}, where="f")
        assert told == f"f: format_version: expected 1, got {version!r}; a newer unspool may read it"
    check_layers(NetworkConfig(num_layers=2), 2, where="f")
    assert refused(ArtifactError, check_layers, NetworkConfig(num_layers=2), 1, where="f") == (
        "f: num_layers: expected arrays for every layer, got 2 layers and 1 array"
    )


def test_the_files_of_an_export_are_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("", "utf-8")
    assert list(files_in(tmp_path, ["a"])) == [tmp_path / "a"]
    assert refused(ArtifactError, list, files_in(tmp_path, ["a", "b"])) == (
        f"{tmp_path} has no b: expected a whole export; copy all its files"
    )


def ones(*shape: int) -> Any:
    return np.ones(shape, np.float32)


def stack(**changes: Any) -> Stack:
    layers = [
        StackLayer("one", ones(5, 8), ones(2, 8), ones(8)),
        StackLayer("two", ones(2, 8), ones(2, 8), ones(8)),
    ]
    facts: dict[str, Any] = {"cell": "lstm", "layers": layers, "output_kernel": ones(2, 5),
                             "output_bias": ones(5)}  # fmt: skip
    return Stack(**facts | changes)


ONE = "a network here has layers of one size, each of which reads the one before"


def test_the_arrays_of_a_stack_fit_together() -> None:
    good = stack()
    assert check_stack(good) is good
    assert (good.vocab_size, good.hidden_size) == (5, 2)
    first, second = good.layers
    for changes, told in (
        ({"layers": [StackLayer("one", ones(4, 8), ones(2, 8), ones(8)), second]},
         f"one: input kernel: expected shape (5, 8), got shape (4, 8); {ONE}"),
        ({"layers": [first, StackLayer("two", ones(3, 8), ones(2, 8), ones(8))]},
         f"two: input kernel: expected shape (2, 8), got shape (3, 8); {ONE}"),
        ({"layers": [first, StackLayer("two", ones(2, 8), ones(3, 8), ones(8))]},
         f"two: recurrent kernel: expected shape (2, 8), got shape (3, 8); {ONE}"),
        ({"layers": [StackLayer("one", ones(5, 8), ones(2, 8), ones(7)), second]},
         f"one: bias: expected shape (8,), got shape (7,); {ONE}"),
        ({"output_kernel": ones(3, 5), "output_name": "out"},
         f"out: kernel: expected shape (2, 5), got shape (3, 5); {ONE}"),
        ({"embedding": ones(4, 5)},
         "the embedding: expected shape (5, 5), got shape (4, 5); a symbol that is read is a symbol that is "
         "written"),
    ):  # fmt: skip
        assert refused(ArtifactError, check_stack, stack(**changes)) == told
    expect_shape("x", ones(2), (2,))
    assert refused(ArtifactError, expect_shape, "x", ones(2), (3,), "why") == (
        "x: expected shape (3,), got shape (2,); why"
    )


def test_a_stack_is_a_network_here() -> None:
    assert stack().network(7, tied=False) == NetworkConfig(
        cell="lstm", hidden_size=2, num_layers=2, embedding_size=None, reset_after=True, vocab_size=7,
    )  # fmt: skip
    gru = [StackLayer("one", ones(3, 6), ones(2, 6), ones(6))]
    before = stack(cell="gru", layers=gru, embedding=ones(5, 3)).network(7, tied=False)
    assert (before.reset_after, before.embedding_size, before.tied_output) == (False, 3, False)
    after = [StackLayer("one", ones(2, 6), ones(2, 6), ones(6), ones(2))]
    tied = stack(cell="gru", layers=after, embedding=ones(5, 2)).network(7, tied=True)
    assert (tied.reset_after, tied.tied_output) == (True, True)


def test_two_biases_become_one_and_zeros_change_nothing() -> None:
    one, other = np.float32([-0.0, 1, 2, 3]), np.float32([0, 0.5, 0, 7])
    both, rest = joined(one, other, split=3)
    assert both.tolist() == [0.0, 1.5, 2.0, 3.0]
    assert math.copysign(1, both[0]) == -1
    assert rest.tolist() == [7.0]


@pytest.mark.parametrize(
    ("network", "name", "there"),
    [
        (NetworkConfig(), "embedding", "embedding.weight"),
        (NetworkConfig(), "output.kernel", "output.weight"),
        (NetworkConfig(), "output.bias", "output.bias"),
        (NetworkConfig(num_layers=3), "layers.2.input_kernel", "rnn.weight_ih_l2"),
        (NetworkConfig(num_layers=3), "layers.1.bias", "rnn.bias_ih_l1"),
        (NetworkConfig(num_layers=3, residual=True), "layers.1.bias", "rnn.layers.1.bias_ih_l0"),
        (NetworkConfig(num_layers=3), "layers.1.recurrent_kernel", "rnn.weight_hh_l1"),
        (NetworkConfig(cell="gru"), "layers.0.recurrent_bias", "rnn.bias_hh_l0"),
        (NetworkConfig(cell="gru", reset_after=False), "layers.0.bias", "rnn.layers.0.bias_ih_l0"),
        (NetworkConfig(cell="lstm", reset_after=False), "layers.0.bias", "rnn.bias_ih_l0"),
    ],
)  # fmt: skip
def test_a_parameter_has_a_name_in_pytorch(network: NetworkConfig, name: str, there: str) -> None:
    assert torch_name_of(network, name) == there


def test_a_part_of_an_export_stands_for_its_folder(tmp_path: Path) -> None:
    for name in ("model.py", "model.safetensors", "other.bin"):
        (tmp_path / name).write_text("", "utf-8")
    part = tmp_path / "model.safetensors"
    assert whole(part) == part
    (tmp_path / "config.json").write_text("{}", "utf-8")
    assert whole(part) == whole(tmp_path / "model.py") == tmp_path
    assert whole(tmp_path / "other.bin") == tmp_path / "other.bin"
    assert whole(tmp_path / "step.onnx") == tmp_path / "step.onnx"
    assert kind_of(tmp_path) == "torch-export"
    (tmp_path / "model.py").unlink()
    assert whole(part) == part
    assert MOST_RATIO == 64


def test_numbers_of_a_module_that_do_not_fit_are_told() -> None:
    from unspool._importing.own_web import _array

    good = {"shape": [1, 2], "float32": "AACAPwAAAEA="}  # 1 and 2
    assert _array(good, "x").tolist() == [[1.0, 2.0]]
    scaled = {"shape": [1, 2], "int8": "Av8=", "scales": "AACAPwAAAEA="}
    assert _array(scaled, "x").tolist() == [[2.0, -2.0]]
    for change, got in (
        (3, "ValueError: no shape"), ({"shape": 3}, "ValueError: no shape"),
        (good | {"shape": [1, 1, 2]}, "ValueError: shape [1, 1, 2]"),
        (good | {"shape": [-1]}, "ValueError: shape [-1]"),
        (good | {"shape": [1 << 40]}, "ValueError: shape "),
        (good | {"shape": [True, 2]}, "ValueError: shape [True, 2]"),
        ({"shape": [2]}, "ValueError: not enough values"),
        (good | {"int8": ""}, "ValueError: too many values"),
        (good | {"float32": "?"}, "Error: "), ({"shape": [1, 2], "int8": "Av8="}, "KeyError: 'scales'"),
    ):  # fmt: skip
        told = refused(ArtifactError, _array, change, "x")
        assert told.startswith("x: expected a shape and its numbers, got ")
        assert got in told
