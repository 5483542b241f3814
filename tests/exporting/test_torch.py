"""What the exporter "torch" writes, as its user meets it: the same texts, without unspool, and its files."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import unspool
from tests.exporting.cases import model_of
from tests.exporting.programs import imported, printed
from tests.exporting.runners.torch import load
from tests.exporting.strangers import generator_of, run_without_unspool
from unspool._exporting.exporters import export
from unspool._exporting.torch import torch_tensors


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("lstm-L2", {}),
        ("gru-reset_before", {"prompt": "na"}),
        ("residual", {"temperature": 0.5, "top_k": 5}),
        ("embedding", {"top_p": 0.7, "min_p": 0.1}),
        ("words", {"prompt": '"> '}),
        ("bytes", {"temperature": 0.4}),
        ("regex", {"prompt": "plain "}),
        ("bpe", {"prompt": "plain \u20ac"}),
        ("context", {"context": {"kind": "k1", "size": 0.25}}),
        ("vector", {"vector": [0.4, 1.0, -0.5]}),
        ("pairs", {"source": "plain", "temperature": 0.9}),
        ("tied_output", {"temperature": 0.0}),
    ],
)
def test_a_seed_gives_the_text_that_it_gives_in_unspool(
    case: str, told: dict[str, Any], tmp_path: Path
) -> None:
    model = model_of(case)
    known = {name: told[name] for name in ("context", "vector", "source") if name in told}
    asked = {"temperature": 1.0} | {name: value for name, value in told.items() if name not in known}
    generator = generator_of(model)
    generator = generator.conditioned_on(**known) if known else generator
    prompt = asked.pop("prompt", "")
    wanted = generator.generate(prompt, n=20, seed=7, max_new_tokens=30, **asked)
    written = load(export(model, "torch", tmp_path / "x")[0])
    got = written.generate(prompt, n=20, seed=7, max_new_tokens=30, **asked, **known)
    assert got == [str(text) for text in wanted]
    assert len(set(got)) > 1 or asked["temperature"] == 0


def test_it_runs_where_there_is_no_unspool(tmp_path: Path) -> None:
    path = export(model_of("lstm-L1"), "torch", tmp_path / "x")[0]
    written = run_without_unspool(path / "model.py", "na", "--seed=3", "--max-new-tokens=9", "--n=2")
    wanted = generator_of(model_of("lstm-L1")).generate("na", n=2, seed=3, max_new_tokens=9, temperature=0.8)
    assert written == "".join(f"{text}\n" for text in wanted)
    error = run_without_unspool(path / "model.py", "Ω", code=2)
    assert error == "model.py: error: the model does not know the symbol 'Ω'"


@pytest.mark.parametrize(("precision", "kind", "most"), [("float16", "float16", 0.55), ("int8", "int8", 0.4)])
def test_a_smaller_precision_is_kept_in_the_file(
    precision: str, kind: str, most: float, tmp_path: Path
) -> None:
    model = model_of("gru-L2")
    exact, small = (
        export(model, "torch", tmp_path / name, precision=name)[0] for name in ("float32", precision)
    )
    tensors = load_file(small / "model.safetensors")
    assert {
        array.dtype.name for name, array in tensors.items() if "weight" in name and "scale" not in name
    } == {kind}
    sizes = [
        sum(array.nbytes for array in load_file(path / "model.safetensors").values())
        for path in (exact, small)
    ]
    assert sizes[1] < most * sizes[0]
    facts = json.loads((small / "config.json").read_text())
    assert facts["precision"] == precision
    assert isinstance(facts["bits_per_character_lost"], float)


def test_the_tensors_are_those_that_the_header_describes() -> None:
    model = model_of("gru-L2")
    network, H = model.network, model.network.hidden_size
    tensors = torch_tensors(network, model.parameters, "float32")
    z, r, n = np.split(model.parameters["layers.1.recurrent_kernel"], 3, axis=1)
    np.testing.assert_array_equal(tensors["rnn.weight_hh_l1"], np.concatenate([r.T, z.T, n.T]))
    bias = tensors["rnn.bias_hh_l1"]
    np.testing.assert_array_equal(bias[: 2 * H], 0)
    np.testing.assert_array_equal(bias[2 * H :], model.parameters["layers.1.recurrent_bias"])
    np.testing.assert_array_equal(tensors["output.weight"].T, model.parameters["output.kernel"])


def test_the_folder_says_what_it_is_and_not_where_it_was_made(tmp_path: Path) -> None:
    model = replace(model_of("context"), generation_config={"temperature": 0.7, "top_k": 4, "stop": ["x"]})
    path = export(model, "torch", tmp_path / "x", name='a "name"')[0]
    facts = json.loads((path / "config.json").read_text("utf-8"))
    assert facts["unspool"] == unspool.__version__
    assert facts["name"] == 'a "name"'
    assert facts["generation"] == {"temperature": 0.7, "top_k": 4, "stop": ["x"], "max_new_tokens": 200}
    assert [one["name"] for one in facts["context"]] == ["kind", "size"]
    assert unspool.CharTokenizer.from_json((path / "tokenizer.json").read_text("utf-8"), where="x") == (
        model.tokenizer
    )
    for file in path.iterdir():
        assert str(Path.cwd()).encode() not in file.read_bytes()
        assert str(tmp_path).encode() not in file.read_bytes()
    with pytest.warns(UserWarning, match=r"does not know stop"):
        load(path).generate(max_new_tokens=2)


def test_what_it_does_not_know_is_an_error_in_words(tmp_path: Path) -> None:
    chars, context, pairs = (
        load(export(model_of(case), "torch", tmp_path / case)[0]) for case in ("lstm-L1", "context", "pairs")
    )
    with pytest.raises(ValueError, match="does not know the symbol 'Ω'"):
        chars.generate("Ω")
    with pytest.raises(ValueError, match="no context 'x', only kind, size"):
        context.generate(context={"x": 1})
    with pytest.raises(ValueError, match="'kind' is one of k0, k1, not 'k7'"):
        context.generate(context={"kind": "k7"})
    with pytest.raises(ValueError, match="needs a source"):
        pairs.generate()


def test_a_number_of_the_context_is_standardized(tmp_path: Path) -> None:
    attributes = [
        {"name": "year", "mean": 1950.0, "deviation": 20.0},
        {"name": "k", "values": ["a"], "counts": [1]},
    ]
    model = replace(model_of("context"), data={"context": {"attributes": attributes}})
    written = load(export(model, "torch", tmp_path / "x")[0])
    assert written.context_row({"year": 1990, "k": "a"}).tolist() == [2, 1, 1]
    assert written.context_row({"year": " 1940 "}).tolist() == [-0.5, 1, 0]
    assert written.context_row({}).tolist() == [0, 0, 0]


def test_of_several_temperatures_the_last_is_taken_with_a_warning(tmp_path: Path) -> None:
    model = replace(model_of("rnn-L1"), generation_config={"temperature": [0.2, 1.0], "max_new_tokens": 9})
    written = load(export(model, "torch", tmp_path / "x")[0])
    with pytest.warns(UserWarning, match="the last of several temperatures"):
        text = written.generate(seed=1)
    with warnings.catch_warnings(action="error"):
        assert written.generate(seed=1, temperature=1.0) == text


@pytest.mark.parametrize(
    ("case", "words", "known", "options"),
    [
        ("lstm-L1", ["na", "--n=3", "--temperature", "0.9", "--top-k", "5"], {},
         {"n": 3, "temperature": 0.9, "top_k": 5}),
        ("lstm-L1", ["--top-p", "0.6", "--min-p", "0.05", "--temperature", "1.2"], {},
         {"temperature": 1.2, "top_p": 0.6, "min_p": 0.05}),
        ("context", ["--context", "kind=k1", "--context", "size=0.25"],
         {"context": {"kind": "k1", "size": 0.25}}, {"temperature": 0.8}),
        ("vector", ["--vector", "0.4", "1", "-0.5"], {"vector": [0.4, 1.0, -0.5]}, {"temperature": 0.8}),
        ("pairs", ["--source", "plain", "--temperature", "0.9"], {"source": "plain"}, {"temperature": 0.9}),
        ("learned_start", ["--n", "2"], {}, {"n": 2, "temperature": 0.8}),
    ],
)  # fmt: skip
def test_its_command_line_says_all_that_it_can_be_told(
    case: str, words: list[str], known: dict[str, Any], options: dict[str, Any], tmp_path: Path
) -> None:
    program = imported(export(model_of(case), "torch", tmp_path / "x")[0] / "model.py", "torch_model.py")
    prompt = "na" if "na" in words else ""
    written = printed(program, *words, "--seed", "11", "--max-new-tokens", "25")
    generator = generator_of(model_of(case))
    generator = generator.conditioned_on(**known) if known else generator
    wanted = generator.generate(prompt, seed=11, max_new_tokens=25, **options)
    assert written == "".join(f"{text}\n" for text in wanted)
    assert len(written) > 8


def test_the_seed_of_a_text_is_drawn_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = load(export(model_of("lstm-L1"), "torch", tmp_path / "x")[0])
    asked: list[int] = []

    def randbits(bits: int) -> int:
        asked.append(bits)
        return 5

    monkeypatch.setattr("secrets.randbits", randbits)
    assert written.generate(max_new_tokens=9) == written.generate(max_new_tokens=9, seed=5)
    assert asked == [64]


def test_what_is_unknown_is_drawn_only_where_that_is_allowed(tmp_path: Path) -> None:
    path = export(model_of("words"), "torch", tmp_path / "x")[0]
    written = load(path)
    texts = written.generate(n=30, seed=1, temperature=1.5, max_new_tokens=20)
    assert not any("<unk>" in text for text in texts)
    allowed = written.generate(n=30, seed=1, temperature=1.5, max_new_tokens=20, allow_unk=True)
    assert any("<unk>" in text for text in allowed)
    wanted = generator_of(model_of("words")).generate(
        n=30, seed=1, temperature=1.5, max_new_tokens=20, allow_unk=True
    )
    assert allowed == [str(text) for text in wanted]
    assert written.tokenizer.decode([0, 1, written.tokenizer.unk_id, written.tokenizer.eos_id]) == (
        model_of("words").tokenizer.symbols[0] + "<unk>"
    )
