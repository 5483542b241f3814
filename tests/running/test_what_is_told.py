"""What a training is told reaches those who do it, whole; what it refuses is said whole."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import unspool
from unspool import _pipeline
from unspool._errors import ArtifactError, ConfigError
from unspool._fine_tuning import first_network, first_parameters, first_recipe, load_origin
from unspool._network.config import NetworkConfig
from unspool._running import resuming, run
from unspool._running.new_run import described_data, resolved_network
from unspool._running.resuming import reading_of, resume_training, resumed_folder
from unspool._running.run import task_of
from unspool._text.canaries import Canaries
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._training.config import TrainingConfig
from unspool._training.pair_defaults import training_of

TEXTS = [f"{a} {b}" for a in ("oil", "team", "rain") for b in ("rises", "wins", "falls", "ends")] * 2
TINY: dict[str, Any] = {"hidden_size": 4, "epochs": 1, "threads": 1, "progress": False}


class HeardError(Exception):
    """Ends a call once its arguments were heard."""


def listen(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """Return a list that gets the arguments with which a function is called, which ends the call."""
    heard: list[Any] = []

    def called(*arguments: Any, **options: Any) -> None:
        heard.extend([arguments, options])
        raise HeardError

    monkeypatch.setattr(module, name, called)
    return heard


def test_minutes_plan_with_all_that_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = listen(monkeypatch, _pipeline, "plan_training")
    told: dict[str, Any] = {"tokenizer": "word", "max_vocab_size": 7, "validation": ["oil"]}
    with pytest.raises(HeardError):
        unspool.train(TEXTS, minutes=0.5, cell="gru", batch_size=3, progress=False, **told)
    (corpus,), options = heard
    assert [record.text for record in corpus] == TEXTS
    assert (options["minutes"], options["training"], options["network"]) == (
        0.5,
        {"batch_size": 3},
        {"cell": "gru"},
    )
    assert (options["tokenizer"], options["max_vocab_size"], options["init_from"]) == ("word", 7, None)
    assert [record.text for record in options["validation"]] == ["oil"]
    heard.clear()
    whole = NetworkConfig(cell="rnn")
    with pytest.raises(HeardError):
        unspool.train(TEXTS, minutes=0.5, network=whole, progress=False)
    assert (heard[1]["network"], heard[1]["training"]) == (whole, {})


def test_texts_are_encoded_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = listen(monkeypatch, _pipeline, "encode_corpus")
    canaries = Canaries(count=2, repeats=3, format="{digits:4}")
    texts = unspool.Records.of(TEXTS, document=True, normalization="NFKC")
    told: dict[str, Any] = {"tokenizer": "word", "max_vocab_size": 7}
    with pytest.raises(HeardError):
        unspool.train(texts, validation=["oil"], validation_fraction=0.25, seed=3, **told, **TINY)
    _, recipe, held_out = heard[0]
    assert (recipe.tokenizer, recipe.max_vocab_size, recipe.normalization) == ("word", 7, "NFKC")
    assert (recipe.validation_fraction, recipe.document, recipe.sources) == (0.25, True, None)
    assert [record.text for record in held_out] == ["oil"]
    seeds = []
    for seed in (3, 4):
        heard.clear()
        with pytest.raises(HeardError):
            unspool.train(TEXTS, canaries=canaries, seed=seed, **TINY)
        planted = [record.text for record in heard[0][0] if record.text not in TEXTS]
        assert len(planted) == 6
        assert len(set(planted)) == 2
        assert set(heard[1]["planted"]) == set(planted)
        seeds.append(set(planted))
    assert seeds[0] != seeds[1]


def test_what_has_reading_taken_is_taken_off_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([10.0, 14.0])
    monkeypatch.setattr(_pipeline.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(_pipeline, "encode_corpus", lambda *_, **__: "encoded")
    plan: Any = SimpleNamespace(after_reading=lambda seconds: f"after {seconds}")
    recipe = EncodingRecipe()
    assert _pipeline._read(plan, unspool.Records.of(TEXTS), recipe, None, {}) == ("encoded", "after 4.0")
    ticks = iter([10.0, 14.0])
    assert _pipeline._read(None, unspool.Records.of(TEXTS), recipe, None, {}) == ("encoded", None)


@pytest.mark.parametrize("kept", [True, False])
def test_a_run_gets_its_texts_and_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    heard = listen(monkeypatch, _pipeline.RunFolder, "create")
    with pytest.raises(HeardError):
        unspool.train(TEXTS, out=tmp_path / "run" if kept else None, validation=["oil"], overwrite=True,
                      novelty_index=True, seed=5, **TINY)  # fmt: skip
    (folder,), options = heard
    assert (Path(folder) == tmp_path / "run") is kept
    assert Path(folder).name.startswith("unspool-") is not kept
    assert (options["network"].hidden_size, options["training"].seed) == (4, 5)
    assert (options["overwrite"], options["first"], options["source_tokenizer"]) == (True, None, None)
    assert options["learnt"].characters == sum(map(len, TEXTS))
    assert options["data"]["novelty_index"] is True
    assert options["network"].vocab_size == options["tokenizer"].vocab_size
    if kept:
        records, validation = options["texts"]["records"], options["texts"]["validation"]
        assert ([r.text for r in records], [r.text for r in validation]) == (TEXTS, ["oil"])
    else:
        assert options["texts"] is None
    heard.clear()
    with pytest.raises(HeardError):
        unspool.train(unspool.Records.of(TEXTS, document=True), **TINY)
    assert heard[1]["learnt"] is None
    assert heard[1]["overwrite"] is False


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": 3}, "network must be a NetworkConfig, or None; got 3"),
        ({"novelty_index": 1}, "novelty_index must be true or false; got 1"),
        ({"plan": 3}, "plan must be a TrainingPlan of plan_training, or None; got 3"),
        ({"sample_prompts": "a"}, "sample_prompts must be a list; got 'a'"),
        ({"sample_temperatures": 0.5}, "sample_temperatures must be a list; got 0.5"),
        ({"resume": True}, "out must be the folder of a run to resume, and it is None"),
        ({"resume": True, "out": "x", "overwrite": True},
         "resume and overwrite do not work together; leave one of them out"),
        ({"network": NetworkConfig(source_vocab_size=9)},
         "source_vocab_size must be None: there are no sources; got 9"),
    ],
)  # fmt: skip
def test_what_a_training_refuses_is_said_whole(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        unspool.train(TEXTS, progress=False, **options)
    assert str(caught.value) == message
    with pytest.raises(ConfigError) as caught:
        resumed_folder("x", overwrite=False, canaries=None, plan=7)
    assert str(caught.value) == "plan must be left out with resume: the run keeps its own; got 7"


def test_minutes_stand_beside_no_training() -> None:
    training = TrainingConfig()
    with pytest.raises(ConfigError) as caught:
        unspool.train(TEXTS, minutes=1, training=training)
    assert str(caught.value) == f"training must be None beside minutes, which choose it; got {training!r}"


ENCODED = encode_corpus(unspool.Records.of(TEXTS), EncodingRecipe(validation_fraction=0.3))


def test_a_network_fits_its_texts() -> None:
    size = ENCODED.tokenizer.vocab_size
    for given in (None, size):
        assert resolved_network(NetworkConfig(vocab_size=given), ENCODED, document=False).vocab_size == size
    with pytest.raises(ConfigError) as caught:
        resolved_network(NetworkConfig(vocab_size=size + 1), ENCODED, document=False)
    assert (
        str(caught.value) == f"vocab_size must be {size}, the size of the tokenizer, or None; got {size + 1}"
    )
    pairs = encode_corpus(unspool.Records.of([("a", "b"), ("b", "a")]), EncodingRecipe(sources="learn"))
    assert pairs.source_tokenizer is not None
    source = pairs.source_tokenizer.vocab_size
    assert resolved_network(NetworkConfig(), pairs, document=False).source_vocab_size == source
    with pytest.raises(ConfigError) as caught:
        resolved_network(NetworkConfig(source_vocab_size=source + 1), pairs, document=False)
    expected = f"{source}, the size of the source tokenizer, or None"
    assert str(caught.value) == f"source_vocab_size must be {expected}; got {source + 1}"


def make(document: bool = False, *, validated: bool = False, sampling: Any = None, **options: Any) -> Any:
    config = TrainingConfig(threads=2, **options)
    network = resolved_network(NetworkConfig(hidden_size=4), ENCODED, document=document)
    corpus = unspool.Records.of(TEXTS, document=document)
    return task_of(network, config, corpus, ENCODED, sampling, validated=validated)


def test_a_task_is_made_of_the_texts_and_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    task = make()
    assert (task.training, task.validation) == (ENCODED.training, ENCODED.validation)
    assert (task.eos_id, task.document, task.callbacks) == (ENCODED.tokenizer.eos_id, False, ())
    assert (task.engine.threads, task.engine.precision, task.engine.config.hidden_size) == (2, "float32", 4)
    assert make(document=True).document is True
    shown: Any = lambda moment: []  # noqa: E731
    assert make(sampling=shown).callbacks == (shown,)
    asked: list[bool] = []
    for enough in (True, False):
        monkeypatch.setattr(
            run, "says_enough", lambda _, *, document, e=enough: [asked.append(document), e][1]
        )
        assert make().held_out_decides is enough
        assert make(validated=True).held_out_decides
        assert make(patience=3).held_out_decides
    make(document=True)
    assert asked == [False, False, True]


def test_what_is_said_of_the_texts_is_enough_to_read_them_again() -> None:
    corpus = unspool.Records.of(TEXTS)
    data = described_data(corpus, None, ENCODED, None, make())
    sides = {"split"} if ENCODED.split is not None else set()
    assert set(data) == {"description", "document", "records", "validation", "sizes", "fingerprints",
                         "samples", "context", "precision"} | sides  # fmt: skip
    assert (data["description"], data["document"]) == (f"{len(TEXTS)} texts in memory", False)
    assert (data["records"], data["validation"], data["samples"], data["context"]) == ({}, None, {}, None)
    assert data["precision"] == "float32"
    sampling: Any = SimpleNamespace(prompts=("a",), temperatures=(0.5,))
    other: Any = SimpleNamespace(spec={"source": "corpus:x"})
    data = described_data(unspool.Records.of(TEXTS, document=True), other, ENCODED, sampling, make())
    assert data["samples"] == {"prompts": ["a"], "temperatures": [0.5]}
    assert (data["validation"], data["document"]) == ({"source": "corpus:x"}, True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    unspool.train(TEXTS, out=folder, validation_fraction=0.3, sample_prompts=(), **TINY)
    return folder


def test_a_run_that_goes_on_reads_as_it_did(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = listen(monkeypatch, resuming, "encode_corpus")
    with pytest.raises(HeardError):
        resume_training(finished, records=unspool.Records.of(TEXTS, normalization="NFKC"), validation=["oil"])
    (_, recipe, held_out), options = heard
    assert (recipe.normalization, recipe.validation_fraction, recipe.document) == ("NFKC", 0.3, False)
    assert (recipe.tokenizer.kind, recipe.max_vocab_size, recipe.contexts) == ("char", None, None)
    assert recipe.sources is None
    assert [record.text for record in held_out] == ["oil"]
    assert not options["planted"]
    assert reading_of(finished) == {}
    with pytest.raises(unspool.CorpusError, match=r"^validation: "):
        resume_training(finished, records=TEXTS, validation="no such file")


@pytest.mark.parametrize(
    ("texts", "got"),
    [
        (TEXTS[:12], "{records} texts to learn from, {characters} characters"),
        (
            TEXTS[::-1],
            "{records} texts to learn from, {characters} characters, but others or in another order",
        ),
    ],
)
def test_other_texts_are_refused_with_what_they_were(finished: Path, texts: list[str], got: str) -> None:
    def sizes(some: list[str]) -> dict[str, str]:
        part = encode_corpus(unspool.Records.of(some), EncodingRecipe(validation_fraction=0.3)).training
        return {"records": f"{part.num_records:,}", "characters": f"{part.characters:,}"}

    with pytest.raises(ArtifactError) as caught:
        resume_training(finished, records=texts, changes={"epochs": 2})
    expected = "{records} texts to learn from, {characters} characters".format(**sizes(TEXTS))
    assert str(caught.value) == (
        f"the texts of the run in {finished}: expected {expected}, got {got.format(**sizes(texts))}; resume "
        "with the same texts, or start another run from this model (--init-from)"
    )


def test_a_warning_points_at_the_line_of_the_user(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "missing_bf16", lambda _: "bf16 is emulated")
    calls: list[Callable[[], object]] = [
        lambda: resume_training(finished, records=TEXTS),
        lambda: unspool.train(TEXTS, out=finished, resume=True, progress=False),
        lambda: unspool.train(TEXTS, out=tmp_path / "new", **TINY),
        lambda: unspool.train(TEXTS, **TINY),
    ]
    for call in calls:
        with pytest.warns(RuntimeWarning, match="^bf16 is emulated$") as caught:
            call()
        (place,) = [(warning.filename, warning.lineno) for warning in caught]
        assert place == (__file__, call.__code__.co_firstlineno)


def test_what_goes_on_from_a_model_reads_as_the_model_does() -> None:
    origin = unspool.train(TEXTS, tokenizer="word", validation_fraction=None, **TINY)
    corpus = unspool.Records.of([*TEXTS, "a new one"], normalization="NFKC")
    config = TrainingConfig(validation_fraction=0.2)
    recipe = first_recipe(corpus, config, "char", None, origin)
    assert (recipe.tokenizer, recipe.grow, recipe.contexts) == (origin.tokenizer, True, None)
    assert (recipe.normalization, recipe.validation_fraction) == ("NFKC", 0.2)
    assert first_recipe(corpus, config, "word", None, origin) == recipe
    new = first_recipe(unspool.Records.of([("a", "b")], document=False), config, "word", 9, None)
    assert (new.tokenizer, new.max_vocab_size, new.sources, new.grow) == ("word", 9, "learn", False)
    keeps = "left out with init_from: the model keeps its word tokenizer"
    for tokenizer, most, said in (("bytes", None, f"tokenizer must be {keeps}; got 'bytes'"),
                                  ("word", 9, f"max_vocab_size must be {keeps}; got 9")):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            first_recipe(corpus, config, tokenizer, most, origin)
        assert str(caught.value) == said
    with pytest.raises(ConfigError) as caught:
        first_recipe(unspool.Records.of([{"text": "a", "label": "x"}]), config, "char", None, origin)
    assert str(caught.value) == (
        "the texts have a context, and the model of init_from was trained without one; leave the context "
        "out, or train a new model"
    )
    assert first_network(origin) == replace(origin.network, vocab_size=None)
    assert first_network(None) == NetworkConfig()
    assert load_origin(origin, engine="cpu") is origin
    fresh = [first_parameters(None, origin.network, origin.tokenizer, seed=seed) for seed in (0, 1)]
    assert not np.array_equal(*(each["output.kernel"] for each in fresh))
    with pytest.raises(ConfigError) as caught:
        load_origin(unspool.train([("a", "b"), ("b", "a")] * 5, **TINY), engine="cpu")
    assert str(caught.value) == (
        "init_from must be a model trained without sources; got 'a model trained on pairs'"
    )


@pytest.mark.parametrize("name", ["document", "canaries", "init_from"])
def test_what_does_not_go_with_sources_is_refused(name: str) -> None:
    pairs = unspool.Records.of([("a", "b"), ("b", "a")] * 5, document=name == "document")
    options: dict[str, Any] = {"canaries": Canaries(count=1, repeats=1), "init_from": "a folder"}
    given = {name: options[name]} if name in options else {}
    with pytest.raises(ConfigError) as caught:
        unspool.train(pairs, **given, **TINY)
    assert str(caught.value) == f"{name} must be left out where texts have sources"
    config = TrainingConfig(epochs=2)
    assert training_of(unspool.Records.of(["a"]), config) is training_of(pairs_of(), config) is config
    assert training_of(unspool.Records.of(["a"]), None, canaries=1) == TrainingConfig()
    usual = TrainingConfig(sequence_length=256, batch_size=2, learning_rate=0.01)
    assert training_of(pairs_of(), None, canaries=None) == usual


def pairs_of() -> unspool.Records:
    return unspool.Records.of([("a", "b")])
