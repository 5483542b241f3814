"""Notes of a pass: counted, reported once, warned of once, and forgotten when another pass begins."""

import warnings
from pathlib import Path

import pytest

from unspool._text.reading.notes import Notes
from unspool._text.reading.sources import read_records


def warned(notes: Notes) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        notes.warn()
    assert all(warning.category is RuntimeWarning for warning in caught)
    return [str(warning.message) for warning in caught]


def test_what_is_counted_becomes_a_sentence_at_the_end() -> None:
    notes = Notes()
    notes.count("row is empty", "rows are empty", "line 3")
    notes.count("key is odd", "keys are odd", "line 4", times=2)
    notes.count("row is empty", "rows are empty", "line 5", times=1234)
    notes.count("word is long", "words are long", "line 6")
    assert list(notes) == []
    sentences = [
        "1,235 rows are empty (the first: line 3)", "2 keys are odd (the first: line 4)",
        "1 word is long (line 6)",
    ]  # fmt: skip
    assert notes.ended() == dict.fromkeys(sentences, True)
    assert list(notes) == sentences
    notes.end()
    assert list(notes) == sentences
    assert list(notes.ending()) == []


def test_a_pass_that_was_left_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": ""}\n{"text": "A"}\n{"text": "B"}\n')
    records = read_records(tmp_path / "a.jsonl")
    for _ in range(2):
        records.peek()
    assert list(records.notes) == []
    assert [record.text for record in records] == ["A", "B"]
    assert list(records.notes) == [f"1 row has no text and was passed over ({tmp_path}/a.jsonl, line 1)"]
    next(iter(records))
    assert list(records.notes) == []


def test_each_sentence_is_reported_once_and_losses_are_warned_of_once() -> None:
    notes, heard = Notes(), []
    notes.say("a guess")
    notes.warn_of(["a loss", "damage"])
    assert warned(notes) == ["a loss", "damage"]
    assert warned(notes) == []
    notes.report = heard.append
    for _ in range(2):
        notes.begin()
        notes.say("a guess")
        notes.say("a loss", warning=True)
        notes.say("another loss", warning=True)
    assert heard == ["a guess", "another loss"]
    assert warned(notes) == []
    notes.report = None
    notes.say("a third", warning=True)
    assert warned(notes) == ["a third"]


def test_a_further_pass_says_the_same() -> None:
    notes = Notes()
    notes.say("a guess")
    notes.say("a loss", warning=True)
    sentences = notes.ended()
    assert sentences == {"a guess": False, "a loss": True}
    notes.begin()
    assert list(notes.repeating(sentences, ["x", "y"])) == ["x", "y"]
    assert list(notes) == ["a guess", "a loss"]
    assert warned(notes) == ["a loss"]


def test_nobody_is_told_of_nothing() -> None:
    assert (list(Notes()), warned(Notes())) == ([], [])
    with pytest.raises(StopIteration):
        next(Notes().ending())
