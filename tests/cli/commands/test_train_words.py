"""What ``unspool train`` says of a run and of its folder: every case, in the words of a user."""

from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool._cli.commands import train
from unspool._cli.flags.flag import FlagValues


def facts_of(**changes: Any) -> dict[str, Any]:
    """Return what is known of a model of nine held-out characters, after 3,000 steps."""
    facts: dict[str, Any] = {
        "evaluation": {"bits_per_character": 2.3456, "training_bits_per_character": 1.2345, "step": 3000,
                       "measured_characters": None, "exact": None},
        "network": {"source_vocab_size": None},
        "training": {"epochs": 4, "minutes": None},
        "data": {"sizes": {"validation": {"characters": 9000}}, "records": {"source": "a.txt"}},
        "fit": {"verdict": "good", "sentence": "It fits."},
        "copying": None,
    }  # fmt: skip
    for name, change in changes.items():
        facts[name] = facts[name] | change if isinstance(change, dict) and facts[name] else change
    return facts


SAMPLE = "  unspool sample runs/a --temperature 0.8"
INFO, AUDIT = "  unspool info runs/a", "  unspool audit runs/a"
USUAL = [SAMPLE, INFO, AUDIT]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL]),
        (
            {"evaluation": {"bits_per_character": None}, "copying": {"sentence": "Nothing is copied."}},
            ["runs/a: 1.234 bits per character in training at step 3,000", "It fits.", "Nothing is copied.",
             *USUAL],
        ),
        (
            {"evaluation": {"measured_characters": 8999}, "data": {"precision": "bf16",
             "sizes": {"validation": {"characters": 9000}}}},
            ["runs/a: 2.346 bits per character on 8,999 of 9,000 held-out characters at step 3,000, "
             "trained in bf16", "It fits.", *USUAL],
        ),
        (
            {"evaluation": {"measured_characters": 9000}, "data": {"precision": "float32"}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL],
        ),
        (
            {"evaluation": {"measured_characters": 9000}, "data": {"sizes": None}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL],
        ),
        (
            {"network": {"source_vocab_size": 9}, "evaluation": {"exact": 0.1234}},
            ["runs/a: 2.346 bits per character on held-out text, 12.3% answered exactly, at step 3,000",
             "It fits.", "  unspool sample runs/a --source TEXT", INFO],
        ),
        (
            {"network": {"source_vocab_size": 9}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.",
             "  unspool sample runs/a --source TEXT", INFO],
        ),
        (
            {"evaluation": {"exact": 0.5}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL],
        ),
        (
            {"fit": {"verdict": "underfitting"}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL,
             "  unspool train --resume runs/a --epochs 8"],
        ),
        (
            {"fit": {"verdict": "underfitting"}, "training": {"epochs": None, "minutes": 0.75}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL,
             "  unspool train --resume runs/a --minutes 1.5"],
        ),
        (
            {"fit": {"verdict": "underfitting"}, "data": {"records": {"source": "-"}}},
            ["runs/a: 2.346 bits per character on held-out text at step 3,000", "It fits.", *USUAL],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_the_outcome_of_a_training(
    changes: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    train.show_outcome(facts_of(**changes), Path("runs/a"))
    assert capsys.readouterr() == ("".join(f"{line}\n" for line in lines), "")


def test_a_folder_that_looks_like_a_flag_is_no_flag(capsys: pytest.CaptureFixture[str]) -> None:
    train.show_outcome(facts_of(), Path("-a b"))
    shown = capsys.readouterr().out.splitlines()
    assert shown[2:] == [
        "  unspool sample './-a b' --temperature 0.8", "  unspool info './-a b'", "  unspool audit './-a b'",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("corpus", "resume", "folder"),
    [
        (["news.txt"], False, "runs/news"),
        (["texts/news.v2.txt.gz", "b.txt"], False, "runs/news.v2"),
        (["news"], False, "runs/news"),
        ([".hidden"], False, "runs/.hidden"),
        (["corpus:docstrings"], False, "runs/docstrings"),
        (["-"], False, "runs/standard-input"),
        (["old.txt"], True, "runs/old"),
        (["runs/old"], True, "runs/old"),
        (["new.txt"], True, "new.txt"),
        (["runs/old"], False, "runs/old"),
        (["runs/new"], True, "runs/new"),
        (["both"], True, "both"),
    ],
)
def test_a_run_without_a_folder_is_named_after_its_corpus(
    corpus: list[str], resume: bool, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("runs/old", "runs/both", "both"):
        Path(name).mkdir(parents=True)
        Path(name, "config.json").write_text("{}", "utf-8")
    assert train.run_folder(corpus, None, resume=resume) == Path(folder)
    assert train.run_folder(corpus, "other", resume=resume) == Path("other")
    assert train.run_folder(None, "other", resume=resume) == Path("other")


@pytest.mark.parametrize(
    ("resume", "what"),
    [(False, "a path, - for standard input, or a named corpus"), (True, "the folder of a run")],
)
def test_without_a_corpus_it_is_said_what_is_missing(resume: bool, what: str) -> None:
    nothing: list[str] = []
    for corpus in (None, nothing):
        with pytest.raises(unspool.ConfigError) as error:
            train.run_folder(corpus, None, resume=resume)
        assert str(error.value) == f"no corpus is given: expected {what}; see unspool train --help"


def test_a_stopped_run_is_told_how_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "-a b"
    monkeypatch.setattr("unspool._artifacts.model_folder.has_file", lambda _, name: name == "config.json")
    contents = [{"data": {"records": {"source": "-"}}}, {"data": {"records": {"source": "x"}}}, {"data": {}}]
    monkeypatch.setattr("unspool._artifacts.model_folder.read_content", lambda _: contents.pop(0))
    command = f"unspool train --resume '{run}'"
    assert train.how_to_go_on(run) == f"Stopped and saved; pipe the same text into: {command}"
    assert train.how_to_go_on(run) == f"Stopped and saved; continue with: {command}"
    assert train.how_to_go_on(Path("-a")) == "Stopped and saved; continue with: unspool train --resume ./-a"
    monkeypatch.undo()
    assert train.how_to_go_on(run) == "Stopped before the training began; nothing was written"


def test_the_flags_of_secrets_need_their_number() -> None:
    assert train.secrets_to_plant({}) is None
    secrets = train.secrets_to_plant({"canaries": 3, "canary_repeats": 2, "canary_format": "x {digits:4}"})
    assert secrets == unspool.Canaries(count=3, repeats=2, format="x {digits:4}")
    with pytest.raises(unspool.ConfigError, match=r"^--canary-repeats needs --canaries N$"):
        train.secrets_to_plant({"canary_repeats": 2})


def test_a_resumed_run_keeps_what_was_chosen_for_it() -> None:
    train.refuse_for_resuming([])
    with pytest.raises(unspool.ConfigError) as error:
        train.refuse_for_resuming(["max_vocab_size", "tokenizer"])
    flag = "--max-vocab-size"
    expected = f"{flag} cannot be changed with --resume: the run keeps its own; leave out {flag}"
    assert str(error.value) == expected


def test_a_configuration_is_printed_only_if_its_flags_fit_together() -> None:
    groups: dict[str, dict[str, Any]] = {group.argument: {} for group in train.GROUPS}
    for changes in ({"network": {"residual": True, "num_layers": 0}}, {"training": {"epochs": 0}}):
        with pytest.raises(unspool.ConfigError, match=r"(num_layers|epochs) must be"):
            train.show_config(FlagValues(groups | changes), as_json=True)
