"""What ``unspool audit`` prints and writes of an audit that was made up, and how a text is found again."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._cli.commands import audit, info
from unspool._errors import CorpusError


def copied(length: int, record: int | None = 1234) -> Any:
    return SimpleNamespace(copied=length, record=record, position=5, before="b", span="s" * length, after="a",
                           text=f"text {length}\n")  # fmt: skip


def spread(*quantiles: int) -> Any:
    return SimpleNamespace(quantiles=quantiles)


def diversity(first: float | None) -> Any:
    return SimpleNamespace(texts=1500, distinct_characters=(first, 0.20, 0.21, 0.22),
                           self_bleu_characters=0.4, distinct_words=(0.50, 0.51, 0.52, 0.53),
                           self_bleu_words=None)  # fmt: skip


def result(**changes: Any) -> Any:
    secret = SimpleNamespace(text="a\nb", exposure=1.234, rank=12345.6)
    facts = {
        "training_bits_per_character": 1.23456, "held_out_bits_per_character": 2.34567,
        "fit": SimpleNamespace(verdict="good"), "sentences": ["It is good.", "It copies."],
        "diversity": diversity(0.1), "held_out_diversity": None,
        "copying": SimpleNamespace(verdict="copying", verbatim_share=0.1234, lengths=spread(1, 2, 3, 4, 5),
                                   samples=[copied(3), copied(9), *[copied(5, None)] * 1500],
                                   held_out_lengths=None, held_out=[]),
        "canaries": SimpleNamespace(space=1_000_000, secrets=[secret], strangers=[secret]),
        "canaries_without_counts": None,
        "to_dict": lambda: {"a": 1},
    }  # fmt: skip
    return cast("Any", SimpleNamespace(**facts | changes))


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    drawn: list[Any] = []

    def keep(headings: Any, rows: Any, **how: Any) -> None:
        aligned = {name: list(value) if name == "right" else value for name, value in how.items()}
        drawn.append((list(headings), [list(row) for row in rows], aligned))

    monkeypatch.setattr(audit, "print_table", keep)
    return drawn


def test_an_audit_in_words(tables: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    from unspool._evaluation.audit.diversity import ORDERS
    from unspool._evaluation.audit.lengths import QUANTILES

    audit.show(result())
    assert capsys.readouterr().out.splitlines() == [
        "training text  1.235 bits per character", "held-out text  2.346 bits per character",
        "fit            good", "copying        copying", "exact copies   12.3% of 1,502 texts",
        "", "", "", "", "", "It is good.", "It copies.",
    ]  # fmt: skip
    shares = [f"{share:.0%}" for share in QUANTILES[:-1]]
    lengths, longest, variety, secrets = tables
    assert lengths == (
        ["longest shared passage, in characters", *shares, "longest"],
        [["generated", "1", "2", "3", "4", "5"]], {"right": list(range(1, len(shares) + 2))},
    )  # fmt: skip
    assert longest == (
        ["shared", "record:character", "training text", "generated text"],
        [["9", "1,234:5", f"b[{'s' * 9}]a", "text 9\n"]], {"right": [0, 1], "section": 1},
    )  # fmt: skip
    names = [f"distinct-{n}, characters" for n in ORDERS] + ["self-BLEU, characters"]
    names += [f"distinct-{n}, words" for n in ORDERS] + ["self-BLEU, words"]
    figures = ["0.100", "0.200", "0.210", "0.220", "0.400", "0.500", "0.510", "0.520", "0.530", "-"]
    assert variety == (
        ["of 1,500 texts each", "generated", "held-out real"],
        [[name, figure, "-"] for name, figure in zip(names, figures, strict=True)], {"right": [1, 2]},
    )  # fmt: skip
    assert secrets == (
        ["text", "exposure in bits", "rank of 1,000,000", ""],
        [["a⏎b", "1.23", "12,346", "secret"], ["a⏎b", "1.23", "12,346", "never seen"]], {"right": [1, 2]},
    )  # fmt: skip


def test_what_was_not_measured_is_left_out(tables: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    copying = SimpleNamespace(verdict="none", verbatim_share=0.0, lengths=spread(1),
                              held_out_lengths=spread(2), samples=[copied(1, None)],
                              held_out=[copied(1)])  # fmt: skip
    audit.show(result(held_out_bits_per_character=None, canaries=None, copying=copying,
                      held_out_diversity=diversity(None)))  # fmt: skip
    assert "held-out text  none" in capsys.readouterr().out.splitlines()
    assert tables[0][1] == [["generated", "1"], ["held-out real", "2"]]
    assert len(tables) == 2, "no passage and no secret is shown"
    assert tables[1][1][0] == ["distinct-1, characters", "0.100", "-"]


def test_the_longest_passages_are_shown() -> None:
    many = [copied(length) for length in (1, 7, 3, 9, 5, 2)]
    drawn: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "print_table", lambda heads, rows, **how: drawn.extend(rows))
        audit.show_longest(many)
    assert [row[0] for row in drawn] == ["9", "7", "5", "3", "2"]


def test_a_report_is_a_document_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(
        "unspool._evaluation.audit.picture.draw_lengths", lambda *given: drawn.append(given) or "<svg/>"
    )
    found = result(copying=SimpleNamespace(samples=[copied(3)], held_out=[copied(4)]))
    audit.write_report(found, tmp_path, title="Title")
    assert (tmp_path / "audit.json").read_text("utf-8") == '{\n "a": 1\n}\n'
    assert (tmp_path / "audit.svg").read_text("utf-8") == "<svg/>"
    assert drawn == [("Title", [3], [4])]
    told = f"Written to {tmp_path / 'audit.json'}, {tmp_path / 'audit.svg'}\n"
    assert capsys.readouterr() == ("", told)


SPEC = {"source": "a/news.csv", "text": ["title"], "document": False, "normalization": "NFC", "split": None}


@pytest.mark.parametrize(
    ("spec", "corpus", "kept"),
    [
        ({}, "x.csv", {}),
        (SPEC, "b/other.csv", {"text": ["title"], "document": False, "normalization": "NFC", "split": None}),
        (SPEC, "b/other.txt", {"document": False, "normalization": "NFC", "split": None}),
        (SPEC | {"source": ["a.txt", "b.csv"], "language": "en"}, "x.csv",
         {"document": False, "normalization": "NFC", "split": None, "language": "en"}),
        ({"source": "a.txt", "text": ["t"]}, "b.csv", {}),
    ],
)  # fmt: skip
def test_another_file_is_read_likewise(spec: Any, corpus: str, kept: Any) -> None:
    assert audit.same_reading(dict(spec), [corpus, "more.csv"]) == kept


def test_a_text_is_opened_where_it_was_or_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    places: dict[str, Any] = {"records": dict(SPEC), "validation": {}}
    monkeypatch.setattr(audit, "open_corpus", lambda *given: opened.append(given) or "records")
    monkeypatch.setattr(audit, "current_spec", dict)
    monkeypatch.setattr(
        "unspool._training.folder.corpus_places.placed_spec", lambda folder, data, name: dict(places[name])
    )
    model = cast("Any", SimpleNamespace(data={"records": SPEC, "validation": None}))
    reading = {key: value for key, value in SPEC.items() if key != "source"}
    assert audit.training_records(model, Path("f"), None, {"header": True}) == "records"
    audit.training_records(model, Path("f"), ["x.csv"], {"header": True})
    assert opened == [("a/news.csv", reading | {"header": True}), (["x.csv"], reading | {"header": True})]
    opened.clear()
    assert audit.held_out_records(model, Path("f"), None, {"header": True}) is None
    audit.held_out_records(model, Path("f"), "v.csv", {"header": True})
    places["validation"] = {"source": "v", "text": ["t"]}
    audit.held_out_records(model, Path("f"), None, {"header": True})
    assert opened == [("v.csv", reading | {"header": True}), ("v", {"text": ["t"]})]
    for spec in ({}, SPEC | {"source": "-"}):
        places["records"] = spec
        with pytest.raises(CorpusError) as error:
            audit.training_records(model, Path("f"), None, {})
        assert str(error.value) == (
            "the model does not record where its training text is; name the text: unspool audit DIR CORPUS"
        )


@pytest.mark.parametrize("terminal", [True, False])
def test_each_part_is_told_once_or_shown_as_it_goes(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from contextlib import contextmanager

    asked: list[Any] = []

    @contextmanager
    def task_line(words: str, *, bar: bool) -> Any:
        asked.append((words, bar))
        yield lambda *told: asked.append(told)

    monkeypatch.setattr(audit, "can_redraw", lambda *, reading: asked.append(reading) or terminal)
    monkeypatch.setattr("unspool._screen.drawing.task_line", task_line)
    with audit.progress("x") as report:
        for done in (1, 2):
            report("searching", done, 0 if done == 1 else 9)
        report("writing", 0, 5)
    shown = [("", True), ("searching", 1, None), ("searching", 2, 9), ("writing", 0, 5)]
    assert asked == ["x", *(shown if terminal else [])]
    assert capsys.readouterr().err == ("" if terminal else "searching …\nwriting …\n")


def facts(**changes: Any) -> dict[str, Any]:
    network = {"num_layers": 2, "cell": "gru", "hidden_size": 64, "residual": True, "tied_output": False,
               "reset_after": True, "source_vocab_size": None}  # fmt: skip
    known: dict[str, Any] = {
        "folder": "runs/a", "network": {**dict.fromkeys(info_variants(), False), **network},
        "num_parameters": 12345, "bytes": 4200, "training": {}, "data": {}, "evaluation": None,
        "tokenizer": {"kind": "char", "vocab_size": 1084, "symbols": [" ", "\n", *"abcdefghijklmno"]},
        "fit": {"sentence": "It fits."},
    }  # fmt: skip
    return known | changes


def info_variants() -> tuple[str, ...]:
    from unspool._network.config import VARIANTS

    return tuple(VARIANTS)


def test_a_model_in_rows() -> None:
    rows = dict(info.model_rows(facts()))
    assert rows["model"] == "runs/a"
    assert rows["network"].startswith("2 × gru of 64 units, ")
    assert "residual" in rows["network"]
    assert "tied output" not in rows["network"]
    assert rows["parameters"] == "12,345 (4.2 kB)"
    assert rows["symbols"] == "1,084 (char): ␣ ⏎ a b c d e f g h i j …"
    assert not {"encoder", "trained on", "trained with", "fit", "left out", "rounded to"} & rows.keys()
    best = {"step": 3, "epoch": 1, "training_bits_per_character": 2.0, "bits_per_character": None}
    more = facts(
        evaluation=best,
        network=facts()["network"] | {"source_vocab_size": 1031},
        tokenizer=facts()["tokenizer"] | {"spells_unk": False},
        training={"epochs": 3, "seed": 1},
        quantization={"precision": "int8", "bits_per_character_lost": 0.5},
        data={"description": "news.csv", "split": {"sentence": "one of ten"},
              "sizes": {"training": {"records": 1000, "characters": 45000}}},
    )  # fmt: skip
    rows = dict(info.model_rows(more))
    assert rows["encoder"] == "the same again, for 1,031 symbols of the sources"
    assert (rows["trained on"], rows["  training"]) == ("news.csv", "1,000 records, 45,000 characters")
    assert rows["  split"] == "one of ten"
    assert rows["trained with"] == (
        "epochs 3, batch_size None, sequence_length None, optimizer None, learning_rate None, schedule None, "
        "seed 1"
    )
    assert (rows["step"], rows["fit"]) == ("3 (epoch 1)", "It fits.")
    assert rows["left out"].startswith("bits per character are without the spelling of <unk>")
    assert "int8" in rows["rounded to"]
    assert json.dumps(more)
