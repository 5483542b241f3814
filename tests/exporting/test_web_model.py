"""A model as the JavaScript engine takes it, and the engine as one module."""

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exporting.cases import model_of
from unspool._artifacts.kept_precision import Quantization
from unspool._exporting import web_model
from unspool._exporting.exporter import ModelToExport
from unspool._exporting.web_model import MODULES, WEB, camel_case, engine_source, spec_json, web_spec
from unspool._network.quantization import quantize


def test_the_engine_is_one_module_of_all_files() -> None:
    source = engine_source()
    assert "import " not in source
    assert source.count("\nexport ") == 3
    for name in ("async function load", "class Model", "class Writer"):
        assert f"\nexport {name}" in source
    assert "</script" not in source
    assert "<!--" not in source
    assert {path.stem for path in WEB.glob("*.js")} == set(MODULES)
    for number, name in enumerate(MODULES):  # each comes after those that it imports
        text = (WEB / f"{name}.js").read_text("utf-8")
        assert all(text.find(f'"./{later}.js"') < 0 for later in MODULES[number:])
        assert len(text.splitlines()) <= 400


def test_the_types_are_right(tmp_path: Path) -> None:
    if shutil.which("tsc") is None:
        pytest.skip("tsc is not installed: npm install -g typescript")
    subprocess.run(["tsc", "--strict", "--noEmit", str(WEB / "engine.d.ts")], check=True, cwd=tmp_path)


def test_json_may_stand_in_a_script() -> None:
    spec = {"<a>": "</script>&\u202e\u2028\ud83d\ude00'\"\\"}
    text = spec_json(spec)
    assert text.isascii()
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"<a>": "</script>&\u202e\u2028\U0001f600'\"\\"}


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_a_tensor_is_kept_in_its_precision(precision: str) -> None:
    model = model_of("gru-L1")
    tensors = web_spec(ModelToExport(model, "x", precision, 0.25))["tensors"]
    assert tensors.keys() == model.parameters.keys()
    kernel, stored = model.parameters["output.kernel"], tensors["output.kernel"]
    assert stored["shape"] == list(kernel.shape)
    numbers = np.frombuffer(
        base64.b64decode(stored[precision]),
        {"int8": "i1"}.get(precision, f"<f{4 if precision == 'float32' else 2}"),
    )
    if precision == "int8":
        scales = np.frombuffer(base64.b64decode(stored["scales"]), "<f4")
        np.testing.assert_array_equal(numbers.reshape(kernel.shape) * scales, quantize(kernel).array())
        assert "float32" in tensors["output.bias"]
    else:
        np.testing.assert_array_equal(numbers.reshape(kernel.shape), kernel.astype(numbers.dtype))


def test_a_spec_says_nothing_of_where_the_model_was_made() -> None:
    spec = web_spec(ModelToExport(model_of("context"), "x", "int8", 0.25))
    assert (spec["name"], spec["precision"], spec["cost"]) == ("x", "int8", 0.25)
    assert not {"data", "training", "path"} & spec.keys()
    assert [one["name"] for one in spec["attributes"]] == ["kind", "size"]
    assert "counts" not in spec["attributes"][0]


def test_an_engine_without_webassembly_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_model, "wasm_module", lambda: None)
    with pytest.warns(UserWarning, match="plain JavaScript alone"):
        spec = web_spec(ModelToExport(model_of("gru-L1"), "x"))
    assert spec["wasm"] is None


def test_names_are_spelled_as_javascript_does() -> None:
    assert [camel_case(name) for name in ("stop", "top_k", "top_n_sigma")] == ["stop", "topK", "topNSigma"]


def test_it_says_to_what_the_weights_were_rounded_before() -> None:
    model = model_of("lstm-L2")
    before = replace(model, quantization=Quantization("int8", 0.25, "its own texts"))
    assert web_spec(ModelToExport(model, "x"))["rounded"] is None
    assert web_spec(ModelToExport(before, "x", "float32", 0.25))["rounded"] == "int8"
