"""Training in one call: what it leaves behind, how it goes on, and what it refuses."""

import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.closed_folder import closed_folder
from unspool import _pipeline
from unspool._artifacts.model_folder import CARD, CONFIG, GENERATION, MODEL, TOKENIZER
from unspool._errors import CorpusError
from unspool._running.resuming import resume_training
from unspool._training.announcement import Announcement
from unspool._training.records import FinishRecord, SampleRecord, StepRecord, TrainingRecord

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
TEXTS = [f"{a} {b} {c}" for a in WORDS for b in WORDS[:4] for c in WORDS[4:]]
FILES = (CARD, CONFIG, GENERATION, MODEL, TOKENIZER)
TINY = unspool.NetworkConfig(hidden_size=8)


def short(**changes: Any) -> unspool.TrainingConfig:
    return unspool.TrainingConfig(
        **{"epochs": 2, "batch_size": 4, "sequence_length": 16, "threads": 1, **changes}
    )


def stop_at(step: int) -> Callable[[TrainingRecord], None]:
    """Press Ctrl-C when a step is done."""

    def press(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    return press


def without_time(card: bytes) -> bytes:
    return re.sub(rb" epochs, [0-9,]+ s ", b"", card)


def same_parameters(one: unspool.Generator, other: unspool.Generator) -> bool:
    return all(np.array_equal(one.parameters[name], other.parameters[name]) for name in one.parameters)


def test_it_learns_and_leaves_a_model(tmp_path: Path) -> None:
    records: list[TrainingRecord] = []
    plans: list[Announcement] = []
    model = unspool.train(
        TEXTS, out=tmp_path / "run", network=TINY, training=short(epochs=4, learning_rate=0.02),
        sample_prompts=["oil ", ""], sample_temperatures=[0.5], on_start=plans.append,
        on_record=records.append,
    )  # fmt: skip
    steps = [record for record in records if isinstance(record, StepRecord)]
    assert steps[-1].loss < 0.7 * steps[0].loss
    assert isinstance(records[-1], FinishRecord)
    assert [r.prompt for r in records if isinstance(r, SampleRecord)] == ["oil ", ""] * 4
    (plan,) = plans
    assert plan.characters + plan.held_out_characters == sum(map(len, TEXTS))
    assert plan.held_out_characters > 0
    assert plan.num_parameters == model.num_parameters
    assert same_parameters(model, unspool.load(tmp_path / "run"))
    held_out = next(r for r in reversed(records) if r.kind == "evaluation" and r.best)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[-1])["best_bits_per_character"] == held_out.bits_per_character


def test_progress_is_shown_unless_the_caller_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    def shown(**options: Any) -> str:
        unspool.train(TEXTS, network=TINY, epochs=1, sample_prompts=["a"], **options)
        output = capsys.readouterr()
        assert output.out == ""
        return output.err

    records: list[TrainingRecord] = []
    told = shown()
    assert "bits/character in training" in told
    assert len(re.findall(r"^  0\.8: a", told, flags=re.MULTILINE)) == 1, "a sample of each evaluation"
    assert shown(progress=False) == shown(on_record=records.append) == ""
    assert isinstance(records[-1], FinishRecord)
    assert "bits/character in training" in shown(on_record=records.append, progress=True)


def test_minutes_choose_what_plan_training_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = partial(unspool.plan_training, measure=lambda networks, training, seconds: [5e5] * len(networks))
    monkeypatch.setattr(_pipeline, "plan_training", plan)
    texts = TEXTS * 5
    model, gru = (
        unspool.train(texts, minutes=0.04, network=network, tokenizer="word")
        for network in (None, unspool.NetworkConfig(cell="gru", hidden_size=8))
    )
    chosen = plan(texts, minutes=0.04, tokenizer="word")
    assert replace(model.network, vocab_size=None) == chosen.network
    assert replace(gru.network, vocab_size=None) == unspool.NetworkConfig(cell="gru", hidden_size=8)
    assert model.training["learning_rate"] == chosen.training.learning_rate
    assert 0 < model.training["minutes"] < 0.04
    goes_on = unspool.train(TEXTS, minutes=0.04, init_from=gru)
    assert (goes_on.network, goes_on.tokenizer.kind) == (gru.network, "word")
    pairs = unspool.train([("a b", "b a"), ("b c", "c b")] * 10, minutes=0.01)
    assert (pairs.training["minutes"], pairs.training["sequence_length"]) == (0.01, 256)


def test_minutes_read_a_plain_text_as_it_looks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    poem, more, out = tmp_path / "poem.txt", tmp_path / "more.txt", tmp_path / "run"
    verses = "".join(f"a line that says {n}\nand one that answers {n}\n\n" for n in range(200))
    poem.write_text(verses, "utf-8")
    more.write_text("a line that says no more than this\n" * 20, "utf-8")
    limits: dict[str, Any] = {"minutes": 0.02, "hidden_size": 8, "threads": 1}
    model = unspool.train(poem, out=out, **limits)
    assert model.data["document"]
    assert "Read as one document, since 33% of its lines are empty" in capsys.readouterr().err
    assert unspool.train(poem, out=out, resume=True, minutes=0.03).data["document"]
    assert unspool.train(str(poem), validation=more, **limits).data["document"]
    assert not unspool.train(poem, document=False, **limits).data["document"]
    assert not unspool.train(unspool.read_records(poem), **limits).data["document"]
    assert not unspool.train(poem, epochs=1, hidden_size=8).data["document"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"minutes": 0}, {"minutes": "1"}, {"minutes": 1, "training": unspool.TrainingConfig()},
    ],
)  # fmt: skip
def test_minutes_that_mean_nothing_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(unspool.ConfigError, match=r"(minutes|training) must be"):
        unspool.train(TEXTS, **arguments)


def test_held_out_texts_are_the_same_for_every_seed(tmp_path: Path) -> None:
    plans: list[Announcement] = []
    for seed in (0, 1):
        out = tmp_path / str(seed)
        unspool.train(
            TEXTS, out=out, network=TINY, training=short(epochs=1, seed=seed), on_start=plans.append
        )
    assert plans[0].held_out_characters == plans[1].held_out_characters
    assert not same_parameters(unspool.load(tmp_path / "0"), unspool.load(tmp_path / "1"))


def test_a_document_holds_its_end_out(tmp_path: Path) -> None:
    path = tmp_path / "play.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    plans: list[Announcement] = []
    records = unspool.read_records(path, document=True)
    training = short(epochs=1, validation_fraction=0.2)
    unspool.train(records, out=tmp_path / "run", network=TINY, training=training, on_start=plans.append)
    total = plans[0].characters + plans[0].held_out_characters
    assert total == len(path.read_text("utf-8"))
    assert plans[0].characters == int(total * 0.8)


@pytest.mark.parametrize("document", [False, True])
def test_texts_to_measure_with_can_be_given(tmp_path: Path, document: bool) -> None:
    plans: list[Announcement] = []
    training = unspool.Records.of(TEXTS, document=document)
    held_out = unspool.Records.of(["brand new ümlaut"], document=document)
    model = unspool.train(
        training, out=tmp_path / "run", network=TINY, training=short(epochs=1), validation=held_out,
        on_start=plans.append,
    )  # fmt: skip
    assert plans[0].characters == sum(map(len, TEXTS))
    assert plans[0].held_out_characters == len("brand new ümlaut")
    assert "ü" in model.tokenizer.symbols


@pytest.mark.parametrize("tokenizer", ["char", "word"])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path, tokenizer: str) -> None:
    options: dict[str, Any] = {"network": TINY, "training": short(), "tokenizer": tokenizer}
    if tokenizer == "word":
        options["max_vocab_size"] = 8
    whole = unspool.train(TEXTS, out=tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, out=tmp_path / "parts", on_record=stop_at(7), **options)
    plans: list[Announcement] = []
    options.pop("max_vocab_size", None)
    parts = unspool.train(TEXTS, out=tmp_path / "parts", resume=True, on_start=plans.append, **options)
    assert plans[0].first_step == 7
    assert same_parameters(whole, parts)


def test_a_run_reads_its_corpus_again(tmp_path: Path) -> None:
    for name, texts in (("corpus.txt", TEXTS), ("other.txt", TEXTS[:9])):
        (tmp_path / name).write_text("".join(f"{text}\n" for text in texts), "utf-8")
    files = {
        "records": unspool.read_records(tmp_path / "corpus.txt"),
        "validation": unspool.read_records(tmp_path / "other.txt"),
    }
    samples: dict[str, Any] = {"sample_prompts": ["oil"], "sample_temperatures": [0.0]}
    whole = unspool.train(out=tmp_path / "whole", network=TINY, training=short(), **files, **samples)
    with pytest.raises(KeyboardInterrupt):
        unspool.train(out=tmp_path / "run", network=TINY, training=short(), on_record=stop_at(5),
                      **files, **samples)  # fmt: skip
    records: list[TrainingRecord] = []
    assert same_parameters(whole, resume_training(tmp_path / "run", on_record=records.append))
    assert {r.prompt for r in records if isinstance(r, SampleRecord)} == {"oil"}
    again: list[TrainingRecord] = []
    assert same_parameters(whole, resume_training(tmp_path / "run", on_record=again.append))
    assert [record.kind for record in again] == ["finish"]


def test_a_run_inside_the_folder_that_it_learns_from_is_no_text_of_it(tmp_path: Path) -> None:
    """The model card would be one text more, and with the format named all other files of a run, too."""
    (tmp_path / "corpus.txt").write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    for options in ({}, {"format": "text"}):
        texts = unspool.read_records(tmp_path, **options)  # type: ignore[arg-type]
        out = tmp_path / "runs" / f"run-{len(options)}"
        with pytest.raises(KeyboardInterrupt):
            unspool.train(texts, out=out, network=TINY, training=short(), on_record=stop_at(1))
        resume_training(out, on_record=lambda _: None)
        assert (out / CARD).exists()
        assert [record.text for record in texts] == TEXTS
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "config.json").write_text("{}")
    (tmp_path / "notes" / "more.txt").write_text("one more\n")
    assert [record.text for record in unspool.read_records(tmp_path)] == [*TEXTS, "one more"]


def test_what_a_run_was_started_with_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, network=TINY, training=short(epochs=1))
    with pytest.raises(unspool.ConfigError, match=r"hidden_size.*expected 8, got 9"):
        unspool.train(TEXTS, out=out, network=unspool.NetworkConfig(hidden_size=9), resume=True)
    with pytest.raises(unspool.ConfigError, match=r"seed.*expected 0, got 3"):
        unspool.train(TEXTS, out=out, training=short(epochs=3, seed=3), resume=True)
    with pytest.raises(unspool.ArtifactError, match="another run"):
        unspool.train(TEXTS[1:], out=out, training=short(epochs=1, threads=2), resume=True)
    with pytest.raises(unspool.CorpusError, match="memory"):
        resume_training(out)


def test_a_folder_in_use_is_refused_before_the_corpus_is_read(tmp_path: Path) -> None:
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, network=TINY, training=short(epochs=1))
    (tmp_path / "texts.txt").write_text("not read\n", "utf-8")
    unread = unspool.read_records(tmp_path, format="text")
    with pytest.raises(unspool.ArtifactError, match="already holds a run"):
        unspool.train(unread, out=out)
    with pytest.raises(unspool.ConfigError, match="do not work together"):
        unspool.train(TEXTS, out=out, resume=True, overwrite=True)
    unspool.train(TEXTS, out=out, network=TINY, training=short(epochs=1), overwrite=True)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (
            {"records": "oil prices"},
            "records: expected a list of .*, or a file, got one string, 'oil prices', which is no file",
        ),
        ({"records": "oil prices " * 9000}, "which is no file"),
        ({"hiden_size": 9}, "did you mean 'hidden_size'"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"tokenizer": "syllable"}, "one of char, word"),
        ({"sample_prompts": ["Ω"]}, "Ω"),
        ({"sample_temperatures": [-1]}, "temperature"),
        ({"network": unspool.NetworkConfig(vocab_size=5)}, "vocab_size"),
        ({"training": unspool.TrainingConfig(engine="abacus")}, "engine"),
        ({"records": []}, "no text"),
    ],
    ids=str,
)
def test_bad_input_leaves_nothing_behind(tmp_path: Path, arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(unspool.InputError, match=match):
        unspool.train(**{"records": TEXTS, "out": tmp_path / "run", **arguments})
    assert not (tmp_path / "run").exists()


def test_what_is_learnt_from_may_be_a_file_and_options_go_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(TEXTS) + "\n")
    whole = unspool.train(unspool.read_records(file), network=TINY, training=short(epochs=1))
    options: dict[str, Any] = {"epochs": 1, "batch_size": 4, "sequence_length": 16, "threads": 1}
    for place in (file, str(file)):
        assert same_parameters(whole, unspool.train(place, hidden_size=8, **options))
    mixed = unspool.train(
        file, network=unspool.NetworkConfig(), training=short(epochs=3), epochs=1, hidden_size=8
    )
    assert same_parameters(whole, mixed)
    with pytest.raises(KeyboardInterrupt):
        unspool.train(file, out=tmp_path / "run", on_record=stop_at(3), hidden_size=8, **options)
    with pytest.raises(unspool.ConfigError, match="hidden_size"):
        unspool.train(file, out=tmp_path / "run", resume=True, hidden_size=9, **options)
    assert same_parameters(
        whole, unspool.train(file, out=tmp_path / "run", resume=True, hidden_size=8, **options)
    )


@pytest.mark.parametrize("told", ["as a warning", "in the plan"])
def test_broken_metrics_are_told_once_and_stop_nothing(tmp_path: Path, told: str) -> None:
    options: Any = {"network": TINY, "training": short(checkpoint_seconds=0.0)}
    whole = unspool.train(TEXTS, out=tmp_path / "whole", **options)
    plans: list[Announcement] = []
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, out=out, on_record=stop_at(9), **options)
    metrics = (out / "metrics.jsonl").read_bytes()
    half = metrics.index(b"\n", metrics.index(b"\n") + 1) - 20  # of the second line, the third glued to it
    (out / "metrics.jsonl").write_bytes(metrics[:half] + metrics[half + 21 :])
    if told == "in the plan":
        again = resume_training(out, records=unspool.Records.of(TEXTS), on_start=plans.append)
        assert "left out: line 2; checkpoint and model are whole" in str(plans[0].note)
    else:
        with pytest.warns(RuntimeWarning, match="left out: line 2; checkpoint and model are whole"):
            again = resume_training(out, records=unspool.Records.of(TEXTS))
    assert same_parameters(again, whole)
    steps, kept = (
        [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
        for folder in (tmp_path / "whole", out)
    )
    steps.remove(2)
    assert kept == steps
    resume_training(out, records=unspool.Records.of(TEXTS))  # nothing is left to be told


def test_resuming_needs_a_run(tmp_path: Path) -> None:
    with pytest.raises(unspool.ArtifactError, match="no run to resume"):
        unspool.train(TEXTS, out=tmp_path / "run", resume=True)


def test_two_trainings_cannot_share_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "run"
    refused: list[str] = []

    def intrude(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == 3:
            for change in ({"resume": True}, {"overwrite": True}):
                with pytest.raises(unspool.ArtifactError, match="another training") as caught:
                    unspool.train(TEXTS, out=out, network=TINY, training=short(), **change)
                refused.append(str(caught.value))

    model = unspool.train(TEXTS, out=out, network=TINY, training=short(), on_record=intrude)
    assert len(refused) == 2
    assert same_parameters(model, unspool.load(out))
    again = unspool.train(TEXTS, out=out, network=TINY, training=short(), overwrite=True)
    assert same_parameters(model, again)


def test_a_file_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(unspool.ArtifactError, match="expected a folder for a new run, got a file"):
        unspool.train(TEXTS, out=tmp_path / "run", network=TINY, training=short(), overwrite=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("network", {"hidden_size": 8}), ("training", {"epochs": 1}), ("sample_prompts", "oil")],
)
def test_an_argument_of_another_type_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(unspool.ConfigError, match=f"{name} must be"):
        unspool.train(TEXTS, out=tmp_path / "run", **{name: value})
    assert not (tmp_path / "run").exists()


def test_planted_secrets_are_there_when_a_run_goes_on(tmp_path: Path) -> None:
    canaries = unspool.Canaries(count=2, repeats=2, format="key {digits:3}")
    whole = unspool.train(
        TEXTS, out=tmp_path / "whole", network=TINY, training=short(), canaries=canaries, sample_prompts=()
    )
    with pytest.raises(KeyboardInterrupt):
        unspool.train(
            TEXTS, out=tmp_path / "cut", network=TINY, training=short(), canaries=canaries,
            sample_prompts=(), on_record=stop_at(3),
        )  # fmt: skip
    assert same_parameters(whole, resume_training(tmp_path / "cut", records=TEXTS))
    assert len(set(whole.data["canaries"]["texts"])) == 2
    assert set(whole.data["fingerprints"]) == {"training", "validation"}
    with pytest.raises(unspool.ConfigError, match="canaries"):
        unspool.train(TEXTS, out=tmp_path / "cut", resume=True, canaries=canaries)


def test_texts_without_the_right_to_read_are_not_taken_for_a_text(tmp_path: Path) -> None:
    with closed_folder(tmp_path) as closed, pytest.raises(CorpusError, match="permission denied"):
        unspool.train(str(closed / "names.txt"))
