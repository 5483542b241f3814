"""What eval, export and minutes say of what was measured or chosen, for models that were made up."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import unspool as library
from tests.cli.conftest import Run
from unspool._cli.commands import eval as evaluating
from unspool._cli.flags.flag import FlagValues
from unspool._cli.steps import minutes
from unspool._evaluation.streams import Evaluation


def model(**changes: Any) -> Any:
    facts = {"data": {}, "schema": SimpleNamespace(attributes=[]), "source_tokenizer": None,
             "tokenizer": SimpleNamespace(spells_unk=None), "runner": SimpleNamespace(inference="float32"),
             "evaluate": lambda records, unknown, adapt: Evaluation(**FIGURES)}  # fmt: skip
    return SimpleNamespace(**facts | changes)


FIGURES: dict[str, Any] = {"loss": 1.23456, "perplexity": float("inf"), "bits_per_character": 2.34567,
                           "symbols": 12345, "characters": 6789}  # fmt: skip
LABEL, YEAR = SimpleNamespace(name="label"), SimpleNamespace(name="year")
COLUMNS = "choose the columns with --context to use them"


@pytest.mark.parametrize(
    ("changes", "records", "words", "told"),
    [
        ({}, {}, [], ""),
        ({"data": {"document": True}}, {}, [],
         "the model was trained on one document: use --document to read this corpus in the same way\n"),
        ({"data": {"document": True}}, {"document": True}, [], ""),
        ({"schema": SimpleNamespace(attributes=[LABEL, YEAR])}, {}, [],
         f"the model was trained with label, year: {COLUMNS}\n"),
        ({"schema": SimpleNamespace(attributes=[LABEL])}, {}, ["--context", "label"], ""),
        ({}, {}, ["--context", "label"],
         "the model was trained without a context: --context has no effect\n"),
        ({"source_tokenizer": 1}, {"pairs": True}, [], ""),
    ],
    ids=range(7),
)  # fmt: skip
def test_eval_says_what_may_be_meant(  # noqa: PLR0917 - a table
    changes: dict[str, Any], records: dict[str, Any], words: list[str], told: str, unspool: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    corpus = SimpleNamespace(**{"document": False, "pairs": False} | records)
    monkeypatch.setattr(library, "load", lambda folder, **computing: model(**changes))
    monkeypatch.setattr(evaluating, "open_corpus", lambda *_: corpus)
    done = unspool(["eval", "DIR", "x", *words])
    assert (done.exit_code, done.stderr) == (0, told)
    assert done.stdout.splitlines() == [
        "bits per character  2.3457", "loss                1.2346 nats per symbol",
        "perplexity          inf per symbol", "symbols             12,345 (with the end of each text)",
        "characters          6,789",
    ]  # fmt: skip
    document = json.loads(unspool(["eval", "DIR", "x", *words, "--json"]).stdout)
    assert (document["loss"], document["perplexity"], document["symbols"]) == (1.23456, None, 12345)
    assert (document["precision"], document["bits_per_character_lost"]) == ("float32", None)


def test_eval_of_pairs_has_more_figures_and_needs_sources(
    unspool: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = FIGURES | {"unspelled": 1234, "exact": 0.125}
    pairs = model(source_tokenizer=1, evaluate=lambda records, unknown, adapt: Evaluation(**more))
    corpus = SimpleNamespace(document=False, pairs=True)
    monkeypatch.setattr(library, "load", lambda folder, **computing: pairs)
    monkeypatch.setattr(evaluating, "open_corpus", lambda *_: corpus)
    lines = unspool(["eval", "DIR", "x"]).stdout.splitlines()
    assert lines[-2:] == ["not spelled         1,234 <unk>", "answered exactly    12.50% of the sources"]
    corpus.pairs = False
    done = unspool(["eval", "DIR", "x"])
    assert (done.exit_code, done.stderr) == (
        2, "unspool: the model was trained on pairs, and the corpus has no sources; name the column of the "
        "sources (--source) and the column of the texts (--target)\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cost", "before", "lost"),
    [
        (None, None, []), (0.12346, None, ["lost   0.1235 bits per character, on its own texts"]),
        (-0.00001, None, ["lost   0.0000 bits per character, on its own texts"]),
        (0.5, SimpleNamespace(precision="int8"),
         ["lost   0.5000 bits per character, with those of its rounding to int8 before"]),
    ],
)  # fmt: skip
def test_export_says_what_was_written_and_lost(  # noqa: PLR0917 - fixtures
    cost: float | None, before: Any, lost: list[str], unspool: Run, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "a.txt").write_text("x" * 1500, "utf-8")
    (tmp_path / "out" / "deep" / "b").write_text("x", "utf-8")
    asked: list[Any] = []

    def write(*given: Any, **how: Any) -> Any:
        asked.append((given[1:], how))
        exported = SimpleNamespace(precision="int8", cost=cost, model=SimpleNamespace(counts=None))
        return tmp_path / "out", exported

    monkeypatch.setattr(
        "unspool._artifacts.load_model", lambda folder: SimpleNamespace(quantization=before, counts=None)
    )
    monkeypatch.setattr("unspool._exporting.exporters.export", write)
    monkeypatch.setattr("unspool._hub.fetching.model_folder", Path)
    words = ["export", "runs/a", "--to", "torch", "--out", "o", "--precision", "int8", "--overwrite"]
    done = unspool(words)
    written = [f"wrote  {tmp_path / 'out'}", "a.txt  1.5 kB", "b      1 B"]
    assert done.stdout.splitlines() == [*written, *lost]
    assert asked == [
        (("torch", "o"), {"name": "a", "precision": "int8", "with_counts": False, "overwrite": True})
    ]
    assert json.loads(unspool([*words, "--json"]).stdout) == {
        "path": str(tmp_path / "out"), "to": "torch", "precision": "int8", "bits_per_character_lost": cost,
        "counts": False,
        "files": {"out/a.txt": 1500, "out/deep/b": 1},
    }  # fmt: skip


@pytest.mark.parametrize("document", [True, False])
@pytest.mark.parametrize("validation", [None, "held.txt"])
def test_what_minutes_choose_is_told_with_its_reasons(
    document: bool,
    validation: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, Any] = {}
    records = SimpleNamespace(document=document)

    def read_as_it_looks(opened: Any, reading: Any) -> Any:
        asked["read"] = (opened.args, dict(reading))
        return records, "It looks so."

    def plan_training(found: Any, **options: Any) -> Any:
        asked.update(options, records=found)
        return SimpleNamespace(reasons=("one", "two"))

    monkeypatch.setattr("unspool._planning.mode.read_as_it_looks", read_as_it_looks)
    monkeypatch.setattr("unspool._planning.choosing.plan_training", plan_training)
    monkeypatch.setattr(minutes, "open_corpus", lambda *given: given)
    flags = FlagValues({"reading": {"header": True}, "training": {"minutes": 3.0, "seed": 1},
                        "network": {"cell": "gru"}, "tokens": {"tokenizer": "word"}})  # fmt: skip
    origin = cast("Any", "a model")
    choice = minutes.choose(["a.txt"], flags, validation=validation, origin=origin)
    likewise = {"header": True, "document": True} if document else {"header": True}
    held_out = None if validation is None else (validation, likewise)
    assert asked == {
        "read": ((["a.txt"],), {"header": True}), "records": records, "minutes": 3.0,
        "network": {"cell": "gru"}, "training": {"seed": 1},
        "validation": held_out, "init_from": origin, "tokenizer": "word",
    }  # fmt: skip
    assert (choice.records, choice.validation, choice.network, choice.training) == (
        records,
        held_out,
        None,
        None,
    )
    assert choice.plan is not None
    assert capsys.readouterr() == ("", "It looks so.\none\ntwo\n")
