"""The sentences about a choice, whole, for each of its ways."""

from dataclasses import replace
from typing import Any

import pytest

from tests.planning.candidates import BUDGET, FACTS, candidate
from unspool._network.config import NetworkConfig
from unspool._planning import reasons
from unspool._planning.rule import Candidate
from unspool._training.config import TrainingConfig

TRAINING = TrainingConfig(
    batch_size=16, sequence_length=25, learning_rate=0.04, schedule="cosine", minutes=0.9, epochs=None
)
SMALL = candidate(32, speed=123_456, symbols=100_000, text_symbols=50_000)
LARGE = candidate(48, speed=50_000, symbols=12_000, text_symbols=50_000)


def told(
    found: tuple[Candidate, ...] = (SMALL,),
    *,
    training: TrainingConfig = TRAINING,
    dropout: float = 0.0,
    kept: dict[str, Any] | None = None,
    **facts: Any,
) -> tuple[str, ...]:
    """Tell of the first candidate."""
    network = replace(found[0].network, dropout=dropout)
    about = replace(FACTS, **facts)
    return reasons.tell(about, found, found[0], network, training, kept=kept or {})


def test_everything_is_told() -> None:
    assert told((SMALL, LARGE), dropout=0.2, complete=False) == (
        "The text: about 56,789 characters, 50 different symbols, 1,234 texts of 40 symbols.",
        "Training speed of this machine, in symbols a second: 120,000 with 32, 50,000 with 48 units.",
        "lstm 32 reads 100,000 symbols in this time, 2.0 times the text. 48 units could read only 12,000, "
        "and need 21,000 to be better.",
        "Dropout is 0.2, since the text is read 2 times.",
        "Each step reads 16 × 25 symbols, so there are 250 steps. The learning rate rises to 0.04 and falls "
        "again (cosine). The best model of 7 evaluations is kept.",
        "Time: 60 s in all. 1.0 s were spent on this choice, 2.0 s are for reading, 54.0 s for training and "
        "0.5 s for the last evaluation.",
    )


def test_a_document_has_no_texts() -> None:
    assert told(document=True)[0] == "The text: 56,789 characters, 50 different symbols, one document."


TOO_LITTLE = replace(BUDGET, spent=59)
LATE = replace(LARGE, budget=TOO_LITTLE)
FEW = replace(SMALL, symbols=5000)
BY_HEART = replace(SMALL, symbols=1e9)
READS = "lstm 32 reads 100,000 symbols in this time, 2.0 times the text."


@pytest.mark.parametrize(
    ("found", "kept", "sentence"),
    [
        ((SMALL, LATE), {}, f"{READS} 48 units would leave no time for learning."),
        (
            (SMALL,),
            {},
            f"{READS} Larger networks would take too long to time, or would memorize a text of this size.",
        ),
        (
            (FEW, LARGE),
            {},
            "lstm 32 reads 5,000 symbols in this time, 0.1 times the text. That is little, but there is no "
            "smaller network of this kind.",
        ),
        ((SMALL, LARGE), {"hidden_size": 32}, READS),
        (
            (BY_HEART,),
            {"hidden_size": 32},
            "lstm 32 reads 1,000,000,000 symbols in this time, 20,000.0 times the text. It stops after 245 "
            "passes: more would only memorize the text.",
        ),
        (
            (candidate(32, cell="gru", num_layers=2, symbols=100_000, text_symbols=50_000),),
            {"hidden_size": 32},
            "2 × gru 32 reads 100,000 symbols in this time, 2.0 times the text.",
        ),
    ],
)
def test_the_size_has_its_reason(found: tuple[Candidate, ...], kept: dict[str, Any], sentence: str) -> None:
    assert told(found, kept=kept)[2] == sentence


def test_dropout_is_given_or_has_its_reason() -> None:
    none = "No dropout: the text is not read often enough to be memorized."
    assert told()[3] == none
    assert told(dropout=0.25, kept={"dropout": 0.25})[3] == "Dropout is 0.25, as given."
    assert told(kept={"dropout": 0.0})[3] == "Dropout is 0, as given."


def test_there_is_at_least_one_step() -> None:
    assert "so there is 1 step." in told((replace(SMALL, symbols=4.0),))[4]


def test_what_was_given_is_told_last() -> None:
    sentences = told(kept={"cell": "lstm", "batch_size": 16})
    assert sentences[-1] == "Kept as given: cell lstm, batch_size 16."
    assert len(told()) == len(sentences) - 1


@pytest.mark.parametrize(
    ("fraction", "kept", "sentence"),
    [
        (None, {}, "No text is held out: there are too few."),
        (0.025, {}, "2.50% of the text is held out: more would take too long."),
        (0.1, {}, None),
        (0.025, {"validation_fraction": 0.025}, None),
    ],
)
def test_an_unusual_part_that_is_held_out_has_its_reason(
    fraction: float | None, kept: dict[str, Any], sentence: str | None
) -> None:
    sentences = told(training=replace(TRAINING, validation_fraction=fraction), kept=kept)
    assert [text for text in sentences if "held out" in text] == ([] if sentence is None else [sentence])


def test_a_cell_without_a_measured_rate_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "LEARNING_RATE_FACTORS", {"gru": 1.0})
    sentence = "No learning rate was measured for lstm: the lowest of the other cells is used."
    assert told()[5] == sentence
    assert sentence not in told(kept={"learning_rate": 0.04})
    assert NetworkConfig().cell == "lstm"
