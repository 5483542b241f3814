"""What ``unspool sweep`` says of its plan and its result: every case, and the command at its end."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.sweeping.runs import ended
from unspool import SweepConfig
from unspool._cli.commands import sweep
from unspool._cli.flags.flag import Group
from unspool._cli.flags.shared import READING, TOKENIZER
from unspool._cli.flags.sweeping import FIXED_NETWORK, FIXED_TRAINING
from unspool._sweeping.results import Sweep, outcomes
from unspool._sweeping.space import Range

TEXT = "text     a⏎b"
COUNTS = "         45,000 characters, 5,000 held out, the same for all"
ALONE = "         1 at a time with 1 thread each, so that speeds can be compared"
GRID: dict[str, Any] = {"cell": ["lstm", "gru"], "hidden_size": [4, 8], "learning_rate": [0.02]}


def plan(config: SweepConfig, **changes: Any) -> Any:
    facts = {"description": "a\nb", "characters": 45000, "held_out_characters": 5000, "workers": 1,
             "threads": 1, "settled": 0, "planned": 8, "folder": Path("s"), "config": config}  # fmt: skip
    return cast("Any", SimpleNamespace(**facts | changes))


@pytest.mark.parametrize(
    ("config", "changes", "lines"),
    [
        (
            SweepConfig(**GRID, seeds=2, minutes_per_trial=0.5, finalists=None),
            {},
            ["sweep    4 configurations × 2 seeds, 0:30 of training each, without evaluations", ALONE,
             "folder   s: at most 8 to do, about 4:00"],
        ),
        (
            SweepConfig(**GRID, seeds=2, symbols_per_trial=1500, finalists=None),
            {"workers": 3, "threads": 2, "settled": 3},
            ["sweep    4 configurations × 2 seeds, 1,500 symbols each",
             "         3 at a time with 2 threads each, so that speeds can be compared",
             "folder   s: 3 trainings done already, at most 8 to do"],
        ),
        (
            SweepConfig(**GRID, seeds=2, minutes_per_trial=0.5, finalists=None),
            {"workers": 3},
            ["sweep    4 configurations × 2 seeds, 0:30 of training each, without evaluations",
             "         3 at a time with 1 thread each, so that speeds can be compared",
             "folder   s: at most 8 to do, about 1:30"],
        ),
        (
            SweepConfig(**GRID, seeds=2, minutes_per_trial=0.5, finalists=None),
            {"planned": 0, "settled": 8},
            ["sweep    4 configurations × 2 seeds, 0:30 of training each, without evaluations", ALONE,
             "folder   s: 8 trainings done already, at most 0 to do"],
        ),
        (
            SweepConfig(cell=["gru"], hidden_size=[4], learning_rate=[0.02], seeds=1, symbols_per_trial=10,
                        finalists=None),
            {},
            ["sweep    1 configuration × 1 seed, 10 symbols each", ALONE, "folder   s: at most 8 to do"],
        ),
        (
            SweepConfig(cell=["gru"], learning_rate=Range(0.01, 0.1), trials=6, seeds=2, finalists=3,
                        symbols_per_trial=10),
            {},
            ["sweep    6 drawn configurations × 2 seeds (then the best 3 only), 10 symbols each", ALONE,
             "folder   s: at most 8 to do"],
        ),
    ],
)  # fmt: skip
def test_the_plan_is_told_before_the_first_training(
    config: SweepConfig, changes: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    sweep.say_plan(plan(config, **changes))
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()) == ("", [TEXT, COUNTS, *lines])


def result(*, best: bool = True, failed: bool = False) -> Sweep:
    runs = [ended(2.0), ended(2.25, seed=1), ended(3.0, cell="rnn", state="pruned"),
            ended(2.5, cell="gru", hidden_size=64)]  # fmt: skip
    found = tuple(outcomes(runs))
    lost = ended(9.0, cell="gru", seed=4)
    return Sweep(
        folder=Path("s\nt"), description="d", outcomes=found, best=found[0] if best else None,
        verdict="It is best.", complete=True,
        failed=(SimpleNamespace(configuration=lost.configuration, seed=4, message="no\nroom"),)  # type: ignore[arg-type]
        if failed else (),
    )  # fmt: skip


HEADINGS = "cell\thidden size\tparameters\tbits/character\t±\tseeds\tseconds\tcharacters/s\t"
TABLE = [
    HEADINGS,
    "lstm\t8\t512\t2.1250\t0.1768\t2\t1.0\t1,000\t",
    "gru\t64\t32,768\t2.5000\t\t1\t1.0\t1,000\t",
    "rnn\t8\t512\t\t\t0\t1.0\t1,000\tpruned",
]  # the spread of 2 and 2.25 is 0.25 / √2


def test_the_result_is_a_table_a_sentence_and_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    sweep.tell(result(), ["unspool", "train", "a b"], as_json=False)
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        *TABLE, "", "It is best.", "", "Train the best in full with:", "  unspool train 'a b'", "",
        "Written to s⏎t: sweep.svg, sweep.json",
    ]  # fmt: skip
    assert shown.err == ""


def test_what_failed_is_told_and_no_command_is_named_without_a_best(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sweep.tell(result(best=False, failed=True), [], as_json=False)
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        *TABLE, "", "It is best.", "", "Written to s⏎t: sweep.svg, sweep.json"
    ]  # fmt: skip
    (line,) = shown.err.splitlines()
    assert line.startswith("failed: --cell gru ")
    assert line.endswith(", seed 4: no⏎room")


@pytest.mark.parametrize(("words", "command"), [([], None), (["unspool", "a b"], "unspool 'a b'")])
def test_the_result_as_json_has_the_command(
    words: list[str], command: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep.tell(result(), words, as_json=True)
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert (document.pop("train"), shown.err) == (command, "")
    assert document == json.loads(json.dumps(result().to_dict()))


def test_a_figure_of_a_table_has_four_digits() -> None:
    runs = [ended(2.0, learning_rate=0.0123456), ended(2.5, learning_rate=0.5)]
    found = tuple(outcomes(runs))
    swept = Sweep(folder=Path("s"), description="d", outcomes=found, best=None, verdict="", complete=True)
    headings, rows = sweep.table(swept)
    assert headings[:3] == ["cell", "hidden size", "learning rate"]
    assert [row[:3] for row in rows] == [["lstm", "8", "0.01235"], ["lstm", "8", "0.5"]]


def test_the_command_of_the_best_has_every_flag_that_was_given() -> None:
    groups: list[tuple[dict[str, Any], Group]] = [
        ({"text": ["a", "b"], "separator": "\t", "header": False, "document": True}, READING),
        ({"tokenizer": "word"}, TOKENIZER),
        ({"residual": True}, FIXED_NETWORK),
        ({"clip_norm": None, "sequence_length": 16}, FIXED_TRAINING),
    ]
    swept = result()
    chosen = ["--text", "a", "--text", "b", "--separator", r"\t", "--no-header", "--document", "--tokenizer",
              "word", "--residual", "--sequence-length", "16", "--clip-norm", "none"]  # fmt: skip
    words = sweep.train_words(["-x.txt", "y"], swept, groups, validation="-v", out=None)
    assert words[:4] == ["unspool", "train", "./-x.txt", "y"]
    held_out = ["--validation", "./-v"]
    assert sorted(words[4 : 4 + len(chosen)]) == sorted(chosen)
    assert words[4 + len(chosen) :] == [*held_out, *swept.train_flags(), "--out", "runs/-x"]
    again = sweep.train_words(["x"], swept, [], validation=None, out="-o")
    assert again == ["unspool", "train", "x", *swept.train_flags(), "--out", "./-o"]
    assert sweep.train_words(["x"], result(best=False), groups, validation=None, out=None) == []
