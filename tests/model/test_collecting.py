"""Good texts from a real model: what `generate` and `collect` give, and the index that training leaves."""

import os
import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._artifacts.belonging import NOVELTY
from unspool._generation.requests import Request, make_request
from unspool._generation.selecting import collection as collecting
from unspool._model import writing
from unspool._running.resuming import resume_training
from unspool._training.records import StepRecord, TrainingRecord

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
TEXTS = [f"{a} {b}" for a in WORDS for b in WORDS] * 4
SETTINGS: dict[str, Any] = {
    "network": unspool.NetworkConfig(hidden_size=16),
    "training": unspool.TrainingConfig(
        epochs=4, batch_size=4, sequence_length=16, threads=1, learning_rate=0.03
    ),
    "sample_prompts": (),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> unspool.Generator:
    out = tmp_path_factory.mktemp("runs") / "run"
    return unspool.train(TEXTS, out=out, novelty_index=True, **SETTINGS)


def test_the_issues_own_words(model: unspool.Generator) -> None:
    texts = model.generate(
        n=20, unique=True, novel=True, valid=r"[a-z ]+", max_attempts=5000, seed=1, temperature=1.2
    )
    assert isinstance(texts, list)
    assert isinstance(texts[0], unspool.Generation)
    assert len({text.text for text in texts}) == 20
    index = model.novelty_index
    assert index is not None
    assert not any(index.knows(text.text) for text in texts)
    report = texts.report
    assert report is not None
    assert report.complete
    assert report.copies > 0, "or nothing was put to the test"
    assert pickle.loads(pickle.dumps(texts)).report == report


def test_plain_texts_have_no_report(model: unspool.Generator) -> None:
    plain = model.generate(["oil ", ""], n=3, seed=1)
    assert plain.report is None
    assert model.generate("oil ", n=3, seed=1, unique=False, novel=False, valid=None).report is None
    collected = model.collect(["oil ", ""], n=3, seed=1).gather()
    assert [text.text for text in collected] == [text.text for text in plain]
    assert collected.report is not None


def test_the_seed_decides_whatever_is_drawn_at_once(
    model: unspool.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"n": 30, "unique": True, "novel": True, "seed": 5, "temperature": 1.3}
    whole = model.generate(["", "oil "], **options)
    monkeypatch.setattr(collecting, "FIRST_DRAW", 3)
    monkeypatch.setattr(collecting, "LARGEST_DRAW", 7)
    monkeypatch.setattr(collecting, "LEAST_DRAW", 1)
    parts = model.generate(["", "oil "], **options)
    assert [text.text for text in whole] == [text.text for text in parts]
    assert [text.total_logprob for text in whole] == [text.total_logprob for text in parts]
    assert whole.report is not None
    assert parts.report is not None
    assert whole.report.attempts == parts.report.attempts


def test_a_collection_can_be_gone_on_with(model: unspool.Generator) -> None:
    options: dict[str, Any] = {"novel": True, "seed": 5, "temperature": 1.3}
    whole = [text.text for text in model.collect(n=30, **options)]
    begun = model.collect(n=10, **options)
    texts = [text.text for text in begun]
    rest = model.collect(n=20, first=begun.report.attempts, **options)
    assert texts + [text.text for text in rest] == whole


def test_a_request_is_prepared_once_for_all_batches(
    model: unspool.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[Any] = []

    def prepare(*arguments: Any, **more: Any) -> Request:
        prepared.append(make_request(*arguments, **more))
        return prepared[-1]

    monkeypatch.setattr(writing, "make_request", prepare)
    monkeypatch.setattr(collecting, "LARGEST_DRAW", 16)
    texts = list(model.collect(["", "oil "], n=100, seed=1, constraint=unspool.Constraint(max_length=12)))
    assert len(texts) == 200
    assert len(prepared) == 1


def test_a_prompt_is_collected_after_each_of_several_states(model: unspool.Generator) -> None:
    states = [model.state_after("oil "), model.state_after("team ")]
    options: dict[str, Any] = {"n": 5, "unique": True, "seed": 1}
    texts = model.generate(state=states, **options)
    assert len(texts) == 10
    alone = [text.text for text in model.generate(state=states[0], **options)]
    assert [text.text for text in texts[:5]] == alone


def test_without_a_seed_no_text_comes_from_one_seed_twice(model: unspool.Generator) -> None:
    one, other = (model.generate(n=40, unique=True, temperature=1.5) for _ in range(2))
    assert [text.text for text in one] != [text.text for text in other]


def test_finished_texts_are_those_the_model_ended(model: unspool.Generator) -> None:
    texts = model.generate(n=20, finished=True, seed=1, max_new_tokens=9)
    assert {text.finish_reason for text in texts} == {"stop"}
    assert texts.report is not None
    assert texts.report.cut_off > 0


def test_texts_that_ignore_eos_are_finished_by_a_stop_string_alone(model: unspool.Generator) -> None:
    texts = model.generate(n=5, seed=1, max_new_tokens=9, ignore_eos=True)
    assert [(len(text.ids), text.finish_reason) for text in texts] == [(9, "length")] * 5
    with pytest.raises(unspool.ConfigError, match="finished must be off: with ignore_eos and without stop"):
        model.generate(n=5, finished=True, ignore_eos=True)
    (symbol,) = {text.continuation[0] for text in texts[:1]}
    ended = model.generate(n=1, finished=True, seed=1, max_new_tokens=9, ignore_eos=True, stop=symbol)
    assert ended[0].stop_reason == symbol
    with pytest.raises(unspool.ConfigError, match="ignore_eos must be left out with a constraint"):
        model.generate(ignore_eos=True, constraint=unspool.Constraint(max_length=5))


def test_novel_needs_something_to_compare_with(model: unspool.Generator, tmp_path: Path) -> None:
    bare = unspool.Generator(network=model.network, tokenizer=model.tokenizer, parameters=model.parameters)
    with pytest.raises(unspool.ConfigError, match=r"--novelty-index.*--against"):
        bare.generate(novel=True)
    index = unspool.NoveltyIndex.of(TEXTS)
    texts = bare.generate(n=20, novel=index, seed=1, temperature=1.2)
    assert not {text.text for text in texts} & set(TEXTS)
    bare.novelty_index = index
    assert [text.text for text in bare.generate(n=20, novel=True, seed=1, temperature=1.2)] == [
        text.text for text in texts
    ]
    bare.save(tmp_path / "copy")
    kept = unspool.load(tmp_path / "copy").novelty_index
    assert kept is not None
    assert len(kept) == len(index)
    bare.novelty_index = None
    bare.save(tmp_path / "copy")
    assert not (tmp_path / "copy" / NOVELTY).exists()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"valid": "["}, unspool.ConfigError, "valid"),
        ({"n": 0, "unique": True}, unspool.ConfigError, "n"),
        ({"unique": True, "temperature": -1}, unspool.ConfigError, "temperature"),
        ({"unique": True, "temperatur": 1}, unspool.ConfigError, "did you mean 'temperature'"),
        ({"unique": True, "prompt": "Ω"}, unspool.UnknownSymbolError, "Ω"),
        ({"unique": True, "prompt": 3}, unspool.ConfigError, "prompt"),
    ],
    ids=str,
)
def test_errors_come_with_the_call(
    model: unspool.Generator, options: dict[str, Any], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        model.collect(**options)
    with pytest.raises(error, match=match):
        model.generate(**options)


def test_the_index_has_all_texts_and_knows_which_were_held_out(model: unspool.Generator) -> None:
    from unspool._text.encoding.split import is_held_out

    index = model.novelty_index
    assert index is not None
    held = [text for text in TEXTS if is_held_out(text, fraction=0.1)]
    assert held
    assert all(map(index.knows, TEXTS))
    assert {text for text in TEXTS if index.holds_out(text)} == set(held)
    assert len(index) == len(set(TEXTS))
    assert index.covers == "the training and the held-out texts"


def test_copies_of_held_out_texts_are_refused_and_counted_apart(model: unspool.Generator) -> None:
    from unspool._generation.selecting.collection import Collection
    from unspool._text.encoding.split import is_held_out

    texts = [*dict.fromkeys(TEXTS), "something else", "and more"]
    held = [text for text in dict.fromkeys(TEXTS) if is_held_out(text, fraction=0.1)]

    def draw(prompt: int, count: int, first: int) -> list[unspool.Generation]:
        drawn = texts[first : first + count]
        return [unspool.Generation(text, "", text, np.ones(1), np.zeros(1), "stop") for text in drawn]

    collection = Collection(
        draw, 1, n=2, first=0, selection=unspool.Selection(), known=model.novelty_index, max_new_tokens=9
    )
    assert [text.text for text in collection] == ["something else", "and more"]
    report = collection.report
    assert (report.copies, report.held_out_copies) == (len(texts) - 2, len(held))
    assert f"copies of known texts, {len(held)} of them held-out ones" in str(report)


def test_an_index_of_an_earlier_version_loads_and_is_made_whole_by_a_resumed_run(
    model: unspool.Generator, tmp_path: Path
) -> None:
    from dataclasses import replace

    from unspool._artifacts.novelty_file import save_novelty

    out = tmp_path / "run"
    new = unspool.train(TEXTS, out=out, novelty_index=True, **SETTINGS)
    assert new.novelty_index is not None
    whole = (out / NOVELTY).read_bytes()
    save_novelty(out, replace(new.novelty_index, held_out=None), new.tokenizer)
    old = unspool.load(out).novelty_index
    assert old is not None
    assert (old.covers, old.held_out) == ("the training texts alone", None)
    assert 0 < sum(map(old.knows, TEXTS)) < len(TEXTS)
    resume_training(out, records=unspool.Records.of(TEXTS))
    assert (out / NOVELTY).read_bytes() == whole


def test_a_document_is_known_by_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "poem.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS[:64]), "utf-8")
    records = unspool.read_records(path, document=True)
    index = unspool.train(records, out=tmp_path / "run", novelty_index=True, **SETTINGS).novelty_index
    assert index is not None
    assert index.by_line
    assert all(map(index.knows, TEXTS[:64]))  # the line that the cut divides is known too
    held = [index.holds_out(text) for text in TEXTS[:64]]
    assert 0.08 * 64 <= sum(held) <= 0.15 * 64
    assert held == sorted(held), "the end is held out"


def test_a_run_without_one_has_none_until_it_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert unspool.train(TEXTS, out=out, **SETTINGS).novelty_index is None
    assert not (out / NOVELTY).exists()
    again = resume_training(out, records=unspool.Records.of(TEXTS), novelty_index=True)
    assert again.novelty_index is not None
    assert unspool.train(TEXTS, out=out, overwrite=True, **SETTINGS).novelty_index is None


def test_resuming_keeps_the_index_and_makes_up_for_a_lost_one(tmp_path: Path) -> None:
    def press(record: TrainingRecord) -> None:
        if isinstance(record, StepRecord) and record.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        unspool.train(TEXTS, out=out, novelty_index=True, on_record=press, **SETTINGS)
    kept = (out / NOVELTY).read_bytes()
    (out / NOVELTY).unlink()
    resume_training(out, records=unspool.Records.of(TEXTS))
    assert (out / NOVELTY).read_bytes() == kept


def test_a_damaged_index_is_an_error_only_where_it_is_needed(tmp_path: Path) -> None:
    out = tmp_path / "run"
    unspool.train(TEXTS, out=out, novelty_index=True, **SETTINGS)
    (out / NOVELTY).write_bytes((out / NOVELTY).read_bytes()[:-1])
    model = unspool.load(out)
    assert len(model.generate(n=2, unique=True)) == 2
    with pytest.raises(unspool.ArtifactError, match="novelty"):
        model.generate(novel=True)
    with pytest.raises(unspool.ConfigError, match="novelty_index"):
        unspool.train(TEXTS, out=tmp_path / "other", novelty_index="yes", **SETTINGS)  # type: ignore[arg-type]
