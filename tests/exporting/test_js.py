"""The ES module of `unspool export --to js`, run by node: it writes and scores as Python does."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.exporting.cases import PAIRS, TEXTS, VECTORS, model_of
from tests.exporting.runners.js import node, run_node
from unspool._exporting.exporters import export
from unspool._exporting.web_model import NOT_IN_A_PAGE, WEB, camel_case, wasm_module
from unspool._generation.options.generation_options import ROWS
from unspool._model.saving import saved
from unspool._text.tokenizers.registry import tokenizer_class

ENGINES = (False, True) if wasm_module() is not None else (False,)
SENTENCE = "the cat sat on the mat while a small dog ran over the hill and the bird sang"
WORDS = SENTENCE.split()
LINES = [" ".join(WORDS[i % 7 : i % 7 + 3 + i % 5]) for i in range(60)]
MEASURED = [
    unspool.Record(text, context={"kind": f"k{i % 2}", "size": f"{i * 1.37 - 20:.2f}"})
    for i, text in enumerate(LINES)
]
SEEDS = 1000
EQUAL = 999  # of them: float32 is not added in the same order, and one draw in many thousands may tell

WRITE = """
  const options = Object.fromEntries(asked.options);
  if (options.logitBias) options.logitBias = new Map(options.logitBias);
  results.push(model.writer(asked.requests, options).run());
"""


@cache
def trained(kind: str) -> unspool.Generator:
    """Train a small model once for all tests."""
    texts, options = {
        "lines": (LINES, {}),
        "words": (LINES, {"tokenizer": "word", "max_vocab_size": 12}),
        "bytes": (TEXTS, {"tokenizer": "bytes"}),
        "labels": (MEASURED, {}),
        "vectors": (VECTORS, {}),
        "pairs": (PAIRS, {}),
    }[kind]
    sizes: dict[str, Any] = {"hidden_size": 24, "epochs": 12, "batch_size": 4, "seed": 2}
    return unspool.train(texts, progress=False, **sizes, **options)


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Return the folder of the module of each model that was asked for."""
    folder = tmp_path_factory.mktemp("modules")

    class Exported(dict[str, Path]):
        def __missing__(self, kind: str) -> Path:
            self[kind] = export(saved(trained(kind)), "js", folder / kind)[0]
            return self[kind]

    return Exported()


def as_javascript(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return options as the module takes them."""
    plain = {camel_case(name): value for name, value in options.items()}
    if plain.get("samplers"):
        plain["samplers"] = [camel_case(name) for name in plain["samplers"]]
    if plain.get("logitBias"):  # JSON has no minus infinity
        plain["logitBias"] = [[key, max(value, -1e6)] for key, value in plain["logitBias"].items()]
    return list(plain.items())


def written(path: Path, requests: Any, options: Mapping[str, Any], wasm: tuple[bool, ...] = ENGINES) -> Any:
    """Return the texts that a module writes, for each engine."""
    return node(path, {"requests": requests, "options": as_javascript(options)}, WRITE, wasm)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_seed_gives_the_same_texts_as_in_python(temperature: float, modules: Mapping[str, Path]) -> None:
    options: dict[str, Any] = {"seed": 2**64 - 5, "temperature": temperature, "max_new_tokens": 40}
    wanted = trained("lines").generate("the ", n=SEEDS, **options)
    for texts in written(modules["lines"], [{"prompt": "the "}] * SEEDS, options | {"seed": str(2**64 - 5)}):
        same = [
            (text["text"], text["ids"], text["finishReason"])
            == (one.text, one.ids.tolist(), one.finish_reason)
            for text, one in zip(texts, wanted, strict=True)
        ]
        assert sum(same) >= EQUAL
        for text, one, equal in zip(texts, wanted, same, strict=True):
            if equal:
                np.testing.assert_allclose(text["logprobs"], one.token_logprobs, rtol=0, atol=1e-4)
    assert len({one.text for one in wanted}) > SEEDS / 4


TOGETHER: list[dict[str, Any]] = [
    {"stop": ["at", "t "], "min_tokens": 9},
    {"stop": ["aa", "ss", "tt", "  "], "min_tokens": 12, "temperature": 4.0, "ignore_eos": True},
    {"stop": "   ", "min_tokens": 10, "logit_bias": {1: 50.0}},  # spaces alone: it ends after 12
    {"bad_words": ["at ", "the", "o"]},
    {"dry_multiplier": 2.0, "dry_allowed_length": 1, "dry_sequence_breakers": ["at"]},
    {"dry_multiplier": 5.0, "dry_allowed_length": 1, "dry_sequence_breakers": [" "]},
    {"temperature": [0.5, 1.5], "top_k": 6, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.3,
     "presence_penalty": 0.2, "frequency_penalty": 0.1, "penalty_last_n": 5},
]  # fmt: skip
EVERY_OPTION = """
  results.push(asked.several.map((pairs) => {
    const options = Object.fromEntries(pairs);
    if (options.logitBias) options.logitBias = new Map(options.logitBias);
    return model.writer(Array(asked.count).fill({ prompt: "the cat" }), options).run();
  }));
"""


@pytest.mark.parametrize("kind", ["lines", "words"])
def test_every_option_does_what_it_does_in_python(kind: str, modules: Mapping[str, Path]) -> None:
    usual = {"seed": 3, "max_new_tokens": 25, "temperature": 1.0}  # a module has the defaults of its model
    rows = {name: row for name, row in ROWS.items() if name not in (*NOT_IN_A_PAGE, "seed")}
    options: dict[str, Any] = {
        name: {**usual, **(row.beside or {}), name: row.sample} for name, row in rows.items()
    } | {f"together {number}": {**usual, **several} for number, several in enumerate(TOGETHER)}
    asked = {"several": [as_javascript(one) for one in options.values()], "count": 40}
    for several in node(modules[kind], asked, EVERY_OPTION, ENGINES):
        for name, texts in zip(options, several, strict=True):
            wanted = trained(kind).generate("the cat", n=40, **options[name])
            got = [(text["text"], text["finishReason"], text["stopReason"]) for text in texts]
            expected = [(one.text, one.finish_reason, one.stop_reason) for one in wanted]
            same = [a == b for a, b in zip(got, expected, strict=True)]
            assert sum(same) >= 39, (name, got[:3], expected[:3])


def test_the_options_are_those_of_python() -> None:
    types = (Path(unspool.__file__).parent / "_exporting" / "web" / "engine.d.ts").read_text("utf-8")
    body = types.split("export interface Options {")[1].split("\n}")[0]
    names = {line.split("?:")[0].strip() for line in body.splitlines() if "?:" in line}
    assert names == {camel_case(name) for name in ROWS if name not in NOT_IN_A_PAGE} | {
        "index", "context", "source", "vector"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("labels", {"context": {"kind": "k1", "size": "-3.5"}}),
        ("labels", {"context": {"size": " 1_0.5e1 "}}),
        ("vectors", {"vector": [0.5, -1.0, 2.0]}),
        ("pairs", {"source": TEXTS[0]}),
    ],
)
def test_what_is_known_of_a_text_is_used_as_in_python(
    kind: str, known: dict[str, Any], modules: Mapping[str, Path]
) -> None:
    options: dict[str, Any] = {"seed": 1, "max_new_tokens": 30, "temperature": 1.0}
    model = trained(kind).conditioned_on(**known)
    wanted = model.generate("", n=40, **options)
    for texts in written(modules[kind], [known] * 40, options):
        same = [text["text"] == one.text for text, one in zip(texts, wanted, strict=True)]
        assert sum(same) >= 39
    run = "results.push([model.nextSymbols('an', {top: 5, ...asked}), model.score('sand', asked)]);"
    for following, scores in node(modules[kind], known, run, ENGINES):
        named = [(one["symbol"], one["probability"]) for one in following]
        for (symbol, chance), (other, expected) in zip(named, model.next_symbols("an", top=5), strict=True):
            assert symbol == other
            assert chance == pytest.approx(expected, abs=1e-5)
        bits = -model.score(["sand"])[0].token_logprobs / np.log(2)
        np.testing.assert_allclose([one["bits"] for one in scores], bits, rtol=0, atol=1e-4)
        assert [one["text"] for one in scores] == [*"sand", ""]
        assert scores[-1]["symbol"] == "<eos>"


STREAM = """
  const all = [];
  for (const [prompt, options] of asked.several) {
    const pieces = [], stream = model.stream(prompt, options);
    let step = stream.next();
    for (; !step.done; step = stream.next()) pieces.push(step.value);
    all.push({ pieces, result: step.value, whole: model.generate(prompt, options) });
  }
  results.push(all);
"""


@pytest.mark.parametrize("kind", ["lines", "words", "bytes"])
def test_the_pieces_of_a_stream_are_its_text(kind: str, modules: Mapping[str, Path]) -> None:
    several = [
        [
            "",
            {
                "seed": seed,
                "maxNewTokens": 40,
                "temperature": 1.5,
                "stop": stop,
                "includeStop": seed % 2 == 0,
            },
        ]
        for seed in range(12)
        for stop in (None, ["t", "the"], ["at", "日"])
    ]
    for texts in node(modules[kind], {"several": several}, STREAM, ENGINES):
        for text, (_, options) in zip(texts, several, strict=True):
            assert "".join(piece["piece"] for piece in text["pieces"]) == text["result"]["continuation"]
            assert text["result"] == text["whole"]
            named = {"seed": options["seed"], "stop": options["stop"], "include_stop": options["includeStop"]}
            (one,) = trained(kind).generate("", temperature=1.5, max_new_tokens=40, **named)
            assert (text["result"]["text"], text["result"]["stopReason"]) == (one.text, one.stop_reason)


def test_texts_side_by_side_are_those_written_alone(modules: Mapping[str, Path]) -> None:
    run = """
      const writer = model.writer(40, { seed: 5, maxNewTokens: 30 }), pieces = Array(40).fill("");
      while (!writer.done) for (const { text, piece } of writer.advance(3)) pieces[text] += piece;
      const alone = pieces.map((_, index) => model.generate("", { seed: 5, index, maxNewTokens: 30 }));
      results.push([pieces, writer.results, alone]);
    """
    for pieces, together, alone in node(modules["lines"], {}, run, ENGINES):
        assert together == alone
        assert pieces == [text["continuation"] for text in alone]


HOSTILE = [
    "don't stop", "rock’n’roll l’", "naïve e\u0301t\u0301", "日本語 kana カナ",
    "👍🏽👩‍👩‍👧 🇩🇪🇫🇷🇩", "a\u200db \u0300x",
    "x" * 150, "a'" * 80, "tab\there\r\n\x1c\x85\u2028\ufeffz", "٣٤ ² Ⅷ _a1", "ไทย ລາວ", "(a) — “b”",
    "🏴\U000e0067\U000e0062\U000e007f!",
    "e" + "\u0301" * 80, "\u0301", "", "𝒜𝒷 𠀀𠀁",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["char", "word", "bytes", "bpe", "code", r"regex:[^\W\d]+|\d.|👩.."])
@pytest.mark.parametrize("normalization", ["NFC", "NFKD", None])
def test_a_text_has_the_ids_that_it_has_in_python(kind: str, normalization: Any, tmp_path: Path) -> None:
    texts = [*HOSTILE, *TEXTS]
    tokenizer = tokenizer_class(kind).fit(texts, normalization=normalization)
    model = model_of("gru-L1")
    network = replace(model.network, vocab_size=tokenizer.vocab_size)
    from unspool._network.parameters import initialize

    other = replace(model, network=network, tokenizer=tokenizer, parameters=initialize(network, 1))
    path = export(other, "js", tmp_path / "x")[0]
    run = """
      const ids = asked.texts.map((text) => model.tokenizer.encode(text));
      results.push([ids, ids.map((one) => model.tokenizer.decode(one)), model.symbols]);
    """
    ((ids, decoded, symbols),) = node(path, {"texts": texts}, run)
    wanted = [tokenizer.encode(text).tolist() for text in texts]
    assert ids == wanted
    assert decoded == [tokenizer.decode(one) for one in wanted]
    assert symbols == [None, *tokenizer.symbols, None]


def test_bytes_that_are_no_character_are_decoded_as_in_python(modules: Mapping[str, Path]) -> None:
    random = np.random.default_rng(1)
    several = [
        random.choice([66, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0xEF, 0xBB, 0xBF, 0xC0], 9).tolist()
        for _ in range(60)
    ]
    run = "results.push(asked.ids.map((ids) => model.tokenizer.decode(ids.map((byte) => byte + 1))));"
    (texts,) = node(modules["bytes"], {"ids": several}, run)
    assert texts == [bytes(one).decode("utf-8", "replace") for one in several]


ERRORS = """
  const all = [];
  for (const [method, ...rest] of asked.calls) {
    try { model[method](...rest); all.push("nothing"); } catch (error) { all.push(error.message); }
  }
  results.push(all);
"""


def test_a_wrong_value_is_refused_in_words(modules: Mapping[str, Path]) -> None:
    calls = {
        'unknown symbol "é" (U+00E9) at character 3: expected one of': ["generate", "caé"],
        "temperature: expected a number ≥ 0": ["generate", "", {"temperature": -1}],
        "topP: expected a number in (0, 1], got 0": ["generate", "", {"topP": 0}],
        "topK: expected a whole number ≥ 1, got 0.5": ["generate", "", {"topK": 0.5}],
        "unknown option top_k: expected one of temperature, ": ["generate", "", {"top_k": 1}],
        "seed: expected a whole number from 0": ["generate", "", {"seed": -1}],
        "samplers: expected topK too": ["generate", "", {"samplers": ["temperature"], "topK": 2}],
        "minTokens: expected at most maxNewTokens (3), got 4":
            ["generate", "", {"minTokens": 4, "maxNewTokens": 3}],
        "context kind: expected none: the model knows no context":
            ["generate", "", {"context": {"kind": "a"}}],
        "source: the model was trained without sources": ["score", "a", {"source": "b"}],
        "vector: expected none": ["generate", "", {"vector": [1]}],
        "logitBias: expected single symbols": ["generate", "", {"logitBias": {"cat": 1}}],
        "expected a text, got number": ["score", 3],
    }  # fmt: skip
    (messages,) = node(modules["lines"], {"calls": list(calls.values())}, ERRORS)
    for message, expected in zip(messages, calls, strict=True):
        assert message.startswith(expected)
    wrong = [["generate", "", {"context": {"kind": "x"}}], ["generate", "", {"context": {"size": "0x1"}}]]
    (messages,) = node(
        modules["labels"], {"calls": [*wrong, ["generate", "", {"context": {"no": 1}}]]}, ERRORS
    )
    assert messages[0].startswith("context kind: expected one of k0, k1")
    assert messages[1] == 'context size: expected a number, got "0x1"'
    assert messages[2].startswith("context no: expected one of kind, size")
    (messages,) = node(modules["pairs"], {"calls": [["generate", ""]]}, ERRORS)
    assert messages == ["source: expected a text, which the model answers"]


def test_a_symbol_that_is_unknown_is_read_as_unk_where_there_is_one(modules: Mapping[str, Path]) -> None:
    run = "results.push([model.tokenizer.encode(asked.text), model.score(asked.text)]);"
    ((ids, scores),) = node(modules["words"], {"text": "the zebra"}, run)
    assert ids == trained("words").tokenizer.encode("the zebra", unknown="replace").tolist()
    assert [one["symbol"] for one in scores] == ["the", " ", "<unk>", "<eos>"]


def test_the_folder_runs_alone(modules: Mapping[str, Path]) -> None:
    path = modules["lines"]
    assert {file.name for file in path.iterdir()} == {"model.js", "model.d.ts", "example.mjs", "package.json"}
    run = """
      const { model: own } = await import(asked.module);
      const { name, precision, cost, unspool, defaults, vectorSize, takesSource, attributes } = own;
      results.push([name, precision, cost, unspool, defaults, vectorSize, takesSource, attributes]);
    """
    ((name, precision, cost, version, defaults, *known),) = node(
        path, {"module": (path / "model.js").resolve().as_uri()}, run
    )
    assert (name, precision, cost, version) == ("model", "float32", None, unspool.__version__)
    usual = trained("lines")
    assert defaults == dict(as_javascript(_changed(usual)))
    assert known == [None, False, []]


def _changed(model: unspool.Generator) -> dict[str, Any]:
    """Return the default options of a model that are not the usual ones."""
    usual = unspool.GenerationOptions()
    options = saved(model).generation_config
    return {name: value for name, value in options.items() if value != getattr(usual, name)}


def test_the_types_declare_what_the_module_exports(modules: Mapping[str, Path]) -> None:
    run = "results.push(Object.keys(await import(asked.module)));"
    path = modules["lines"]
    (names,) = node(path, {"module": (path / "model.js").resolve().as_uri()}, run)
    types = (path / "model.d.ts").read_text("utf-8")
    declared = re.findall(r"^export declare (?:class|const|function) (\w+)", types, re.MULTILINE)
    assert sorted(names) == sorted(declared)


def test_what_comes_from_a_model_stays_data(tmp_path: Path) -> None:
    name = "</script><!--\u202e'\"`${1}\\\u2028"
    path = export(model_of("context"), "js", tmp_path / "x", name=name)[0]
    module = (path / "model.js").read_text("utf-8")
    spec = next(line for line in module.splitlines() if line.startswith("const spec = "))
    assert spec.isascii()
    assert "<" not in spec
    assert "</script" not in module
    assert "<!--" not in module
    ((got, symbols),) = node(path, {}, "results.push([model.name, model.symbols]);")
    assert got == name
    assert symbols == [None, *model_of("context").tokenizer.symbols, None]


def test_the_options_of_a_model_are_used_unless_others_are_given(tmp_path: Path) -> None:
    config = {"temperature": 0.0, "top_k": 2, "samplers": ["top_k", "temperature"], "seed": None}
    path = export(replace(model_of("gru-L1"), generation_config=config), "js", tmp_path / "x")[0]
    run = """
      const text = (options) => model.generate("", { maxNewTokens: 20, ...options }).text;
      const usual = text({}), others = [1, 2, 3].map((seed) => text({ seed }));
      const free = [1, 2, 3].map((seed) => text({ seed, temperature: 1, topK: null }));
      const same = (texts) => texts.every((one) => one === usual);
      results.push([model.defaults, same(others), same(free)]);
    """
    (result,) = node(path, {}, run)
    assert result == [{"temperature": 0, "topK": 2, "samplers": ["topK", "temperature"]}, True, False]


def test_the_exponential_is_that_of_the_language() -> None:
    program = f"""
      import {{ exponential }} from {json.dumps((WEB / "kernel.js").as_uri())};
      const numbers = Array.from({{ length: 20001 }}, (_, i) => (i - 10000) * 0.0699);
      const worst = Math.max(...numbers.map((x) => Math.abs(exponential(x) / Math.exp(x) - 1)));
      const [least, most, none] = [-Infinity, Infinity, NaN].map(exponential);
      console.log(JSON.stringify([worst, least < 1e-300, most > 1e300, Number.isNaN(none)]));
    """
    worst, *ends = json.loads(run_node(program))
    assert worst < 1e-12
    assert ends == [True, True, True]


def test_json_has_no_infinity(modules: Mapping[str, Path]) -> None:
    """A symbol that is forbidden is given as a Map with minus infinity."""
    run = """
      const logitBias = new Map([[2, -Infinity]]);
      results.push(model.generate("", { seed: 1, logitBias, maxNewTokens: 60 }).ids);
    """
    (ids,) = node(modules["lines"], {}, run)
    assert 2 not in ids
    assert json.dumps(ids)
