"""Where one choice ends and the next begins, and what reaches the look at a text."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool._network.config import NetworkConfig
from unspool._planning import choosing
from unspool._planning.budget import Budget
from unspool._planning.choosing import TrainingPlan
from unspool._planning.first_seconds import revised
from unspool._planning.mode import read_as_it_looks, read_to_learn, told_mode
from unspool._text.opening import as_records
from unspool._training.config import TrainingConfig

from .test_choosing import LINES, Machine, plan


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\n" * 18 + "\na", "one document, since 5% of its lines are empty"),  # one of 20
        ("a\n" * 19 + "\na", "a text per line, since its lines are short (1 character) and few are empty"),
        ("x" * 2000, "one document, since its lines are long (2,000 characters on average)"),
        ("x" * 1999, "a text per line, since its lines are short (1,999 characters) and none is empty"),
        ("", "a text per line, since its lines are short (0 characters) and few are empty"),
        (" \n \n", "a text per line, since its lines are short (0 characters) and few are empty"),
        ("a\n\n" * 9, "one document, since 47% of its lines are empty"),  # 8 of 17: the end does not count
    ],
)
def test_a_text_is_told_by_its_lines(text: str, reason: str) -> None:
    mode = told_mode(text)
    assert (mode.reason, mode.document) == (reason, reason.startswith("one document"))


@pytest.fixture
def poem(tmp_path: Path) -> Path:
    path = tmp_path / "poem.txt"
    path.write_text("a line\n\n" * 9, "utf-8")
    return path


WHY = "Read as one document, since 47% of its lines are empty"


def test_a_corpus_is_read_as_it_looks_unless_that_is_said(poem: Path) -> None:
    def read(options: Any) -> unspool.Records:
        return as_records(poem, options)

    records, how = read_as_it_looks(read, {})
    assert (records.document, how) == (True, f"{WHY}.")
    for document, words in ((True, "one document"), (False, "separate texts")):
        records, how = read_as_it_looks(read, {"document": document})
        assert (records.document, how) == (document, f"Read as {words}, as given.")
    in_memory = unspool.Records.of(["a", "", "b"])
    records, how = read_as_it_looks(lambda _: in_memory, {})
    assert records is in_memory
    assert how == "Read as separate texts: use --document for one long document."
    left = iter(["a", "b"])
    once = unspool.Records(lambda: (unspool.Record(text) for text in left), description="a pipe", once=True)
    gathered, how = read_as_it_looks(lambda _: once, {})
    assert [record.text for record in gathered] == [record.text for record in gathered] == ["a", "b"]
    assert how == "Read as separate texts: use --document for one long document."


@pytest.mark.parametrize(
    ("reading", "decided", "look", "expected"),
    [
        ({}, None, True, (True, WHY)),
        ({}, None, False, (False, None)),
        ({"document": False}, None, True, (False, None)),
        ({"document": True}, None, False, (True, None)),
        ({}, {"document": True}, True, (True, None)),
        ({}, {}, True, (False, None)),
        ({"document": False}, {"document": True}, True, (False, None)),
    ],
)
def test_a_run_goes_on_as_it_was_read(
    poem: Path, reading: dict[str, Any], decided: Any, look: bool, expected: tuple[bool, str | None]
) -> None:
    corpus, held_out, why = read_to_learn(poem, str(poem), reading, decided, look=look)
    assert (corpus.document, why) == expected
    assert held_out is not None
    assert held_out.document is expected[0]
    records = unspool.Records.of(["a"])
    assert read_to_learn(records, None, {}, decided, look=look) == (records, None, None)


def budget(**changes: float) -> Budget:
    return Budget(**{"total": 100.0, "spent": 0.0, "reading": 0.0, "evaluation": 0.0, **changes})


@pytest.mark.parametrize(
    ("evaluation", "count"), [(0.0, 12), (0.5, 12), (0.51, 11), (1.0, 6), (2.9, 2), (3.0, 2), (50.0, 2)]
)
def test_evaluations_are_as_many_as_are_cheap(evaluation: float, count: int) -> None:
    made = budget(evaluation=evaluation)
    assert made.evaluations == count
    assert made.run == pytest.approx(100 - evaluation - 0.8)
    assert made.learning == pytest.approx(100 - 0.8 - count * evaluation)


def test_a_tenth_must_be_left_to_learn() -> None:
    assert budget(spent=80.0, reading=9.2).enough
    short = budget(spent=80.0, reading=9.25)
    assert not short.enough
    assert str(short.refusal()) == (
        "minutes must be at least 1.7: reading and measuring take 90 s; got 1.66667; allow more minutes, or "
        "choose --epochs N, or --epochs none to stop by the clock only"
    )


def test_what_is_told_reaches_the_look_at_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    look = choosing.look_at

    def noted(records: Any, *, recipe: Any, clock: Any) -> Any:
        seen.append((records.description, recipe, clock()))
        return look(records, recipe=recipe, clock=clock)

    monkeypatch.setattr(choosing, "look_at", noted)
    texts = unspool.Records.of(LINES, normalization="NFKC")
    plan(texts, tokenizer="word", max_vocab_size=9, validation=["oil"], clock=lambda: 7.0)
    (_, recipe, now), (held_out, beside, _) = seen
    assert (recipe.tokenizer, recipe.max_vocab_size, recipe.grow, now) == ("word", 9, False, 7.0)
    assert (recipe.normalization, held_out, beside) == ("NFKC", "1 text in memory", recipe)
    model = unspool.train(
        LINES[:200], hidden_size=5, cell="gru", epochs=1, validation_fraction=None, progress=False
    )
    seen.clear()
    chosen = plan(init_from=model, max_vocab_size=9, network={"dropout": 0.25})
    ((_, recipe, _),) = seen
    assert (recipe.tokenizer, recipe.max_vocab_size, recipe.grow) == (model.tokenizer, None, True)
    assert (chosen.network.cell, chosen.network.hidden_size, chosen.network.dropout) == ("gru", 5, 0.25)
    assert chosen.network.vocab_size is None
    with pytest.raises(unspool.CorpusError, match=r"^validation: "):
        plan(validation="no such file")


def test_a_twentieth_of_the_time_is_for_timing_and_a_fifth_of_it_for_lanes() -> None:
    asked: list[tuple[int, int, float]] = []

    class Timed(Machine):
        def __call__(self, networks: Any, training: Any, seconds: float) -> list[float]:
            asked.append((len(networks), training.batch_size, seconds))
            return super().__call__(networks, training, seconds)

    chosen = plan(minutes=0.5, measure=Timed())
    assert [(count, lanes) for count, lanes, _ in asked[:4]] == [(1, 8), (1, 16), (1, 32), (1, 64)]
    assert [seconds for *_, seconds in asked] == pytest.approx([0.075] * 4 + [1.2])
    assert asked[4][0] > 1
    assert chosen.training.evaluate_every == round(1 / 12, 4)
    asked.clear()
    plan(minutes=50, measure=Timed(), training={"batch_size": 5})
    assert [(lanes, seconds) for _, lanes, seconds in asked] == [(5, pytest.approx(2.4))]  # three at most


def test_a_plan_in_a_notebook_shows_what_is_not_usual() -> None:
    network, training = (
        NetworkConfig(hidden_size=7),
        TrainingConfig(learning_rate=0.0123, epochs=None, minutes=2.0),
    )
    shown = TrainingPlan(network, training, ("Because.",))._repr_html_()
    for words in (
        "Training plan",
        "option",
        "value",
        "hidden_size",
        ">7<",
        "learning_rate",
        "0.0123",
        "Because.",
    ):
        assert words in shown
    assert "num_layers" not in shown
    assert repr(TrainingPlan(network, training)).startswith(
        "TrainingPlan(network=NetworkConfig(hidden_size=7), training=TrainingC"
    )


def test_a_plan_that_was_missed_says_by_how_much() -> None:
    first = plan(minutes=0.5, measure=Machine(1e9))
    assert first.best is not None
    better = revised(first, speed=first.best.speed / 8, seconds=6.25)
    assert better is not None
    assert better.best is not None
    old, new = first.network.hidden_size, better.network.hidden_size
    assert better.reasons == (
        f"the first 6.2 s read {first.best.speed / 8:,.0f} symbols a second, not {first.best.speed:,.0f} as "
        f"planned: begun again with {new} units in place of {old}, {better.best.budget.run:,.0f} s are left",
    )
    assert better.basis is not None
    assert better.basis.facts.seconds == 0.0
    assert better.basis.spent == pytest.approx(6.25)
    alone = replace(first, basis=None)
    assert revised(alone, speed=1.0, seconds=1.0) is None
    assert revised(replace(first, best=None), speed=1.0, seconds=1.0) is None
    for times in (2.0, 0.5):
        assert revised(first, speed=times * first.best.speed, seconds=6.0) is None
