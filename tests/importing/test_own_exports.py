"""What unspool exported comes back: parameters to the bit, tokenizers, context and options."""

import base64
import json
import zlib
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
from unspool._exporting.html import HARMLESS
from unspool._importing.importers import import_path
from unspool._importing.own_web import LETTERS
from unspool._network.conditions import schema_of
from unspool._network.quantization import rounded

# What must be installed for an export to be read.
READ = {"torch": None, "keras": "h5py", "onnx": None, "js": None, "html": None, "c": None}
NO_PADDING_BIAS = {"keras", "onnx"}  # that of <pad>, which no training changes, is 0 when it comes back

WITHOUT_SPELLINGS = {"js", "html"}  # the probability of what <unk> stands for stays behind


def check_same(got: SavedModel, wanted: SavedModel, precision: str, to: str) -> None:
    """Compare two models, bit by bit."""
    assert got.network == replace(wanted.network, dropout=0.0, input_dropout=0.0, recurrent_dropout=0.0)
    parameters = rounded(wanted.parameters, precision)
    if to in NO_PADDING_BIAS:
        parameters["output.bias"][0] = 0
    assert list(got.parameters) == list(parameters)
    for name, array in parameters.items():
        np.testing.assert_array_equal(got.parameters[name].view(np.int32), array.view(np.int32), err_msg=name)
    pairs = ((got.tokenizer, wanted.tokenizer), (got.source_tokenizer, wanted.source_tokenizer))
    for tokenizer, other in pairs:
        assert (tokenizer and tokenizer.spellings) == (other and other.spellings)
        assert to in WITHOUT_SPELLINGS or tokenizer == other
    schema, other = schema_of(got.data), schema_of(wanted.data)
    assert (schema and schema.described) == (other and other.described)


WAYS = [
    (to, case, precision)
    for to in READ
    for precision in EXPORTERS[to].precisions
    for case in (CASES if precision == "float32" else ("gru-L2", "embedding", "pairs"))
]


def test_whatever_goes_out_comes_back() -> None:
    assert READ.keys() == EXPORTERS.keys()


@pytest.mark.parametrize(("to", "case", "precision"), WAYS)
def test_an_export_comes_back_to_the_bit(to: str, case: str, precision: str, tmp_path: Path) -> None:
    for needed in (READ[to], EXPORTERS[to].needs):
        pytest.importorskip(needed) if needed else None
    model = model_of(case)
    path = export(model, to, tmp_path / "out", precision=precision)[0]
    imported = import_path(path)
    assert imported.kind == f"{to}-export"
    check_same(imported.model, model, precision, to)


@pytest.mark.parametrize("to", ["torch", "c"])
def test_the_options_come_back(to: str, tmp_path: Path) -> None:
    model = replace(model_of("gru-L1"), generation_config={"temperature": 0.5, "top_k": 3})
    path = export(model, to, tmp_path / "out")[0]
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


def _page(tmp_path: Path, change: Any) -> Path:
    """Export a page, and change what is packed in it."""
    path = export(model_of("gru-L1"), "html", tmp_path / "page.html")[0]
    text = path.read_bytes()
    begin = text.index(PLACE) + len(PLACE)
    end = text.index(b"</script>", begin)
    content = zlib.decompress(base64.b85decode(text[begin:end].translate(LETTERS, b"\n")), -15)
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    changed = packed.compress(change(content)) + packed.flush()
    path.write_bytes(text[:begin] + base64.b85encode(changed).translate(HARMLESS) + text[end:])
    return path


def _in_head(**changes: Any) -> Any:
    def change(content: bytes) -> bytes:
        size = int.from_bytes(content[:4], "little")
        head = json.loads(content[4 : 4 + size])
        for key, value in changes.items():
            if key == "bias":
                head["spec"]["tensors"]["output.bias"]["shape"] = value
            else:
                head["spec"][key] = head["spec"][key] | value if isinstance(value, dict) else value
        text = json.dumps(head).encode()
        return len(text).to_bytes(4, "little") + text + content[4 + size :]

    return change


PLACE = b'<script type="text/plain" id="model">'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-8], "the packed model: .*bytes of"),
        (lambda content: b"\xff\xff\xff\xff" + content, "a head of 4,294,967,295 bytes"),
        (lambda _: bytes(1 << 27), "an end that does not come within"),
        (lambda content: b"\x02\x00\x00\x00{}", "the packed model"),
        (_in_head(network={"hiddenSize": 8}), "expected shape"),
        (_in_head(network={"extra": 8}), "extra"),
        (_in_head(format=9), "format_version: expected 1, got 9"),
        (_in_head(tokenizer={"symbols": ["a", "a"]}), "is there twice"),
        (_in_head(tokenizer=None), "tokenizer: expected dict, got NoneType"),
        (
            _in_head(attributes=[{"name": "x", "kind": "other"}]),
            "attributes: expected a number or a category",
        ),
        (_in_head(bias=[2]), "expected a shape and its numbers"),
        (_in_head(bias=[1 << 60]), "expected a shape and its numbers"),
        (_in_head(tensors={"output.bias": {"shape": [1], "float32": 4}}), "after the numbers"),
        (_in_head(tensors={"output.bias": {"shape": [1], "float32": -4}}), "bytes of"),
        (_in_head(tensors={"output.bias": 3}), "the packed model"),
    ],
    ids=range(15),
)
def test_a_page_that_was_changed_is_one_error(change: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(unspool.InputError, match=message):
        import_path(_page(tmp_path, change))


def test_a_page_and_a_module_of_somebody_else_are_one_error(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<!doctype html><script>alert(1)</script>")
    with pytest.raises(unspool.ArtifactError, match="no element with the id model"):
        import_path(tmp_path / "a.html")
    (tmp_path / "a.js").write_text("const x = 1;\n")
    with pytest.raises(unspool.ArtifactError, match="no line that begins with const spec"):
        import_path(tmp_path / "a.js")
    (tmp_path / "b.js").write_text("\nconst spec = JSON.parse('{\"a\": ');\n")
    with pytest.raises(unspool.ArtifactError, match="expected JSON"):
        import_path(tmp_path / "b.js")


def _onnx(tmp_path: Path, change: Any) -> Path:
    onnx = pytest.importorskip("onnx")
    path = export(model_of("gru-L1"), "onnx", tmp_path / "out")[0]
    model = onnx.load(path / "step.onnx")
    change({tensor.name: tensor for tensor in model.graph.initializer}["output.kernel"])
    (path / "step.onnx").write_bytes(model.SerializeToString())
    return path


def _elsewhere(tensor: Any) -> None:
    tensor.external_data.add(key="location", value="/etc/passwd")


def _huge(tensor: Any) -> None:
    tensor.dims[0] = 1 << 60


def _negative(tensor: Any) -> None:
    tensor.dims[0] = -tensor.dims[0]
    tensor.dims[1] = -tensor.dims[1]


def _other_type(tensor: Any) -> None:
    tensor.data_type = 11  # DOUBLE


def _unknown_type(tensor: Any) -> None:
    tensor.data_type = 99


def _not_finite(tensor: Any) -> None:
    tensor.raw_data = b"\xff" * len(tensor.raw_data)


def _renamed(tensor: Any) -> None:
    tensor.name = "other"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_elsewhere, "output.kernel: expected an array of its own .* in another file"),
        (_huge, "as many bytes as its shape has"),
        (_negative, "as many bytes as its shape has"),
        (_other_type, "of FLOAT or INT8, got DOUBLE"),
        (_unknown_type, "of FLOAT or INT8, got an unknown type"),
        (_not_finite, "output.kernel: expected finite numbers"),
        (_renamed, "output.kernel is missing"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_an_onnx_model_that_was_changed_is_one_error(change: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(unspool.InputError, match=message):
        import_path(_onnx(tmp_path, change))


def test_a_broken_onnx_model_is_one_error(tmp_path: Path) -> None:
    path = _onnx(tmp_path, lambda tensor: None)
    whole = (path / "step.onnx").read_bytes()
    no_text = whole.replace(b"output.kernel", b"output\xffkernel")
    for content in (b"\xff" * 100, whole[:-100], no_text):
        (path / "step.onnx").write_bytes(content)
        with pytest.raises(unspool.ArtifactError):
            import_path(path)


def test_a_part_of_an_export_is_read_with_all_of_it(tmp_path: Path) -> None:
    """The weights of a residual stack alone look like those of any other."""
    path = export(model_of("residual"), "torch", tmp_path / "out")[0]
    assert import_path(path / "model.safetensors").model.network.residual
