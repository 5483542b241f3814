"""Context as a whole: what is known about a record steers what is learnt, written, scored and told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._artifacts import load_model
from unspool._engines import make_engine
from unspool._errors import ConfigError
from unspool._network.conditions import schema_of
from unspool._running.resuming import resume_training
from unspool._training.records import StepRecord, TrainingRecord

WORDS = {"A": "ab", "B": "cd", "C": "xyz"}
RECORDS: list[dict[str, Any]] = [
    {"text": word * (2 + i % 4), "label": label, "size": str(i * 0.5)}
    for i in range(50)
    for label, word in WORDS.items()
]
TEXTS = [record["text"] for record in RECORDS]
NETWORK = unspool.NetworkConfig(hidden_size=24)
TRAINING = unspool.TrainingConfig(
    epochs=15, batch_size=8, sequence_length=16, threads=1, validation_fraction=None
)


def train(records: Any, out: Path, **options: Any) -> unspool.Generator:
    """Train a small model."""
    return unspool.train(
        records, out=out, **({"network": NETWORK, "training": TRAINING, "sample_prompts": ()} | options)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on texts with a label and a number."""
    out = tmp_path_factory.mktemp("context") / "run"
    train(RECORDS, out, sample_prompts=("",))
    return out


@pytest.fixture(scope="module")
def model(folder: Path) -> unspool.Generator:
    """Load that model."""
    return unspool.load(folder)


def test_a_label_steers_what_is_written(model: unspool.Generator) -> None:
    for label, word in WORDS.items():
        texts = model.generate(context={"label": label}, n=30, seed=0, max_new_tokens=40)
        assert sum(set(text.text) <= set(word) for text in texts) >= 24
    everything = "".join(text.text for text in model.generate(n=60, seed=0, max_new_tokens=40))
    assert set("acx") <= set(everything)  # nothing is said, so anything may come


def test_every_way_to_write_is_under_the_context(model: unspool.Generator) -> None:
    told: Any = {"label": "B"}
    given = model.conditioned_on(told)
    assert given.schema.width == 0
    assert given.novelty_index is model.novelty_index
    assert model.conditioned_on() is model
    assert given.network.context_size is None
    keywords: Any = {"seed": 3, "max_new_tokens": 30}
    (text,) = model.generate("c", context=told, **keywords)
    assert text.text == given.generate("c", **keywords)[0].text
    assert "c" + "".join(model.stream("c", context=told, **keywords)) == text.text
    assert [t.text for t in model.collect("c", context=told, n=2, **keywords)] == [
        t.text for t in given.collect("c", n=2, **keywords)
    ]
    assert model.beam_search(context=told)[0].text.startswith("cd")
    (best,) = model.enumerate(context=told, limit=1)
    assert best.text == next(iter(given.enumerate(limit=1))).text
    assert set(best.text) <= set("cd")
    assert next(iter(given.next_symbols(top=1)))[0] == "c"


def test_scores_take_a_context(model: unspool.Generator) -> None:
    right, wrong, open_ = (
        model.score(["cdcd"], context=context)[0].total_logprob
        for context in ({"label": "B"}, {"label": "A"}, None)
    )
    assert right > open_ > wrong
    assert model.surprisal("cdcd", context={"label": "B"}).bits_per_character == pytest.approx(
        -right / np.log(2) / 4, rel=1e-5
    )
    records = [unspool.Record(text, {"label": label}) for text in ("cdcd", "abab") for label in "BA"]
    own = [score.total_logprob for score in model.score([*records, "cdcd"])]
    assert own == pytest.approx(
        [model.score([r.text], context=r.context)[0].total_logprob for r in records] + [open_], rel=1e-5
    )
    with pytest.raises(ConfigError, match="prompt"):
        model.score(records, prompt="c")


def test_an_evaluation_takes_each_records_own(model: unspool.Generator) -> None:
    records = [unspool.Record(r["text"], {"label": r["label"]}) for r in RECORDS]
    found, scores = model.evaluate(records), model.score(records)
    nats = -sum(score.total_logprob for score in scores)
    assert found.loss * found.symbols == pytest.approx(nats, rel=1e-5)
    assert found.loss < model.evaluate(TEXTS).loss
    part = [r for r in RECORDS if r["label"] == "A"]
    alone = model.evaluate([r["text"] for r in part], context={"label": "A"}).loss
    assert alone == pytest.approx(
        model.evaluate([{"text": r["text"], "label": "A"} for r in part]).loss, rel=1e-5
    )
    document = model.evaluate(records, document=True)
    assert document.symbols == found.symbols


def test_what_the_model_does_not_know_is_named(model: unspool.Generator) -> None:
    with pytest.raises(ConfigError, match=r"one of 'A', 'B', 'C'|one of .*'C'"):
        model.generate(context={"label": "D"})
    with pytest.raises(ConfigError, match="label, size"):
        model.conditioned_on({"colour": "red"})
    with pytest.raises(ConfigError, match="without"):
        model.generate(vector=[1, 2])
    with pytest.raises(ConfigError, match="without"):
        model.conditioned_on({"label": "A"}).conditioned_on({"label": "A"})
    with pytest.raises(ConfigError, match="context label"):
        model.evaluate([{"text": "ab", "label": "D"}])


def test_bayes_rule_tells_the_label(model: unspool.Generator) -> None:
    found = model.classify(["abab", "cdcd", "xyzxyz", ""], "label")
    assert [one.value for one in found[:3]] == ["A", "B", "C"]
    values = model.schema.attribute("label")
    scores = [model.score(["cdcd"], context={"label": v})[0].total_logprob for v in values.values]
    weights = np.exp(np.array(scores)) * np.array(values.counts)
    assert list(found[1].probabilities) == list(values.values)
    np.testing.assert_allclose(list(found[1].probabilities.values()), weights / weights.sum(), rtol=1e-5)
    (level,) = model.classify(["cdcd"], "label", prior=False)
    weights = np.exp(np.array(scores))
    np.testing.assert_allclose(list(level.probabilities.values()), weights / weights.sum(), rtol=1e-5)
    with pytest.raises(ConfigError, match="number"):
        model.classify(["ab"], "size")
    with pytest.raises(ConfigError, match="label, size"):
        model.classify(["ab"], "colour")


def test_the_schema_is_saved_and_read_strictly(
    folder: Path, model: unspool.Generator, tmp_path: Path
) -> None:
    label, size = model.schema.attributes
    assert set(label.values) == set(WORDS)
    assert size.is_number
    assert model.network.context_size == 5
    assert schema_of(load_model(folder).data) == model.schema
    model.save(tmp_path / "copy")
    assert unspool.load(tmp_path / "copy").schema == model.schema
    card = (folder / "README.md").read_text("utf-8")
    assert "## Context" in card
    assert f"| label | {', '.join(label.values)} |" in card
    with pytest.raises(ConfigError, match="data: context: unknown key 'colour'"):
        schema_of({"context": {"colour": 1}})


def test_a_stopped_run_goes_on_bit_for_bit(folder: Path, tmp_path: Path) -> None:
    def stop(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == 40:
            raise KeyboardInterrupt

    out, frequent = tmp_path / "run", replace(TRAINING, checkpoint_seconds=0)
    with pytest.raises(KeyboardInterrupt):
        train(RECORDS, out, training=frequent, on_record=stop)
    resumed = resume_training(out, records=RECORDS)
    whole = unspool.load(folder)
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(values, resumed.parameters[name])
    other = [{**record, "label": "A"} for record in RECORDS]
    with pytest.raises(unspool.InputError):
        resume_training(out, records=other)


def test_the_torch_engine_learns_the_same(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    models = [
        train(
            RECORDS,
            tmp_path / engine,
            training=replace(TRAINING, epochs=1, engine=engine),
        )
        for engine in ("cpu", "torch")
    ]
    for name, values in models[0].parameters.items():
        np.testing.assert_allclose(values, models[1].parameters[name], rtol=0.02, atol=2e-3)


def test_a_vector_starts_a_text(tmp_path: Path) -> None:
    records = [
        {"text": word * 3, "vector": [float(i == j) for j in range(3)]}
        for _ in range(50)
        for i, word in enumerate(WORDS.values())
    ]
    model = train(records, tmp_path / "run")
    assert (model.network.start_size, model.network.context_size) == (3, None)
    for i, word in enumerate(WORDS.values()):
        vector = np.eye(3)[i]
        texts = model.generate(vector=vector, n=20, seed=0, max_new_tokens=20)
        assert sum(text.text[:1] == word[0] for text in texts) >= 15
        given = model.conditioned_on(vector=vector)
        assert given.network.start_size == 0
        given.save(tmp_path / word)
        again = unspool.load(tmp_path / word)
        assert "".join(again.stream(seed=4)) == "".join(model.stream(vector=vector, seed=4))
        scored = again.score([word * 3])[0].total_logprob
        own = model.score([unspool.Record(word * 3, vector=np.float32(vector))])[0].total_logprob
        assert own == pytest.approx(scored, rel=1e-5)
        found = again.beam_search(num_beams=3)[0]
        scored = again.score([found.text])[0].total_logprob
        assert found.total_logprob == pytest.approx(scored, rel=1e-4)
    assert model.evaluate(records).loss < model.evaluate([r["text"] for r in records]).loss
    with pytest.raises(ConfigError, match="3 finite numbers"):
        model.generate(vector=[1, 2])
    with pytest.raises(ConfigError, match="one document"):
        train(unspool.Records.of(records, document=True), tmp_path / "document")


def test_a_document_has_the_context_of_its_parts(tmp_path: Path) -> None:
    parts = [{"text": word * 40, "label": label} for _ in range(6) for label, word in WORDS.items()]
    model = train(unspool.Records.of(parts, document=True), tmp_path / "run")
    texts = {v: model.generate(context={"label": v}, seed=0, max_new_tokens=40)[0].text for v in WORDS}
    assert all(set(texts[label]) & set(word) for label, word in WORDS.items())
    told = unspool.Records.of(parts, document=True)
    bare = unspool.Records.of([part["text"] for part in parts], document=True)
    assert model.evaluate(told).loss < model.evaluate(bare).loss


def test_going_on_keeps_the_context(folder: Path, tmp_path: Path) -> None:
    new = [{"text": "cdcdcd", "label": "B"}, {"text": "ababab", "label": "A"}] * 20
    short = replace(TRAINING, epochs=1, learning_rate=1e-3)
    grown = unspool.train(new, out=tmp_path / "a", init_from=folder, training=short)
    assert grown.schema == unspool.load(folder).schema
    assert grown.generate(context={"label": "B"}, seed=0)[0].text[:1] == "c"
    bare = unspool.train(TEXTS, out=tmp_path / "b", init_from=folder, training=short)
    assert bare.schema == grown.schema
    with pytest.raises(ConfigError, match="context label"):
        unspool.train(
            [{"text": "ab", "label": "D"}] * 9, out=tmp_path / "c", init_from=folder, training=short
        )
    plain = train(TEXTS, tmp_path / "plain", training=short)
    assert plain.network.context_size is None
    with pytest.raises(ConfigError, match="trained without"):
        unspool.train(new, out=tmp_path / "d", init_from=plain, training=short)


def test_an_audit_measures_under_the_context(model: unspool.Generator) -> None:
    audit = model.audit(RECORDS, samples=5, max_new_tokens=20)
    assert audit.same_corpus is True
    assert audit.training_bits_per_character < model.audit(TEXTS, samples=5).training_bits_per_character


def test_a_sweep_takes_the_context_up(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    config = unspool.SweepConfig(
        symbols_per_trial=2000,
        evaluations=1,
        learning_rate=[0.02],
        pruner=None,
        hidden_size=[8],
        seeds=1,
        cell=["lstm"],
    )
    short = unspool.TrainingConfig(sequence_length=16, threads=1)
    options: dict[str, Any] = {"config": config, "training": short}
    told = unspool.sweep(RECORDS, validation=RECORDS[:9], out=tmp_path / "a", **options)
    bare = unspool.sweep(TEXTS, validation=TEXTS[:9], out=tmp_path / "b", **options)
    more = told.outcomes[0].runs[0].parameters - bare.outcomes[0].runs[0].parameters
    assert more == 5 * 4 * 8  # the kernel of five columns


def test_the_room_must_fit(tmp_path: Path) -> None:
    for wrong in ({"context_size": 4}, {"start_size": 2}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            train(RECORDS, tmp_path / "run", network=unspool.NetworkConfig(hidden_size=4, **wrong))
    with pytest.raises(ConfigError, match="the records have none"):
        train(TEXTS, tmp_path / "run", network=unspool.NetworkConfig(hidden_size=4, context_size=3))
    learnt = train(TEXTS, tmp_path / "start", network=unspool.NetworkConfig(hidden_size=8, start_size=0))
    assert learnt.parameters["start.bias"].any()
    assert make_engine("cpu", learnt.network).initial_state(1, learnt.parameters).any()
