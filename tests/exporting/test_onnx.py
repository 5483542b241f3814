"""What the exporter "onnx" writes, exact over thousands of steps, small, with examples that run."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import unspool
from tests.exporting.cases import LABELLED, model_of
from tests.exporting.programs import imported, printed
from tests.exporting.runners.onnx import session
from tests.exporting.strangers import generator_of, run_without_unspool
from tests.network.reference import reference_logits
from unspool._artifacts.model_folder import SavedModel
from unspool._engines import make_engine
from unspool._exporting.exporters import export
from unspool._generation.sampling.draw import log_softmax
from unspool._model.saving import saved
from unspool._network.conditions import with_context

onnx = pytest.importorskip("onnx")
STEPS = 10_000


def properties(path: Path) -> dict[str, str]:
    return {one.key: one.value for one in onnx.load(path).metadata_props}


def carried(model: SavedModel, path: Path) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return ten thousand random ids, and what the engine and onnxruntime think of them, step by step."""
    engine = make_engine("cpu", model.network, threads=1)
    ids = np.random.default_rng(2).integers(1, model.tokenizer.eos_id, (STEPS, 1)).astype(np.int32)
    ids[0] = model.tokenizer.eos_id
    logits, _ = engine.logits(model.parameters, ids, engine.initial_state(1))
    step = session(path / "step.onnx")
    L, S, H = model.network.state_shape
    states, rows = [np.zeros((L, 1, H), np.float32)] * S, []
    for token in ids[:, 0]:
        told = dict(zip(("h", "c"), states, strict=False))
        row, *states = step.run(None, {"ids": np.array([token], np.int64), **told})
        rows.append(row[0])
    assert np.isneginf(np.stack(rows)[:, 0]).all()
    return ids, log_softmax(logits[:, 0].astype(np.float64))[:, 1:], np.stack(rows)[:, 1:]


@pytest.mark.parametrize("case", ["lstm-L2", "gru-L2", "gru-reset_before", "residual", "embedding"])
def test_ten_thousand_carried_steps_stay_with_the_engine(case: str, tmp_path: Path) -> None:
    model = model_of(case)
    _, wanted, got = carried(model, export(model, "onnx", tmp_path / "x")[0])
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)


def test_a_network_that_magnifies_roundings_has_those_of_float32_alone(tmp_path: Path) -> None:
    """Nothing damps the state of an RNN: in some places its roundings grow, on whichever side they are."""
    model = model_of("rnn-L1")
    ids, engine, runtime = carried(model, export(model, "onnx", tmp_path / "x")[0])
    parameters = {name: values.astype(np.float64) for name, values in model.parameters.items()}
    L, S, H = model.network.state_shape
    exact = log_softmax(reference_logits(model.network, parameters, ids, np.zeros((L, S, 1, H)))[0][:, 0])
    for logprobs in (engine, runtime):
        errors = np.abs(logprobs - exact[:, 1:]).max(axis=1)
        assert np.median(errors) < 2e-6
        assert errors.max() < 5e-5


def test_texts_side_by_side_with_contexts_and_one_hot_inputs(tmp_path: Path) -> None:
    model = saved(unspool.train(LABELLED, hidden_size=16, epochs=1, num_layers=2, seed=1, progress=False))
    V, H = model.network.symbols, model.network.hidden_size
    assert 4 * H >= V, "inputs are one-hot"
    sequence = session(export(model, "onnx", tmp_path / "x")[0] / "sequence.onnx")
    random = np.random.default_rng(4)
    context = random.normal(0, 1, (3, model.network.context_size or 0)).astype(np.float32)
    ids = random.integers(1, V - 1, (20, 3))
    h, c = (random.normal(0, 0.5, (2, 3, H)).astype(np.float32) for _ in range(2))
    got, next_h, next_c = sequence.run(None, {"ids": ids, "h": h, "c": c, "context": context})
    assert got.shape == (20, 3, V)
    for text, row in enumerate(context):
        parameters, network = with_context(model.parameters, model.network, row)
        engine = make_engine("cpu", network, threads=1)
        state = np.ascontiguousarray(np.stack([h, c], axis=1)[:, :, text : text + 1])
        logits, after = engine.logits(parameters, ids[:, text : text + 1].astype(np.int32), state)
        np.testing.assert_allclose(got[:, text, 1:], log_softmax(logits[:, 0])[:, 1:], rtol=0, atol=1e-5)
        np.testing.assert_allclose(np.stack([next_h, next_c], 1)[:, :, text], after[:, :, 0], atol=1e-5)


def test_a_file_says_all_that_a_program_needs(tmp_path: Path) -> None:
    model = replace(model_of("pairs"), generation_config={"temperature": 0.0, "max_new_tokens": 50})
    path = export(model, "onnx", tmp_path / "x", name="</script>")[0]
    for name in ("step", "sequence", "encoder"):
        said = properties(path / f"{name}.onnx")
        assert said["unspool"] == unspool.__version__
        assert said["name"] == "</script>"
        assert unspool.CharTokenizer.from_json(said["tokenizer"], where="x") == model.tokenizer
        assert unspool.CharTokenizer.from_json(said["source_tokenizer"], where="x") == model.source_tokenizer
        assert int(said["eos_id"]) == model.tokenizer.eos_id
        assert json.loads(said["generation"]) == {"temperature": 0.0, "max_new_tokens": 50}
        assert json.loads((path / "config.json").read_text("utf-8"))["network"] == json.loads(said["network"])
    for file in path.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()
        assert str(Path(unspool.__file__).parents[2]).encode() not in file.read_bytes()


def test_a_name_that_is_no_text_is_spelled(tmp_path: Path) -> None:
    path = export(model_of("rnn-L1"), "onnx", tmp_path / "x", name="a\udcff")[
        0
    ]  # a folder in another encoding
    assert (
        properties(path / "step.onnx")["name"]
        == json.loads((path / "config.json").read_text("utf-8"))["name"]
    )


def test_operators_are_the_standard_ones(tmp_path: Path) -> None:
    for case, kind in (("lstm-L2", "LSTM"), ("gru-reset_before", "GRU"), ("rnn-L1", "RNN")):
        model = onnx.load(export(model_of(case), "onnx", tmp_path / case)[0] / "step.onnx")
        onnx.checker.check_model(model, full_check=True)
        assert {node.domain for node in model.graph.node} == {""}
        assert sum(node.op_type == kind for node in model.graph.node) == model_of(case).network.num_layers


def test_int8_is_a_quarter_of_the_size(tmp_path: Path) -> None:
    texts = ["a text to learn", "another"] * 4
    model = saved(unspool.train(texts, hidden_size=128, epochs=1, seed=1, progress=False))
    exact, small = (
        export(model, "onnx", tmp_path / name, precision=name)[0] / "step.onnx"
        for name in ("float32", "int8")
    )
    assert small.stat().st_size < 0.29 * exact.stat().st_size
    said = properties(small)
    assert said["precision"] == "int8"
    assert abs(float(said["bits_per_character_lost"])) < 0.05


EXAMPLES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("lstm-L2", {}, []),
    ("words", {}, []),
    ("bytes", {}, []),
    ("regex", {}, []),
    ("bpe", {}, []),
    (
        "context",
        {"context": {"kind": "k1", "size": "0.25"}},
        ["--context", "kind=k1", "--context", "size=0.25"],
    ),
    ("vector", {"vector": [0.4, 1.0, -0.5]}, ["--vector", "0.4", "1", "-0.5"]),
    ("learned_start", {}, []),
    ("pairs", {"source": "plain"}, ["--source", "plain"]),
]


@pytest.mark.parametrize(("case", "known", "flags"), EXAMPLES)
def test_the_example_in_python_writes_what_unspool_does(
    case: str, known: dict[str, Any], flags: list[str], tmp_path: Path
) -> None:
    temperature = 1.5 if case == "words" else 0.2  # where texts are long, and depend on what is known
    options = {"temperature": temperature, "max_new_tokens": 40}
    path = export(replace(model_of(case), generation_config=options), "onnx", tmp_path / "x")[0]
    written = printed(imported(path / "example.py", "onnx_examples/example.py"), "--seed", "0", *flags)
    generator = generator_of(model_of(case))
    generator = generator.conditioned_on(**known) if known else generator
    (text,) = generator.generate(seed=0, temperature=temperature, max_new_tokens=40)
    assert written == f"{text}\n"
    assert len(text.text) > 15


def test_the_example_in_python_needs_no_unspool(tmp_path: Path) -> None:
    path = export(model_of("lstm-L2"), "onnx", tmp_path / "x")[0]
    written = run_without_unspool(path / "example.py", "na", "--seed", "3", "--temperature", "0.5")
    (text,) = generator_of(model_of("lstm-L2")).generate("na", seed=3, temperature=0.5, max_new_tokens=200)
    assert written == f"{text}\n"
    error = run_without_unspool(path / "example.py", "Ω", code=2)
    assert error == "example.py: error: the model does not know the symbol 'Ω'"


def test_the_example_in_javascript_draws_alike(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    path = export(model_of("words"), "onnx", tmp_path / "x")[0]
    stub = path / "node_modules" / "onnxruntime-web"  # the runtime itself is not needed for this
    stub.mkdir(parents=True)
    (stub / "package.json").write_text('{"name": "onnxruntime-web", "type": "module", "main": "index.js"}')
    (stub / "index.js").write_text("")
    program = """
        import { readFileSync } from "node:fs";
        import { decode, draw, encode, randomBits } from "./example.mjs";
        const tokenizer = JSON.parse(readFileSync("tokenizer.json", "utf-8"));
        const ids = encode(tokenizer, '"> new words');
        const scores = Float32Array.from([-Infinity, -1, -2, -0.5, -3]);
        const drawn = [0, 0.2, 0.5, 0.8, 0.999].map((uniform) => draw(scores, 0.7, uniform));
        const bits = String(randomBits(2n ** 64n - 1n, 3));
        console.log(JSON.stringify([ids, decode(tokenizer, ids), drawn, draw(scores, 0, 0.9), bits]));
    """
    command = [node, "--input-type=module", "-e", program]
    done = subprocess.run(command, cwd=path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    ids, text, drawn, best, bits = json.loads(done.stdout)
    assert ids == model_of("words").tokenizer.encode('"> new words', unknown="replace").tolist()
    assert text == '"> <unk> <unk>'
    weights = np.exp(np.array([-1, -2, -0.5, -3]) / 0.7)
    running = np.cumsum(weights) / weights.sum()
    assert drawn == [1 + int(np.searchsorted(running, uniform)) for uniform in (1e-9, 0.2, 0.5, 0.8, 0.999)]
    assert best == 3
    mixed = (2**64 - 1 + 4 * 0x9E3779B97F4A7C15) % 2**64
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
    assert int(bits) == mixed ^ mixed >> 31
