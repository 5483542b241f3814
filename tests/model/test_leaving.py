"""What a model says of itself when it is saved, pushed or told something: headers, cards, paths, data."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._artifacts.kept_precision import Quantization
from unspool._errors import ArtifactError, ConfigError
from unspool._model import conditioning
from unspool._model.conditioning import row_and_start, start_states
from unspool._model.publishing import _header, _index, _refuse_paths, _with_header
from unspool._model.saving import _card
from unspool._network.parameters import initialize
from unspool._training.config import TrainingConfig

yaml = pytest.importorskip("yaml")
TOKENIZER = unspool.CharTokenizer(["a", "b"])
NETWORK = unspool.NetworkConfig(cell="gru", hidden_size=3, num_layers=2, vocab_size=4)
PLACE: Any = SimpleNamespace(repo="somebody/names")
BEST = {"kind": "evaluation", "best": True, "bits_per_character": 1.23456}
LATER = {"kind": "evaluation", "best": False, "bits_per_character": 9.0}


def model(**changes: Any) -> unspool.Generator:
    parameters = initialize(NETWORK, 0)
    return unspool.Generator(
        network=NETWORK, tokenizer=TOKENIZER, parameters=parameters, threads=1, **changes
    )


def header(history: list[Any], *, named: tuple[Any, Any] = (None, None), **changes: Any) -> Any:
    licence, language = named
    return _header(model(**changes), history, PLACE, license=licence, language=language)


def test_a_header_says_what_is_known() -> None:
    bare = {"library_name": "unspool", "pipeline_tag": "text-generation",
            "tags": ["unspool", "char-rnn", "text-generation", "gru", "char"]}  # fmt: skip
    assert header([]) == header([LATER]) == header([{"kind": "evaluation", "best": True}]) == bare
    named = header([], named=("mit", "en"))
    assert list(named) == ["license", "language", *bare]
    assert (named["license"], named["language"]) == ("mit", ["en"])
    measured = header([{**BEST, "bits_per_character": 5.0}, BEST, LATER])
    assert measured["metrics"] == ["bits_per_character"]
    [index] = measured["model-index"]
    assert index == _index(model(), PLACE, 1.23456)


def test_an_index_has_the_figure_and_the_texts() -> None:
    rounded = Quantization("int8", 0.1, "its own texts")
    index = _index(model(data={"description": "names.txt"}, quantization=rounded), PLACE, 1.23456)
    assert index["name"] == "names"
    [result] = index["results"]
    assert result == {
        "task": {"type": "text-generation", "name": "Text Generation"},
        "dataset": {"type": "text", "name": "names.txt"},
        "metrics": [{
            "type": "bits_per_character", "value": 1.2346,
            "name": "bits per character, on held-out texts, before its parameters were rounded to int8",
        }],
    }  # fmt: skip
    [plain] = _index(model(), PLACE, 2.0)["results"]
    assert plain["dataset"]["name"] == "texts"
    assert plain["metrics"][0]["name"] == "bits per character, on held-out texts"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_header_that_was_there_stays_but_for_what_is_asked_for(end: str) -> None:
    text = end.join(["---", "license: mit", "tags: [mine]", "---", "", "# Text", "---", "more"])
    found = _with_header(text, {"license": "apache-2.0", "tags": ["x"], "library_name": "unspool"})
    assert found.startswith("---\n")
    _, head, body = found.split("---\n", 2)
    assert yaml.safe_load(head) == {"license": "apache-2.0", "tags": ["mine"], "library_name": "unspool"}
    assert body.startswith("\n# Text")
    assert body.endswith("more")
    fresh = _with_header("\n\n# Text — é", {"language": ["é"], "library_name": "unspool"})
    assert fresh == "---\nlanguage:\n- é\nlibrary_name: unspool\n---\n\n# Text — é"
    assert yaml.safe_load(_with_header("---\n---\n# A", {"a": 1}).split("---\n")[1]) == {"a": 1}
    with pytest.raises(ArtifactError) as caught:
        _with_header("---\nabc\n---\n# A", {})
    assert str(caught.value) == "the header of README.md: expected YAML, got abc; mend it"


@pytest.mark.parametrize("end", ["/", "\\", '"', "'", "`"])
@pytest.mark.parametrize("which", ["home", "beside", "here"])
def test_a_path_of_this_machine_does_not_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, end: str
) -> None:
    places = {name: tmp_path / f"é {name}" for name in ("home", "beside", "here")}
    for place in places.values():
        place.mkdir()
    monkeypatch.setattr(Path, "home", lambda: places["home"])
    monkeypatch.chdir(places["here"])
    folder = places["beside"] / "run"
    for name in ("README.md", "config.json", "generation_config.json", "metrics.jsonl"):
        with pytest.raises(ArtifactError) as caught:
            _refuse_paths({name: f"see {places[which]}{end}".encode()}, folder)
        assert str(caught.value) == (
            f"{folder / name} says where it was made: expected no path of this machine, got {places[which]}; "
            "take the path out of it"
        )
    spelled = str(places[which]).replace("é", "\\u00e9")
    with pytest.raises(ArtifactError):
        _refuse_paths({"config.json": f"{spelled}{end}".encode()}, folder)
    _refuse_paths(
        {"README.md": f"{places[which]}x".encode(), "tokenizer.json": f"{places[which]}/".encode()}, folder
    )


def test_short_places_are_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: Path("/root"))
    monkeypatch.setattr(Path, "cwd", lambda: Path("/data"))
    _refuse_paths({"README.md": b"/data/x and / alone"}, Path("/runs/one"))
    with pytest.raises(ArtifactError, match="got /root"):
        _refuse_paths({"README.md": b"/root/x"}, Path("/runs/one"))


def test_a_model_without_a_history_has_a_short_card() -> None:
    count = f"{model().num_parameters:,}"
    head = (
        f"# my &lt;model>\n\nA text generator: 2 × gru of 3 units, 4 symbols (char), {count} parameters.\n\n"
    )
    command = "```\nunspool sample 'my <model>'\n```\n"
    assert _card(model(), "my <model>", []) == _card(model(), "my <model>", [LATER]) == head + command
    rounded = model(quantization=Quantization("int8", 0.00123, "names.txt"))
    kept = "Its parameters are kept in int8, 0.0012 bits per character lost on names.txt.\n\n"
    assert _card(rounded, "my <model>", []) == head + kept + command
    evaluation = {
        "kind": "evaluation", "step": 3, "epoch": 1, "training_loss": 1.0, "training_bits_per_character": 2.0,
        "loss": None, "bits_per_character": None, "perplexity": None, "seconds": 0.4,
    }  # fmt: skip
    training = {"epochs": 2, "learning_rate": 0.0125}
    data = {"description": "/somewhere/names.txt", "records": {"source": "/somewhere/names.txt"}}
    whole = _card(
        model(training=training, data=data),
        "m",
        [{**evaluation, "best": True}, {**evaluation, "best": False}],
    )
    assert "trained with unspool on names.txt." in whole
    assert "| trained for | 3 steps, 1 epoch, 0 s |" in whole
    assert f"| optimizer | {TrainingConfig().optimizer}, learning rate 0.0125, cosine |" in whole


LABELLED = [
    {"text": text, "label": label, "vector": [1.0, 2.0]} for text, label in [("ab", "x"), ("ba", "y")] * 6
]


@pytest.fixture(scope="module")
def told() -> unspool.Generator:
    return unspool.train(
        LABELLED, hidden_size=3, epochs=1, validation_fraction=None, threads=1, progress=False
    )


def test_what_is_told_becomes_part_of_the_model(told: unspool.Generator) -> None:
    assert told.conditioned_on() is told
    rounded = replace(told, quantization=Quantization("int8", 0.1, "x"))
    known = rounded.conditioned_on({"label": "x"})
    assert (known.data["context"], known.data["given"], known.quantization) == (None, {"label": "x"}, None)
    assert (known.network.context_size, known.network.start_size) == (None, 0)
    assert {name for name in known.data if known.data[name] != told.data.get(name)} == {"context", "given"}
    again = replace(known, data={**known.data, "given": {"size": "3"}, "context": told.data["context"]})
    assert again.data["given"] == {"size": "3"}
    assert known.schema.width == 0
    only = told.conditioned_on(vector=[3.0, 4.0])
    assert only.data["given"] == {}
    for wrong in (3, "x", [("label", "x")]):
        for call in (told.conditioned_on, lambda context: row_and_start(told, context, None)):
            with pytest.raises(ConfigError) as caught:
                call(wrong)  # type: ignore[operator]
            assert str(caught.value) == (
                f"context must be names and values: {{'label': 'Sports'}}; got {wrong!r}"
            )


def test_a_request_gets_what_would_be_part_of_the_model(told: unspool.Generator) -> None:
    assert row_and_start(told, None, None) == (None, None)
    row, start = row_and_start(told, {"label": "y"}, [3.0, 4.0])
    assert row is not None
    assert start is not None
    np.testing.assert_array_equal(row, told.schema.row({"label": "y"}))
    whole = told.conditioned_on({"label": "y"}, vector=[3.0, 4.0])
    np.testing.assert_allclose(start.reshape(-1), whole.parameters["start.bias"], rtol=1e-6)
    _, of_nothing = row_and_start(told, {"label": "y"}, None)
    assert of_nothing is not None
    np.testing.assert_allclose(
        of_nothing.reshape(-1), told.conditioned_on({"label": "y"}).parameters["start.bias"], rtol=1e-6
    )
    assert not np.allclose(of_nothing, start)


def test_sources_are_read_some_at_a_time(told: unspool.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, small = [("ab", "ba"), ("ba", "ab")] * 6, {"hidden_size": 3, "epochs": 1, "threads": 1}
    pairs = unspool.train(texts, validation_fraction=None, progress=False, **small)
    sources = ["a", "b", "ab", "ba", ""]
    whole = pairs.encode_sources(sources)
    monkeypatch.setattr(conditioning, "SOURCES_AT_ONCE", 2)
    for one, other in zip(whole, pairs.encode_sources(sources), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert start_states(pairs, None, "kept", "error") == "kept"  # type: ignore[arg-type]
    assert len(start_states(pairs, "ab", None, "error")) == 1  # type: ignore[arg-type]
    state = whole[0]
    for source, given, said in (
        ("ab", state, "state must be None with a source: the source makes the state; got "),
        (7, None, "source must be a text, or a list of texts; got 7"),
        ([], None, "source must be at least one text; got []"),
        (["a", 7], None, "source must be a text, or a list of texts; got ['a', 7]"),
    ):
        with pytest.raises(ConfigError) as caught:
            start_states(pairs, source, given, "error")  # type: ignore[arg-type]
        assert str(caught.value).startswith(said)
    with pytest.raises(ConfigError) as refused:
        model().encode_sources(["a"])
    assert str(refused.value) == "source cannot be used: the model was trained without sources"
    state_after = told.state_after("ab").values
    assert (state_after.dtype, state_after.shape) == (np.float32, told.network.state_shape)


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        unspool.Generator(network=replace(NETWORK, vocab_size=9), tokenizer=TOKENIZER, parameters={})
    assert str(caught.value) == "vocab_size of the tokenizer: expected 9, as the network has, got 4"
    with pytest.raises(ConfigError) as caught:
        model(source_tokenizer=TOKENIZER)
    assert str(caught.value) == "vocab_size of source_tokenizer: expected None, as the network has, got 4"
    made = model(generation_config={"temperature": 0.25})
    assert made.generation_config == {"temperature": 0.25}
    assert "runner" not in made.__getstate__()
    assert repr(made).startswith("<Generator gru 2×3, 4 symbols, ")


def test_a_model_is_loaded_rounded_and_exported_as_it_is_told(
    told: unspool.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.save(tmp_path / "model")
    for load in (unspool.load, unspool.Generator.load):
        loaded = load(tmp_path / "model", threads=3)
        assert (loaded.engine, loaded.threads, loaded.runner.threads) == ("cpu", 3, 3)
    with pytest.raises(ConfigError, match="engine"):
        unspool.load(tmp_path / "model", engine="abacus")
    loaded.novelty_index = index = unspool.NoveltyIndex.of(["ab"])
    history = loaded.history
    assert loaded.history is history
    for other in (loaded.quantized("int8"), loaded.without_counts(), loaded.conditioned_on({"label": "x"})):
        assert other.novelty_index is index
    assert loaded.quantized("int8").history is loaded.without_counts().history is history
    asked: list[Any] = []

    def export(*arguments: Any, **options: Any) -> Any:
        asked.append((*arguments[1:], options))
        return ["a path"]

    monkeypatch.setattr("unspool._model.generator.export", export)
    assert told.export("js") == "a path"
    assert told.export("c", tmp_path, precision="int8", with_counts=True, overwrite=True) == "a path"
    assert asked == [
        ("js", None, {"precision": "float32", "with_counts": False, "overwrite": False}),
        ("c", tmp_path, {"precision": "int8", "with_counts": True, "overwrite": True}),
    ]


def test_how_often_a_value_was_met_counts_if_it_is_asked_for() -> None:
    texts = [{"text": "ab", "label": "x"}] * 9 + [{"text": "ab", "label": "y"}] * 3
    often = unspool.train(texts, hidden_size=3, epochs=1, validation_fraction=None, threads=1, progress=False)
    (fair,) = often.classify(["ab"], by="label", prior=False)
    (weighed,) = often.classify(["ab"], by="label", prior=True)
    odds = [found.probabilities["x"] / found.probabilities["y"] for found in (fair, weighed)]
    assert odds[1] == pytest.approx(3 * odds[0], rel=1e-4)
    (usual,) = often.classify(["ab"], by="label")
    assert usual == weighed
    sizes = [{"text": "ab", "size": str(i * 0.5)} for i in range(150)]
    numbered = unspool.train(sizes, hidden_size=3, epochs=1, threads=1, progress=False)
    with pytest.raises(ConfigError) as caught:
        list(numbered.classify(["ab"], by="size"))
    assert str(caught.value) == "by must be an attribute with named values, not a number; got 'size'"
