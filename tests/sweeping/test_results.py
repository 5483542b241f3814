"""The results of a sweep as people see them: one line, a table in a notebook, a data frame, flags."""

import math
from pathlib import Path

import pytest

from tests.sweeping.runs import ended
from tests.views.checked_html import texts_of
from unspool._cli.commands.sweep import table
from unspool._sweeping.results import Run, Sweep, outcomes

RUNS = [
    ended(2.5, seed=0),
    ended(2.7, seed=1),
    ended(3.0, cell="gru", number=2),
    ended(3.5, number=3, state="pruned", hidden_size=4),
]
FOUND = tuple(outcomes(RUNS))
SWEEP = Sweep(
    folder=Path("s"),
    description="names.txt",
    outcomes=FOUND,
    best=FOUND[0],
    verdict="lstm 8 is best",
    complete=True,
)
HEADS = ["cell", "hidden size", "num layers", "learning rate", "dropout", "batch size"]


def test_a_repr_tells_the_verdict() -> None:
    assert repr(SWEEP).splitlines()[0].startswith("<Sweep of names.txt: 3 configurations")
    assert "lstm 8 is best" in repr(SWEEP)


def test_a_notebook_has_a_table_of_the_configurations() -> None:
    texts = [text for text in texts_of(SWEEP._repr_html_()) if text]
    assert texts[0] == "Sweep of names.txt"
    figures = ["bits per character", "spread", "parameters", "seconds", "state"]
    assert texts[1:12] == [*HEADS, *figures]
    rows = [texts[begin : begin + 11] for begin in (12, 23, 34)]
    assert rows == [
        ["lstm", "8", "1", "0.02", "0", "16", "2.6", "0.1414", "512", "1", "complete"],
        ["gru", "8", "1", "0.02", "0", "16", "3", "–", "512", "1", "complete"],
        ["lstm", "4", "1", "0.02", "0", "16", "–", "–", "128", "1", "pruned"],
    ]
    assert texts[45:] == ["lstm 8 is best"]


def test_the_best_is_flags_of_train() -> None:
    assert SWEEP.train_flags() == [
        "--cell", "lstm", "--hidden-size", "8", "--num-layers", "1", "--learning-rate", "0.02",
        "--dropout", "0.0",        "--batch-size", "16",
    ]  # fmt: skip


def test_a_data_frame_has_a_row_for_each_training() -> None:
    pytest.importorskip("pandas")
    frame = SWEEP.to_frame("pandas")
    assert list(frame.columns) == [
        *(head.replace(" ", "_") for head in HEADS), "number", "seed", "state", "bits_per_character",
        "parameters", "steps", "characters", "seconds", "evaluation_seconds", "message",
    ]  # fmt: skip
    assert frame["bits_per_character"].tolist() == [2.5, 2.7, 3.0, 3.5]
    assert frame["state"].tolist() == ["complete", "complete", "complete", "pruned"]
    assert frame["cell"].tolist() == ["lstm", "lstm", "gru", "lstm"]


def test_a_training_that_has_not_begun_has_done_nothing() -> None:
    run = Run(number=1, configuration=RUNS[0].configuration, seed=0, state="running")
    assert (run.steps, run.characters, run.seconds, run.evaluation_seconds) == (0, 0, 0, 0)
    assert (run.parameters, run.message, run.curve, run.drawn) == (None, None, (), False)
    assert run.bits_per_character == math.inf
    assert outcomes([run]) == []


def test_a_speed_is_over_all_trainings_of_a_configuration() -> None:
    assert [outcome.characters_per_second for outcome in FOUND] == [1000.0, 1000.0, 1000.0]
    assert [outcome.parameters for outcome in FOUND] == [512, 512, 128]


def test_the_command_shows_what_varies_and_how_it_ended() -> None:
    headings, rows = table(SWEEP)
    assert headings == [
        "cell", "hidden size", "parameters", "bits/character", "±", "seeds", "seconds", "characters/s", "",
    ]  # fmt: skip
    assert rows == [
        ["lstm", "8", "512", "2.6000", "0.1414", "2", "1.0", "1,000", ""],
        ["gru", "8", "512", "3.0000", "", "1", "1.0", "1,000", ""],
        ["lstm", "4", "128", "", "", "0", "1.0", "1,000", "pruned"],
    ]
