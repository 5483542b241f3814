"""What the steps of commands tell on standard error, and the exit code that they end with."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

import unspool
from unspool._cli.flags.flag import FlagValues
from unspool._cli.output import brief_audit as brief
from unspool._cli.output.left_out import note_left_out
from unspool._cli.steps import collecting
from unspool._cli.steps.beams import beam_options
from unspool._cli.steps.minutes import is_left_to_choose
from unspool._cli.steps.shards import Shard


def model_of(**changes: Any) -> Any:
    facts: dict[str, Any] = {
        "data": {},
        "novelty_index": None,
        "network": SimpleNamespace(source_vocab_size=None),
    }
    return cast("Any", SimpleNamespace(**facts | changes))


@pytest.mark.parametrize(
    ("count", "total", "options", "told"),
    [
        (0, 5, {"max_new_tokens": 9}, ""),
        (1, 1, {"max_new_tokens": 1200}, "Cut at 1,200 symbols: the text"),
        (1, 2, {"max_new_tokens": 9}, "Cut at 9 symbols: 1 of 2 texts"),
        (1500, 3000, {"max_new_tokens": 9}, "Cut at 9 symbols: 1,500 of 3,000 texts"),
        (1, 1, {"max_new_tokens": 9, "ignore_eos": True}, ""),
        (1, 1, {"max_new_tokens": 9, "ignore_eos": False}, "Cut at 9 symbols: the text"),
    ],
)
def test_texts_that_were_cut_are_counted(
    count: int, total: int, options: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    collecting.note_cut(count, total, model_of(), options)
    advice = "; --max-new-tokens none writes on until the end\n"
    assert capsys.readouterr() == ("", told + advice if told else "")
    collecting.note_cut(count, total, model_of(data={"document": True}), options)
    assert capsys.readouterr() == ("", "")


def test_a_text_without_a_limit_is_cut_at_the_last_resort(capsys: pytest.CaptureFixture[str]) -> None:
    collecting.note_cut(1, 1, model_of(), {"max_new_tokens": None})
    assert capsys.readouterr().err.startswith("Cut at 1,000,000 symbols: the text;")


HELD_OUT = {"sizes": {"validation": {"records": 1200}}}
OLD, NEW = (SimpleNamespace(covers="1,000 texts", held_out=count) for count in (None, 0))


@pytest.mark.parametrize(
    ("data", "index", "novel", "told"),
    [
        (HELD_OUT, OLD, True, True), (HELD_OUT, NEW, True, False), (HELD_OUT, None, True, False),
        (HELD_OUT, OLD, False, False), ({"sizes": {"validation": {"records": 0}}}, OLD, True, False),
        ({"sizes": {"validation": None}}, OLD, True, False), ({"sizes": None}, OLD, True, False),
    ],
)  # fmt: skip
def test_copies_that_an_old_index_lets_through_are_told(
    data: dict[str, Any], index: Any, novel: bool, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    model = model_of(data=data, novelty_index=index)
    chosen = collecting.selection_of(model, {"novel": novel, "unique": True, "out": "a", "overwrite": True})
    assert chosen == {"novel": novel, "unique": True}
    sentence = (
        "the index covers 1,000 texts: --novel lets copies of 1,200 held-out texts through; "
        "unspool train --resume DIR --novelty-index adds them\n"
    )
    assert capsys.readouterr() == ("", sentence if told else "")


def test_columns_to_compare_with_need_a_corpus() -> None:
    with pytest.raises(unspool.ConfigError, match=r"^--against-text needs --against CORPUS$"):
        collecting.selection_of(model_of(), {"against_text": ["title"]})


class Report:
    """A report of a collection."""

    def __init__(self, *, accepted: int, complete: bool) -> None:
        self.accepted, self.complete = accepted, complete

    def __str__(self) -> str:
        return f"{self.accepted} texts"


class Collection:
    """A collection of two texts, which may be stopped after the first."""

    def __init__(self, report: Report, *, stopped: bool) -> None:
        self.report, self._stopped = report, stopped

    def stop_when(self, stopped: Any) -> None:
        self.asked = stopped

    def __iter__(self) -> Any:
        return iter(("a", "b"))


@pytest.mark.parametrize(
    ("accepted", "complete", "out", "reported", "code", "told"),
    [
        (2, True, None, False, 0, ""),
        (2, True, None, True, 0, "2 texts"),
        (2, True, "a.txt", True, 0, "2 texts; written to a.txt"),
        (2, True, "a.txt", False, 0, ""),
        (1, False, "a.txt", True, 3,
         "unspool: too few texts found: 1 texts; written to a.txt; lower --n or raise --max-attempts"),
        (0, False, "a.txt", False, 3,
         "unspool: too few texts found: 0 texts; no file was written; lower --n or raise --max-attempts"),
        (0, False, None, False, 3,
         "unspool: too few texts found: 0 texts; lower --n or raise --max-attempts"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("shard", [None, Shard(2, 3)])
def test_a_collection_ends_with_a_code_and_a_line(  # noqa: PLR0917 - a table
    accepted: int,
    complete: bool,
    out: str | None,
    reported: bool,
    code: int,
    told: str,
    stopped: bool,
    shard: Shard | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from contextlib import contextmanager

    @contextmanager
    def stop_on_interrupt() -> Any:
        yield lambda: stopped

    @contextmanager
    def sink() -> Any:
        yield written.append

    written: list[str] = []
    monkeypatch.setattr("unspool._training.interrupts.stop_on_interrupt", stop_on_interrupt)
    collection = Collection(Report(accepted=accepted, complete=complete), stopped=stopped)
    path = None if out is None else Path(out)
    kept = partial(collecting.is_kept, cast("Any", collection), shard)
    ended = collecting.run_collection(cast("Any", collection), sink(), kept, out=path, reported=reported)
    assert (written, collection.asked()) == (["a", "b"], stopped)
    told = told.replace("written to a.txt", "no file was written") if shard and not complete else told
    is_kept = complete if shard else accepted
    place = "" if out is None else f"; {f'written to {out}' if is_kept else 'no file was written'}"
    told = f"Stopped: {accepted} texts{place}" if stopped else told
    assert (ended, capsys.readouterr()) == (130 if stopped else code, ("", f"{told}\n" if told else ""))


def flags(**groups: dict[str, Any]) -> FlagValues:
    return FlagValues({"sampling": {}, "collecting": {}, "search": {}} | groups)


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, {"num_beams": 5}),
        ({"sampling": {"n": 9}}, {"num_beams": 9, "n": 9}),
        ({"sampling": {"n": 2, "max_new_tokens": 7, "allow_unk": True}},
         {"num_beams": 5, "n": 2, "max_new_tokens": 7, "allow_unk": True}),
        ({"search": {"num_beams": 3}, "sampling": {"n": 9}}, {"num_beams": 3, "n": 9}),
    ],
)  # fmt: skip
def test_a_search_has_as_many_beams_as_texts(given: dict[str, Any], options: dict[str, Any]) -> None:
    assert beam_options(flags(**given)) == options


@pytest.mark.parametrize(("group", "name"), [("sampling", "top_k"), ("collecting", "unique")])
def test_a_flag_that_a_search_has_no_use_for_is_refused(group: str, name: str) -> None:
    with pytest.raises(unspool.ConfigError) as error:
        beam_options(flags(**{group: {"n": 1, name: True}}))
    assert str(error.value) == (
        f"--{name.replace('_', '-')} does not apply to a beam search; leave it out: a beam search uses the "
        "model's own probabilities"
    )


@pytest.mark.parametrize(
    ("training", "left"),
    [({"minutes": 1}, True), ({"minutes": 1, "epochs": 2}, False), ({}, False), ({"minutes": None}, False),
     ({"epochs": 2}, False)],
)  # fmt: skip
def test_time_alone_leaves_the_rest_to_choose(training: dict[str, Any], left: bool) -> None:
    assert is_left_to_choose(training) is left


@pytest.mark.parametrize(("spells", "told"), [(None, False), (True, False), (False, True)])
def test_figures_that_leave_something_out_are_told(
    spells: bool | None, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    note_left_out(cast("Any", SimpleNamespace(spells_unk=spells)))
    sentence = (
        "bits per character are without the spelling of <unk>: not comparable with another vocabulary; "
        "train the model again for figures with it\n"
    )
    assert capsys.readouterr() == ("", sentence if told else "")


def sized(characters: int) -> dict[str, Any]:
    return {"sizes": {"training": {"characters": characters}}}


def test_a_large_text_is_not_searched_after_a_training(capsys: pytest.CaptureFixture[str]) -> None:
    command = "unspool audit './-a b'"
    told = f"20,000,001 characters are too many to search for copies now: {command}\n"
    assert brief.brief_audit(model_of(data=sized(20_000_001)), Path("-a b")) is None
    assert capsys.readouterr() == ("", told)


def test_a_model_of_pairs_is_not_searched(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = model_of(network=SimpleNamespace(source_vocab_size=0))
    assert brief.brief_audit(pairs, Path("a")) is None
    told = "the model writes only answers to sources, so its texts are not searched for copies\n"
    assert capsys.readouterr() == ("", told)


@pytest.mark.parametrize("lengths", [None, SimpleNamespace(quantiles=(1, 2, 7))])
@pytest.mark.parametrize("reuse", [True, False])
def test_a_brief_audit_writes_a_hundred_texts(
    lengths: Any, reuse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    copying = SimpleNamespace(lengths=lengths, verdict="copying", samples=["x"] * 3, verbatim_share=0.5,
                              sentence="It copies.")  # fmt: skip

    def audit(records: object, **options: Any) -> Any:
        asked.append((records, options))
        return SimpleNamespace(copying=copying)

    monkeypatch.setattr(brief, "training_records", lambda *given: ("training", *given[1:]))
    monkeypatch.setattr(brief, "held_out_records", lambda *given: ("held out", *given[1:]))
    model = model_of(data=sized(20_000_000), audit=audit)
    assert brief.brief_audit(model, Path("a"), reuse=reuse) == {
        "verdict": "copying", "texts": 3, "verbatim_share": 0.5, "longest": 7 if lengths else 0,
        "sentence": "It copies.",
    }  # fmt: skip
    how = (Path("a"), None, {"reuse": reuse})
    assert asked == [(("training", *how), {"validation": ("held out", *how), "samples": 100})]


def test_a_text_that_is_gone_makes_no_training_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*given: object) -> None:
        raise unspool.CorpusError("it is gone")

    monkeypatch.setattr(brief, "training_records", gone)
    assert brief.brief_audit(model_of(data={"sizes": None}, audit=None), Path("a")) is None
    assert capsys.readouterr() == ("", "the text was not searched for copies: it is gone\n")
