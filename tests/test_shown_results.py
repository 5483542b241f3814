"""How every public class shows itself: a short repr, and HTML in which nothing of a text is obeyed."""

import inspect
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.views.checked_html import texts_of
from unspool._generation.selecting.report import CollectionReport
from unspool._sweeping.results import Run, SweepOutcome

HOSTILE = ["</script><b>x", "\u202eevil\x07", "\"';--", "$x$ and $y$"]
LONG = "a very long text " * 1000
TEXTS = ["anna", "hanna", "otto", "lotte", *HOSTILE] * 10
MOST_LINES, MOST_CHARACTERS = 12, 1500
MOST_HTML = 40_000

CLASSES = {
    name
    for name in unspool.__all__
    if inspect.isclass(thing := getattr(unspool, name)) and not issubclass(thing, Exception)
}


@pytest.fixture(scope="module")
def shown() -> dict[str, Any]:
    """Return an object of each public class, with a text that would do harm, or a very long one."""
    options: dict[str, Any] = {"epochs": 2, "hidden_size": 8, "threads": 1, "progress": False}
    model = unspool.train(TEXTS, novelty_index=True, **options)
    labelled = [{"text": text, "label": label} for text in TEXTS for label in HOSTILE]
    (generation,) = model.generate(seed=0, logprobs=2)
    score = unspool.TextScore(-2.0, np.zeros(10**5), 2.9)
    things: list[Any] = [
        model,
        model.history,
        model.network,
        model.tokenizer,
        model.novelty_index,
        model.next_symbols(top=None),
        model.state_after("anna"),
        model.surprisal(HOSTILE[0]),
        model.evaluate(TEXTS),
        model.audit(TEXTS, samples=50),
        model.collect(n=3),
        model.enumerate(limit=2),
        *model.beam_search("a", num_beams=2),
        *unspool.train(labelled, **options).classify(["anna"], by="label"),
        unspool.plan_training(TEXTS * 5, minutes=0.2),
        unspool.TrainingConfig(epochs=3),
        unspool.GenerationOptions(stop=[LONG] * 9),
        unspool.Constraint(choices=[LONG, *HOSTILE] * 99),
        unspool.Selection(unique=True),
        unspool.SweepConfig(),
        unspool.Canaries(),
        unspool.Record(LONG, dict.fromkeys(HOSTILE, LONG)),
        records(),
        unspool.WordTokenizer.fit(TEXTS),
        unspool.ByteTokenizer(),
        unspool.BpeTokenizer.fit(TEXTS),
        *(getattr(unspool, f"{name}Tokenizer").fit(TEXTS) for name in ("Abc", "Code", "Selfies", "Smiles")),
        unspool.RegexTokenizer.of("<.*>").fit([LONG, *TEXTS]),
        unspool.TableSchema.of(table()),
        unspool.train(table(), table=True, **options).sample_rows(99, seed=0),
        generation,
        generations(model.novelty_index),
        score,
        unspool.RankedText(0, LONG, score),
        unspool.LikelihoodRatio(score, score),
        sweep(),
    ]
    return {type(thing).__name__: thing for thing in things}


def table() -> list[dict[str, Any]]:
    """Return rows with harmful names of columns, and harmful values."""
    return [{HOSTILE[0]: HOSTILE[i % len(HOSTILE)], HOSTILE[1]: i % 7, "c": i} for i in range(60)]


def records() -> unspool.Records:
    """Return records of a file with a harmful name."""
    texts = [unspool.Record(text, {"label": LONG}) for text in (LONG, *TEXTS)]
    return unspool.Records(lambda: iter(texts), description="".join(HOSTILE))


def generations(known: unspool.NoveltyIndex | None) -> unspool.Generations:
    """Return a thousand texts, of which some are known."""
    texts = [LONG, *TEXTS * 13]
    each = [unspool.Generation(text, "", text, np.ones(3), np.zeros(3), "stop") for text in texts]
    report = CollectionReport(asked=2, accepted=2, attempts=3)
    return unspool.Generations(each, report=report, known=known)


def sweep() -> unspool.Sweep:
    """Return a sweep of texts with a harmful name."""
    configuration = {
        "cell": "lstm", "hidden_size": 64, "num_layers": 1, "learning_rate": 0.01, "dropout": 0.0,
        "batch_size": 16
    }  # fmt: skip
    runs = tuple(
        Run(number=i, configuration=configuration, seed=i, state="complete", curve=((1.0, 2.0 + i),))
        for i in range(2)
    )
    outcome = SweepOutcome(configuration=configuration, runs=runs)
    failed = Run(number=2, configuration=configuration, seed=0, state="failed", message=HOSTILE[0])
    return unspool.Sweep(
        folder=Path("sweep"),
        description=HOSTILE[0],
        outcomes=(outcome,) * 99,
        best=outcome,
        verdict=HOSTILE[1],
        complete=True,
        failed=(failed,),
    )


def test_there_is_one_of_each_public_class(shown: dict[str, Any]) -> None:
    assert set(shown) == CLASSES


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_repr_is_short_and_harmless(name: str, shown: dict[str, Any]) -> None:
    text = repr(shown[name])
    assert name in text
    assert len(text) <= MOST_CHARACTERS
    assert text.count("\n") < MOST_LINES
    assert " object at 0x" not in text
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_html_is_plain_and_escaped(name: str, shown: dict[str, Any]) -> None:
    html = getattr(shown[name], "_repr_html_", str)()
    if name == "Surprisal":  # a picture
        assert "<b>" not in html
        return
    texts_of(html) if hasattr(shown[name], "_repr_html_") else None
    assert len(html) <= MOST_HTML


TABLES = (
    "Generator", "Generations", "Evaluation", "Audit", "Sweep", "TrainingPlan", "NextSymbols", "Records"
)  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_these_are_tables_in_a_notebook(name: str, shown: dict[str, Any]) -> None:
    assert "<table>" in shown[name]._repr_html_()


@pytest.mark.parametrize("name", TABLES)
def test_a_repr_and_a_table_leave_an_object_as_it_is(name: str, shown: dict[str, Any]) -> None:
    before = repr(shown[name]), shown[name]._repr_html_()
    assert (repr(shown[name]), shown[name]._repr_html_()) == before


def test_the_summary_in_a_notebook_is_that_of_the_terminal(shown: dict[str, Any]) -> None:
    printed: list[str] = []
    shown["Generator"].summary(print_fn=printed.append)
    texts = texts_of(shown["Generator"]._repr_html_())
    for words in ("layers.0", "lstm", "(T, B, 8)", "output", f"{shown['Generator'].num_parameters:,}"):
        assert words in printed[0]
        assert any(words in text for text in texts)


def test_copies_of_training_texts_are_underlined(shown: dict[str, Any]) -> None:
    html = shown["Generations"]._repr_html_()
    assert '<u title="stands in the training texts"><b>anna</b></u>' in html
    assert "<b>a very long text" not in html
    assert "2 of 2 texts after 3 attempts" in html
    assert "… 1,021 more" in html


def test_a_generation_knows_of_copies_once_the_index_is_read(shown: dict[str, Any], tmp_path: Path) -> None:
    shown["Generator"].save(tmp_path)
    model = unspool.load(tmp_path)
    assert model.generate().known is None
    assert len(model.novelty_index) == len(set(TEXTS))
    assert model.generate().known is model.novelty_index
    assert model.generate(unique=True).known is model.novelty_index


def test_what_is_printed_is_the_text() -> None:
    (generation,) = generations(None)[1:2]
    assert str(generation) == "anna"


def test_an_audit_marks_what_is_copied(shown: dict[str, Any]) -> None:
    audit = shown["Audit"]
    longest = max(audit.copying.samples, key=lambda text: text.copied)
    span = longest.text[longest.start : longest.start + longest.copied]
    assert span == longest.span != ""
    assert "<u title" in audit._repr_html_()
    assert audit.sentences[-1] in texts_of(audit._repr_html_())


def frames(shown: dict[str, Any], library: str) -> Iterator[tuple[str, Any, int]]:
    """Yield the name, the data frame and the expected number of rows of each result that has one."""
    yield "Generations", shown["Generations"].to_frame(library), 1041
    yield "Audit", shown["Audit"].to_frame(library), 50
    yield "Evaluation", shown["Evaluation"].to_frame(library), 1
    yield "Sweep", shown["Sweep"].to_frame(library), 199
    yield "History", shown["History"].to_frame(library), len(shown["History"])
    yield "NextSymbols", shown["NextSymbols"].to_frame(library), len(shown["NextSymbols"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_has_a_row_for_each(shown: dict[str, Any], library: str) -> None:
    pytest.importorskip(library)
    found = {name: frame for name, frame, rows in frames(shown, library) if len(frame) == rows}
    assert sorted(found) == ["Audit", "Evaluation", "Generations", "History", "NextSymbols", "Sweep"]
    assert list(found["Evaluation"].columns)[:2] == ["loss", "bits_per_character"]
    assert list(found["Evaluation"]["characters"]) == [shown["Evaluation"].characters]
    assert list(found["Generations"]["text"])[1:3] == ["anna", "hanna"]
    assert list(found["Generations"]["copied"])[:2] == [False, True]
    assert list(found["Sweep"]["bits_per_character"])[:2] == [2.0, 3.0]
    assert list(found["Sweep"]["hidden_size"])[-1] == 64
    assert list(found["Sweep"]["message"])[-1] == HOSTILE[0]
    assert math.isclose(sum(found["NextSymbols"]["probability"]), 1.0, rel_tol=1e-5)
    assert "bits_per_character" in found["History"].columns


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_history_of_a_changed_run_is_a_frame(library: str) -> None:
    pytest.importorskip(library)
    lines: list[dict[str, Any]] = [
        {"kind": "step", "step": 1, "loss": 2.5},
        {"kind": "change", "step": 1, "changes": {"epochs": [1, 2], "schedule": ["cosine", "constant"]}},
        {"kind": "evaluation", "step": 2, "loss": None, "best": True},
    ]
    history = unspool.History(lines)
    assert list(history.to_frame(library)["changes"])[1] == (
        '{"epochs": [1, 2], "schedule": ["cosine", "constant"]}'
    )
    assert list(history.to_frame(library, kind="step")["loss"]) == [2.5]
    assert repr(history) == "<History: 1 step, 1 change, 1 evaluation>"


def test_a_history_draws_its_curve_and_nothing_of_nothing(shown: dict[str, Any]) -> None:
    svg = shown["History"]._repr_svg_()
    assert svg.startswith("<svg")
    assert "training" in svg
    assert unspool.History()._repr_svg_() is None
    assert repr(unspool.History()) == "<History: nothing>"
