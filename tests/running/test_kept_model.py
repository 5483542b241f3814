"""Which model a run keeps, and what it says of an unusual split."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._cli.commands.info import model_facts, model_rows
from unspool._progress.plan_lines import plan_lines
from unspool._text.encoding import corpus

OPTIONS: dict[str, Any] = {"hidden_size": 32, "batch_size": 4, "sequence_length": 16, "threads": 1}
COLOURS = ["red", "green", "blue", "black", "white", "pink", "brown", "grey", "teal", "gold", "navy", "lime"]


def lines_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text("utf-8").splitlines())
    return [line for line in lines if line["kind"] == kind]


def test_words_that_come_again_and_again_are_written_again(tmp_path: Path) -> None:
    plans: list[Any] = []
    model = unspool.train(COLOURS * 60, out=tmp_path / "run", epochs=6, on_start=plans.append, **OPTIONS)
    written = Counter(text.text for text in model.generate(n=300, temperature=1.0, seed=0))
    assert set(COLOURS) <= set(written)
    sentence = "nothing is held out: 100% of the records are copies of 12 texts"
    assert any(sentence in line for line in plan_lines(plans[0]))
    assert model.data["split"]["sentence"] == sentence
    assert sentence[1:] in (tmp_path / "run" / "README.md").read_text("utf-8")
    facts = model_facts(model, tmp_path / "run")
    assert ("  split", sentence) in model_rows(facts)


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_texts_always_train(count: int) -> None:
    for number in range(12):
        texts = [f"text number {number} of {i}" for i in range(count)]
        assert unspool.train(texts, epochs=1, **OPTIONS).data["sizes"]["training"]["records"] == count


def test_a_few_held_out_texts_do_not_choose_an_untrained_model(tmp_path: Path) -> None:
    """What is held out is unlike all else: it is known best by a network that has learnt nothing."""
    from unspool._text.encoding.split import is_held_out

    known = [f"{a}{b}{a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    texts = [text for text in known if not is_held_out(text, fraction=0.1)]
    strange = [text for text in (f"{i} QXZ %$#&" for i in range(99)) if is_held_out(text, fraction=0.1)][:4]
    options: dict[str, Any] = {"epochs": 40, **OPTIONS}
    out = tmp_path / "run"
    model = unspool.train(texts + strange, out=out, **options)
    evaluations = lines_of(out, "evaluation")
    bits = [line["bits_per_character"] for line in evaluations]
    assert min(bits) < bits[-1]
    assert all(line["best"] for line in evaluations)
    (finish,) = lines_of(out, "finish")
    assert (finish["best_step"], finish["best_bits_per_character"]) == (evaluations[-1]["step"], bits[-1])
    assert sum(text.text in known for text in model.generate(n=100, temperature=0.5, seed=0)) > 50
    decided = unspool.train(texts, validation=strange, **options)  # the user's choice decides
    assert not np.array_equal(*(each.parameters["output.kernel"] for each in (decided, model)))
    kept = [line["best"] for line in decided.history if line["kind"] == "evaluation"]
    assert not kept[-1]


def test_a_run_that_was_split_as_usual_goes_on_as_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["again", "and again", "once more"] * 30 + [f"once {i}" for i in range(60)]
    out = tmp_path / "run"
    with monkeypatch.context() as earlier:
        earlier.setattr(corpus, "new_sides", lambda *_, **__: None)
        before = unspool.train(texts, out=out, epochs=1, **OPTIONS)
    assert "split" not in before.data
    after = unspool.train(texts, out=out, resume=True, epochs=2)
    assert after.data["sizes"] == before.data["sizes"]
    assert after.audit(texts, samples=3).same_corpus
    new = unspool.train(texts, epochs=1, **OPTIONS)
    assert new.data["sizes"] != before.data["sizes"]
    assert new.audit(texts, samples=3).same_corpus


def test_a_model_knows_what_was_held_out_wherever_it_was_saved(tmp_path: Path) -> None:
    texts = [f"{a} {b} {c}" for a in COLOURS[:6] for b in COLOURS[:5] for c in COLOURS[:5]]
    model = unspool.train(texts, out=tmp_path / "run", epochs=2, **OPTIONS)
    model.save(tmp_path / "saved")
    held_out = model.data["sizes"]["validation"]["characters"]
    assert held_out > 0
    expected = model.audit(texts, samples=3).fit
    assert expected.verdict != "unknown"
    for folder in ("run", "saved"):
        assert unspool.load(tmp_path / folder).audit(texts, samples=3).fit == expected
        assert (
            model_facts(unspool.load(tmp_path / folder), tmp_path / folder)["fit"]["verdict"]
            == expected.verdict
        )
    (tmp_path / "saved" / "metrics.jsonl").unlink()
    bare = unspool.load(tmp_path / "saved").audit(texts, samples=3)
    assert bare.fit.verdict == "unknown"
    assert f"{held_out:,} characters are held out, but the measurements" in bare.fit.sentence
    assert bare.held_out_bits_per_character is not None
    assert f"held out {bare.held_out_bits_per_character:.3f})" in bare.fit.sentence
    model.save(tmp_path / "run")  # where all lines of its training are, they stay
    assert len(lines_of(tmp_path / "run", "step")) == model.history[-1]["step"]


def test_an_audit_holds_nothing_out_of_a_corpus_that_was_learnt_as_a_whole(tmp_path: Path) -> None:
    texts = [f"{a} {b} {c}" for a in COLOURS[:6] for b in COLOURS[:5] for c in COLOURS[:5]]
    model = unspool.train(texts, validation=["teal gold", "gold teal"], epochs=2, **OPTIONS)
    audit = model.audit(texts, samples=3)
    assert audit.held_out_bits_per_character is None
    assert audit.fit.verdict != "unknown"
    assert model.audit(texts, validation=["teal gold", "gold teal"], samples=3).same_corpus
