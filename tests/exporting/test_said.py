"""What the targets say of a model and of a path, and how a page is packed: worked out by hand."""

import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.exporting.cases import CASES, model_of
from unspool._exporting import exporters
from unspool._exporting.exporter import FEATURES, Exporter, ModelToExport, features_of
from unspool._exporting.exporters import EXPORTERS, check_path, check_strangers, checked, export, writer_of
from unspool._exporting.html import LINE, lines_of, packed, plain_title
from unspool._exporting.model_facts import facts_of
from unspool._exporting.web_model import camel_case, spec_json, web_spec
from unspool._extras import install_command
from unspool._importing.own_web import LETTERS

FOUND = {
    "rnn-L1": {"rnn"}, "lstm-L2": {"lstm"}, "gru-L1": {"gru"}, "gru-reset_before": {"gru", "reset_before"},
    "embedding": {"lstm", "embedding"}, "residual": {"lstm", "residual"},
    "tied_output": {"gru", "embedding", "tied_output"}, "words": {"lstm", "word"}, "bytes": {"lstm", "bytes"},
    "learned_start": {"lstm", "start"}, "context": {"lstm", "context"}, "vector": {"gru", "start"},
    "pairs": {"lstm", "encoder"}, "regex": {"lstm"}, "bpe": {"lstm"},
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_what_a_model_has_is_told(case: str) -> None:
    assert set(features_of(model_of(case))) == FOUND[case]
    assert set(FOUND) <= set(CASES)


def test_what_a_target_cannot_say_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = Exporter("bare", "nothing", "a:b", cannot_say={"residual": "train without", "rnn": "take a GRU"})
    monkeypatch.setitem(EXPORTERS, "bare", bare)
    assert checked(model_of("gru-L1"), "BARE", "float32") is bare
    for case, what in (("residual", FEATURES["residual"]), ("rnn-L1", "the cell rnn")):
        with pytest.raises(unspool.ConfigError) as error:
            checked(model_of(case), "bare", "float32")
        hint = {"residual": "train without", "rnn-L1": "take a GRU"}[case]
        assert str(error.value) == f"bare cannot say {what}, which this model has; {hint}"


@pytest.mark.parametrize(
    ("to", "precision", "told"),
    [
        ("tex", "float32", "to must be one of html, js, onnx, torch, keras, c; got 'tex'"),
        ("onnx", "float16", "precision must be one of float32, int8, which onnx can keep; got 'float16'"),
        ("keras", "int8", "precision must be one of float32, which keras can keep; got 'int8'"),
        ("c", "float64", "precision must be one of float32, int8, which c can keep; got 'float64'"),
    ],
)
def test_no_other_target_and_no_other_precision(to: str, precision: str, told: str) -> None:
    with pytest.raises(unspool.ConfigError) as error:
        checked(model_of("gru-L1"), to, precision)
    assert str(error.value) == told


FILE, FOLDER = EXPORTERS["html"], EXPORTERS["torch"]


def test_a_path_is_taken_or_free(tmp_path: Path) -> None:
    file, empty, full = tmp_path / "file", tmp_path / "empty", tmp_path / "full"
    file.write_text("x", "utf-8")
    for folder in (empty, full):
        folder.mkdir()
    (full / "a").write_text("x", "utf-8")
    for path, row, overwrite in (
        (tmp_path / "new", FILE, False), (tmp_path / "new", FOLDER, False), (file, FILE, True),
        (empty, FOLDER, False), (full, FOLDER, True),
    ):  # fmt: skip
        check_path(path, row, overwrite=overwrite)
    more = ", or add --overwrite to replace it"
    for path, row, overwrite, told in (
        (file, FILE, False, f"{file}: expected a new file, got a file; choose another name{more}"),
        (full, FOLDER, False, f"{full}: expected a new folder, got a folder; choose another name{more}"),
        (empty, FILE, True, f"{empty}: expected a new file, got a folder; choose another name"),
        (file, FOLDER, True, f"{file}: expected a new folder, got a file; choose another name"),
        (file / "x", FILE, True, f"{file / 'x'}: expected an existing folder, got no folder {file}"),
    ):
        with pytest.raises(unspool.ConfigError) as error:
            check_path(path, row, overwrite=overwrite)
        assert str(error.value) == told


def test_what_running_an_export_leaves_is_no_stranger(tmp_path: Path) -> None:
    for name in ("a.py", "__pycache__/a.pyc", "deep/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", "utf-8")
    check_strangers(tmp_path, {"a.py": b"", "deep/b": b""})
    with pytest.raises(unspool.ConfigError) as error:
        check_strangers(tmp_path, {"a.py": b""})
    assert str(error.value) == (
        f"{tmp_path}: expected a folder of such an export and nothing else, got deep/b; choose another name"
    )


def test_a_package_that_a_target_needs_is_named() -> None:
    row = Exporter("odd", "odd", "a:b", needs="no_such_package")
    with pytest.raises(unspool.ConfigError) as error:
        writer_of(row)
    assert str(error.value).startswith("odd needs the package no_such_package, which is not installed; ")
    assert str(error.value).endswith(install_command("no_such_package"))


def test_an_export_is_named_after_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert export(model_of("gru-L1"), "html", name="a")[0] == Path("a.html")
    path, exported = export(model_of("gru-L1"), "js", name="a")
    assert (path, exported.name, exported.precision, exported.cost) == (Path("a-js"), "a", "float32", None)
    assert export(model_of("gru-L1"), "c")[0] == Path("model-c")
    with pytest.raises(unspool.ConfigError, match="expected a new file, got a file"):
        export(model_of("gru-L1"), "html", name="a")


@pytest.mark.parametrize(("size", "told"), [(10, "0.1"), (150_000, "0.1"), (2_340_000, "2.3")])
def test_a_disk_that_is_full_is_told_how_much_is_needed(
    size: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left")

    monkeypatch.setattr(exporters, "atomic_write", fail)
    monkeypatch.setattr(exporters, "writer_of", lambda _: lambda _: {"a": b"x" * size})
    with pytest.raises(unspool.ArtifactError) as error:
        export(model_of("gru-L1"), "html", tmp_path / "a.html")
    assert str(error.value) == (
        f"cannot write {tmp_path / 'a.html'}: expected a place that can be written to, with {told} MB free, "
        "got No space left"
    )


def test_a_page_packs_a_head_and_its_numbers_tightly() -> None:
    exported = ModelToExport(model_of("gru-L1"), "a", "float32", 0.25)
    text = packed(exported)
    assert not set("&<>`") & set(text)
    content = zlib.decompress(base64.b85decode(text.encode().translate(LETTERS)), -15)
    size = int.from_bytes(content[:4], "little")
    head = json.loads(content[4 : 4 + size])
    assert content[4 : 4 + size] == json.dumps(head, separators=(",", ":")).encode()
    assert set(head) == {"spec", "engine", "page"}
    floats = sum(array.size for array in exported.model.parameters.values())
    assert len(content) == 4 + size + 4 * floats + (head["spec"]["wasm"] or 0)
    assert [tensor["float32"] for tensor in head["spec"]["tensors"].values()] == [
        4 * array.size for array in exported.model.parameters.values()
    ]


def test_a_long_text_stands_in_lines() -> None:
    assert lines_of("x" * (2 * LINE)) == "x" * 1000 + "\n" + "x" * 1000
    assert plain_title("a\u202eb c\n\u2028d\ud800") == "ab cd"


def test_json_in_a_script_ends_nothing() -> None:
    assert spec_json({"a": "</b>&é", "n": 1}) == '{"a":"\\u003c/b\\u003e\\u0026\\u00e9","n":1}'
    with pytest.raises(ValueError, match="Out of range"):
        spec_json({"a": float("inf")})
    assert [camel_case(name) for name in ("top_k", "n", "no_repeat_ngram_size")] == [
        "topK", "n", "noRepeatNgramSize",
    ]  # fmt: skip


def test_a_module_says_the_options_that_are_not_usual() -> None:
    stored = {"temperature": 0.5, "top_k": 3, "best_of": 2, "logprobs": 1, "echo": True, "top_p": None,
              "samplers": ["top_k", "min_p"]}  # fmt: skip
    attributes = [
        {"name": "kind", "values": ["a", "b"], "counts": [1, 2]},
        {"name": "year", "mean": 1950.0, "deviation": 20.0},
    ]
    told = {"context": {"attributes": attributes}}
    model = replace(model_of("context"), generation_config=stored, data=told)
    spec = web_spec(ModelToExport(model, "a\udcff", "int8", 0.5))
    assert spec["defaults"] == {"temperature": 0.5, "topK": 3, "samplers": ["topK", "minP"]}
    assert (spec["format"], spec["name"], spec["precision"], spec["cost"]) == (1, "a\udcff", "int8", 0.5)
    assert spec["unspool"] == unspool.__version__
    assert (spec["sourceTokenizer"], spec["vectorSize"]) == (None, None)
    assert spec["attributes"] == [
        {"name": "kind", "kind": "category", "values": ["a", "b"]},
        {"name": "year", "kind": "number", "mean": 1950.0, "deviation": 20.0},
    ]
    assert spec["network"]["contextSize"] == model.network.context_size
    assert "dropout" not in spec["network"]


def test_the_facts_beside_the_weights() -> None:
    model = replace(model_of("words"), generation_config={"top_k": 3, "temperature": 1.0})
    facts = facts_of(ModelToExport(model, "a\udcff", "int8", 0.5))
    assert (facts["format_version"], facts["unspool"]) == (1, unspool.__version__)
    assert (facts["precision"], facts["bits_per_character_lost"]) == ("int8", 0.5)
    assert facts["name"].isprintable()
    assert facts["context"] == []
    assert facts["generation"] == {"top_k": 3, "temperature": 1.0, "max_new_tokens": 200}
    assert facts["word_pattern"]
    assert facts_of(ModelToExport(model_of("gru-L1"), "a"))["word_pattern"] is None
    assert len(facts_of(ModelToExport(model_of("context"), "a"))["context"]) == 2
