"""What unspool exported comes back: parameters to the bit, tokenizers, context and options."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import unspool
from tests.exporting.cases import CASES, model_of
from unspool._artifacts.model_folder import SavedModel
from unspool._exporting.exporters import EXPORTERS, export
from unspool._importing.importers import import_path
from unspool._network.conditions import schema_of
from unspool._network.quantization import rounded

# The targets whose exports are read, and what must be installed for that.
READ = {"torch": None, "keras": "h5py"}
NO_PADDING_BIAS = {"keras"}  # that of <pad>, which no training changes, is 0 when it comes back


def check_same(got: SavedModel, wanted: SavedModel, precision: str, to: str) -> None:
    """Compare two models, bit by bit."""
    assert got.network == replace(wanted.network, dropout=0.0, input_dropout=0.0, recurrent_dropout=0.0)
    parameters = rounded(wanted.parameters, precision)
    if to in NO_PADDING_BIAS:
        parameters["output.bias"][0] = 0
    assert list(got.parameters) == list(parameters)
    for name, array in parameters.items():
        np.testing.assert_array_equal(got.parameters[name].view(np.int32), array.view(np.int32), err_msg=name)
    assert (got.tokenizer, got.source_tokenizer) == (wanted.tokenizer, wanted.source_tokenizer)
    schema, other = schema_of(got.data), schema_of(wanted.data)
    assert (schema and schema.described) == (other and other.described)


WAYS = [
    (to, case, precision)
    for to in READ
    for precision in EXPORTERS[to].precisions
    for case in (CASES if precision == "float32" else ("gru-L2", "embedding", "pairs"))
]


@pytest.mark.parametrize(("to", "case", "precision"), WAYS)
def test_an_export_comes_back_to_the_bit(to: str, case: str, precision: str, tmp_path: Path) -> None:
    for needed in (READ[to], EXPORTERS[to].needs):
        pytest.importorskip(needed) if needed else None
    model = model_of(case)
    path = export(model, to, tmp_path / "out", precision=precision)[0]
    imported = import_path(path)
    assert imported.kind == f"{to}-export"
    check_same(imported.model, model, precision, to)


def test_the_options_come_back(tmp_path: Path) -> None:
    model = replace(model_of("gru-L1"), generation_config={"temperature": 0.5, "top_k": 3})
    path = export(model, "torch", tmp_path / "out")[0]
    got = import_path(path).model.generation_config
    assert (got["temperature"], got["top_k"]) == (0.5, 3)


def test_what_came_back_writes_the_same_texts(tmp_path: Path) -> None:
    model = unspool.train(["abc", "bca", "cab"] * 9, hidden_size=8, epochs=2, seed=1, progress=False)
    model.export("torch", tmp_path / "out")
    imported = unspool.import_model(tmp_path / "out")
    imported.save(tmp_path / "folder")
    wanted = [text.text for text in model.generate(n=9, seed=3)]
    assert [text.text for text in unspool.load(tmp_path / "folder").generate(n=9, seed=3)] == wanted


def _exported(tmp_path: Path, case: str = "gru-L1", precision: str = "float32") -> Path:
    return export(model_of(case), "torch", tmp_path / "out", precision=precision)[0]


def _config(path: Path, **changes: Any) -> None:
    facts = json.loads((path / "config.json").read_text())
    facts["network"] |= changes.pop("network", {})
    (path / "config.json").write_text(json.dumps(facts | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format_version: expected 1, got 2"),
        ({"network": {"hidden_size": 10}}, "input_kernel.: expected shape"),
        ({"network": {"num_layers": 1000}}, "num_layers: expected arrays for every layer"),
        ({"network": {"num_layers": 2}}, "rnn.weight_ih_l1 is missing"),
        ({"network": {"cell": "rnn"}}, "expected shape|is missing"),
        ({"network": {"cell": "other"}}, "cell"),
        ({"network": {"hidden_size": 1 << 60}}, "hidden_size"),
        ({"network": {"context_size": 3}}, "context.weight is missing"),
        ({"network": {"vocab_size": 9}}, "symbols of the tokenizers: expected 9"),
        ({"network": 3}, "network"),
        ({"context": [{"name": "x"}]}, "attribute x|columns of the context"),
    ],
    ids=range(11),
)
def test_an_export_that_was_changed_is_one_error(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = _exported(tmp_path)
    if changes.get("network") == 3:
        (path / "config.json").write_text('{"format_version": 1, "network": 3}')
    else:
        _config(path, **changes)
    with pytest.raises(unspool.InputError, match=message):
        import_path(path)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    path = _exported(tmp_path)
    (path / name).unlink()
    with pytest.raises(unspool.ArtifactError, match=f"has no {name}"):
        import_path(path)


def test_integers_need_their_scales(tmp_path: Path) -> None:
    path = _exported(tmp_path, precision="int8")
    tensors = load_file(path / "model.safetensors")
    save_file(
        {name: array for name, array in tensors.items() if name != "output.weight.scale"},
        path / "model.safetensors",
    )
    with pytest.raises(
        unspool.ArtifactError, match=r"output.weight: expected scales of its integers, got none"
    ):
        import_path(path)


def test_code_beside_the_weights_is_never_run(tmp_path: Path) -> None:
    path = _exported(tmp_path)
    (path / "model.py").write_text("raise SystemExit('run')")
    assert import_path(path).kind == "torch-export"


def test_an_export_takes_no_other_symbols(tmp_path: Path) -> None:
    with pytest.raises(unspool.ConfigError, match="tokenizer: an export to PyTorch brings its own symbols"):
        import_path(_exported(tmp_path), tokenizer=["a"])
