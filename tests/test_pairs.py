"""Learning from pairs of a source and a text: what is left behind, how it goes on, what is refused."""

import copy
import json
import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._errors import ArtifactError, ConfigError, CorpusError, InputError, UnknownSymbolError
from unspool._running.resuming import resume_training
from unspool._text.reading.sources import records_from_spec
from unspool._training.pair_defaults import PAIR_TRAINING
from unspool._training.records import EvaluationRecord, SampleRecord, StepRecord, TrainingRecord

WORDS = ("oil", "prices", "rise", "again", "team", "wins")
PAIRS = [(f"{a} {b}", f"{b}!") for a in WORDS for b in WORDS]
TINY = unspool.NetworkConfig(cell="gru", hidden_size=24)
Train = Callable[..., unspool.Generator]


def short(**changes: Any) -> unspool.TrainingConfig:
    values = {"epochs": 90, "batch_size": 4, "sequence_length": 32, "threads": 1, "validation_fraction": None}
    return unspool.TrainingConfig(**{**values, **changes})


def stop_at(step: int) -> Callable[[TrainingRecord], None]:
    """Press Ctrl-C when a step is done."""

    def press(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return press


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pairs") / "run"
    unspool.train(PAIRS, out=out, network=TINY, training=short(), sample_prompts=["oil wins"])
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> unspool.Generator:
    return unspool.load(folder, threads=1)


def test_it_learns_to_answer(model: unspool.Generator) -> None:
    assert model.evaluate(PAIRS).exact == 1.0
    sources, texts = zip(*PAIRS, strict=True)
    assert [one.text for one in model.generate(source=list(sources), temperature=0)] == list(texts)


def test_a_run_tells_what_is_answered(tmp_path: Path) -> None:
    told: list[TrainingRecord] = []
    validation = [("oil team", "team!"), ("team oil", "oil!")]
    unspool.train(
        PAIRS, out=tmp_path / "run", network=TINY, training=short(epochs=2), validation=validation,
        on_record=told.append,
    )  # fmt: skip
    assert all(record.exact in (0.0, 0.5, 1.0) for record in told if isinstance(record, EvaluationRecord))
    shown = [(r.source, r.prompt, r.temperature) for r in told if isinstance(r, SampleRecord)]
    assert shown == [(source, "", 0.0) for source, _ in validation] * 2
    saved = json.loads((tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()[-1])
    assert saved["kind"] == "finish"


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, folder: Path) -> None:
    whole = unspool.load(folder)
    with pytest.raises(KeyboardInterrupt):
        unspool.train(
            PAIRS, out=tmp_path / "run", network=TINY, training=short(), sample_prompts=["oil wins"],
            on_record=stop_at(17),
        )  # fmt: skip
    resumed = resume_training(tmp_path / "run", records=PAIRS, network=TINY)
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(values, resumed.parameters[name], err_msg=name)


def test_a_run_does_not_go_on_with_other_sources(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        unspool.train(PAIRS, out=tmp_path / "run", network=TINY, training=short(), on_record=stop_at(3))
    others = [(source[::-1], text) for source, text in PAIRS]
    with pytest.raises(ArtifactError, match="the texts of the run"):
        resume_training(tmp_path / "run", records=others)


def test_a_model_is_what_was_saved(model: unspool.Generator, tmp_path: Path) -> None:
    model.save(tmp_path / "copy")
    for other in (unspool.load(tmp_path / "copy"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.source_tokenizer == model.source_tokenizer
        assert other.generate(source="oil wins", temperature=0)[0].text == "wins!"


def test_a_plain_model_takes_the_place_of_one_of_pairs(model: unspool.Generator, tmp_path: Path) -> None:
    model.save(tmp_path / "copy")
    model.conditioned_on(source="oil wins").save(tmp_path / "copy")
    assert not (tmp_path / "copy" / "source_tokenizer.json").exists()
    assert unspool.load(tmp_path / "copy").generate(temperature=0)[0].text == "wins!"


@pytest.mark.parametrize("damage", ["missing", "changed", "other"])
def test_a_damaged_source_tokenizer_is_noticed(model: unspool.Generator, tmp_path: Path, damage: str) -> None:
    model.save(tmp_path / "copy")
    path = tmp_path / "copy" / "source_tokenizer.json"
    if damage == "missing":
        path.unlink()
    elif damage == "changed":
        path.write_text(path.read_text("utf-8").replace("o", "0", 1), "utf-8")
    else:
        path.write_bytes((tmp_path / "copy" / "tokenizer.json").read_bytes())
    with pytest.raises(ArtifactError, match=r"source_tokenizer\.json"):
        unspool.load(tmp_path / "copy")


def test_one_source_or_many_side_by_side_are_answered_alike(model: unspool.Generator) -> None:
    sources = ["oil wins", "team", "prices again", "a"]
    together = model.generate(source=sources, n=2, seed=5, temperature=0.7)
    assert len(together) == 2 * len(sources)
    alone = model.generate(source=sources[0], n=2, seed=5, temperature=0.7)
    assert [one.text for one in together[:2]] == [one.text for one in alone]


def test_a_source_makes_a_model_like_any_other(model: unspool.Generator) -> None:
    asked = model.conditioned_on(source="oil wins")
    assert asked.network.source_vocab_size is None
    text = model.generate(source="oil wins", temperature=0)[0]
    assert asked.generate(temperature=0)[0].text == text.text == "wins!"
    assert "".join(model.stream(source="oil wins", temperature=0)) == text.text
    (found,) = model.beam_search(source="oil wins", num_beams=4)
    assert found.text == text.text
    assert [f.text for f in model.beam_search(source=["oil wins", "oil team"])] == ["wins!", "team!"]
    assert next(iter(asked.enumerate(limit=1))).text == text.text
    assert asked.score([text.text])[0].total_logprob == pytest.approx(text.total_logprob, rel=1e-4)
    assert asked.next_symbols("win", top=1)[0][0] == "s"
    assert model.collect(source="oil wins", n=1, temperature=0).gather()[0].text == text.text
    assert model.generate("wi", source="oil wins", temperature=0)[0].text == text.text


def test_bits_are_those_of_each_text_after_its_source(model: unspool.Generator) -> None:
    whole = model.evaluate(PAIRS)
    each = [model.conditioned_on(source=source).score([text])[0].total_logprob for source, text in PAIRS]
    nats = -sum(each)
    assert whole.loss * whole.symbols == pytest.approx(nats, rel=1e-3)


def test_unknown_symbols_of_a_source_follow_the_rule(model: unspool.Generator) -> None:
    with pytest.raises(UnknownSymbolError):
        model.generate(source="oil #wins")
    assert model.generate(source="oil #wins", unknown="drop", temperature=0)[0].text == "wins!"


def test_what_starts_from_nothing_asks_for_a_source(model: unspool.Generator) -> None:
    for attempt in (
        lambda: model.generate("oil"),
        lambda: model.stream("oil"),
        lambda: model.collect(n=2),
        lambda: model.beam_search("oil"),
        lambda: next(iter(model.enumerate(limit=1))),
        lambda: model.score(["oil"]),
        lambda: model.next_symbols("oil"),
        lambda: model.state_after("oil"),
        lambda: model.generate(unique=True),
    ):
        with pytest.raises(ConfigError, match=r"trained on pairs and needs a source"):
            attempt()


def test_what_does_not_go_together_is_refused(model: unspool.Generator, tmp_path: Path) -> None:
    plain = model.conditioned_on(source="oil wins")
    state = np.zeros(model.network.state_shape, np.float32)
    out = {"out": tmp_path / "run", "training": short(epochs=1)}
    pairs = unspool.Records.of(PAIRS, document=True)
    cases: list[tuple[str, Callable[[], object]]] = [
        ("without sources", lambda: plain.generate(source="oil")),
        ("without sources", lambda: plain.evaluate(PAIRS)),
        ("with a source", lambda: model.generate(source="oil", state=state)),
        ("at least one", lambda: model.generate(source=[])),
        ("list of texts", lambda: model.generate(source=[3])),  # type: ignore[list-item]
        ("has no source", lambda: model.evaluate(["oil"])),
        ("without sources", lambda: model.audit(PAIRS)),
        ("does not train on pairs", lambda: unspool.sweep(PAIRS, out=tmp_path / "sweep")),
        ("init_from", lambda: unspool.train(PAIRS, init_from=plain, **out)),
        ("init_from", lambda: unspool.train(["oil"], init_from=model, **out)),
        ("document", lambda: unspool.train(pairs, **out)),
        ("record 2 has no source", lambda: unspool.train([*PAIRS[:1], "oil"], **out)),
        ("source_vocab_size", lambda: unspool.train(
            ["oil"], network=unspool.NetworkConfig(source_vocab_size=9), **out)),
    ]  # fmt: skip
    for match, attempt in cases:
        with pytest.raises(InputError, match=match):
            attempt()


def test_defaults_for_pairs_stand_in_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        unspool.train(PAIRS, out=tmp_path / "run", on_record=stop_at(1))
    config = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))
    assert {name: config["training"][name] for name in PAIR_TRAINING} == PAIR_TRAINING
    assert config["network"]["source_vocab_size"] > 2


def test_pairs_of_words(tmp_path: Path) -> None:
    model = unspool.train(PAIRS, out=tmp_path / "run", network=TINY, training=short(), tokenizer="word")
    assert model.source_tokenizer is not None
    assert model.source_tokenizer.kind == "word"
    assert model.evaluate(PAIRS).exact == 1.0


def test_pairs_with_a_context(tmp_path: Path) -> None:
    records = [
        unspool.Record(f"{b}{mark}", {"mark": mark}, source=f"{a} {b}")
        for a in WORDS for b in WORDS for mark in "!?"
    ]  # fmt: skip
    training = short(context_dropout=0.0, epochs=90)
    model = unspool.train(records, out=tmp_path / "run", network=TINY, training=training)
    for mark in "!?":
        (text,) = model.generate(source="oil wins", context={"mark": mark}, temperature=0)
        assert text.text == f"wins{mark}"
    whole = model.evaluate(records)
    assert whole.exact is None
    assert whole.bits_per_character < 0.1


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("pairs.tsv", "oil wins\twins!\n", {"source_text": 0, "text": 1}),
        ("pairs.csv", "said,answer\noil wins,wins!\n", {"source_text": "said", "text": "answer"}),
        ("pairs.jsonl", '{"a": "oil wins", "b": "wins!"}\n', {"source_text": ["a"], "text": ["b"]}),
    ],
)
def test_tables_have_a_column_of_sources(
    tmp_path: Path, name: str, content: str, options: dict[str, Any]
) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    records = unspool.read_records(tmp_path / name, **options)
    assert records.pairs
    for read in (records, records_from_spec(json.loads(json.dumps(records.spec)))):
        assert list(read) == [unspool.Record("wins!", source="oil wins")]


def test_sources_are_refused_where_there_can_be_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("oil\n", "utf-8")
    with pytest.raises(CorpusError, match="no columns"):
        unspool.read_records(tmp_path / "a.txt", source_text=0)
    (tmp_path / "a.tsv").write_text("oil\twins\n", "utf-8")
    for options in ({"document": True}, {"split": "sentences"}):
        with pytest.raises(ConfigError, match="source_text"):
            unspool.read_records(tmp_path / "a.tsv", source_text=0, text=1, **options)
