"""Rankings: in memory, the first few, and with files."""

import math
import random
import tempfile
from typing import Any

import pytest

from unspool._errors import ConfigError
from unspool._evaluation import ranking
from unspool._evaluation.ranking import in_order, rank_texts, smallest

from .scorers import scorer

TEXTS = ["abc abc", "", "a", "cab", "é", "abc abc"]


def test_texts_are_ranked_by_either_measure() -> None:
    scores = list(scorer().scores(TEXTS))
    by_logprob = rank_texts(TEXTS, scores, by="logprob")
    totals = [one.score.total_logprob for one in by_logprob]
    assert totals == sorted(totals, reverse=True)
    assert [one.text for one in by_logprob] == [TEXTS[one.index] for one in by_logprob]
    by_bits = rank_texts(TEXTS, scores, by="bits_per_character")
    assert by_bits[-1].text == ""
    assert [one.index for one in by_bits if one.text == "abc abc"] == [0, 5]
    with pytest.raises(ConfigError, match="logprob, bits_per_character"):
        rank_texts(TEXTS, scores, by="length")


@pytest.mark.parametrize("in_memory", [1, 3, 1000])
def test_any_number_of_rows_is_sorted(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "ROWS_IN_MEMORY", in_memory)
    chance = random.Random(0)
    rows = [{"figure": chance.choice([1.5, 2.0, math.inf, -3.0]), "text": f"\ud800é{i}"} for i in range(50)]

    def key(row: dict[str, Any]) -> float:
        return float(row["figure"])

    assert list(in_order(iter(rows), key)) == sorted(rows, key=key)
    assert smallest(iter(rows), key, 7) == sorted(rows, key=key)[:7]
    assert list(in_order([], key)) == []


def test_long_rows_wait_in_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "CHARACTERS_IN_MEMORY", 10)
    rows = [{"text": "x" * size} for size in (9, 3, 30, 1, 4)]
    assert [len(row["text"]) for row in in_order(rows, lambda row: len(row["text"]))] == [1, 3, 4, 9, 30]


def test_a_file_is_begun_once_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "ROWS_IN_MEMORY", 2)
    rows: list[dict[str, Any]] = [{"text": str(i)} for i in range(5)]
    assert list(ranking._loads(rows)) == [rows[:2], rows[2:4], rows[4:]]
    assert list(ranking._loads(rows[:4])) == [rows[:2], rows[2:4]]
    monkeypatch.setattr(ranking, "ROWS_IN_MEMORY", 100)
    monkeypatch.setattr(ranking, "CHARACTERS_IN_MEMORY", 70)
    long = [{"text": "abc"}, {"text": "abc", "bits": [1.0, 2.0]}, {"bits": [1.0] * 3}, {}, {"text": "x" * 70}]
    assert list(ranking._loads(long)) == [long[:2], long[2:3], long[3:]]  # each token counts 32, 70 are full


def test_files_of_rows_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "ROWS_IN_MEMORY", 1)
    made: list[Any] = []
    make = tempfile.TemporaryFile

    def noted(*arguments: Any, **options: Any) -> Any:
        made.append(make(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(ranking.tempfile, "TemporaryFile", noted)
    assert [row["n"] for row in in_order(({"n": n} for n in (3, 1, 2)), lambda row: float(row["n"]))] == [
        1,
        2,
        3,
    ]
    assert len(made) == 2  # what was read last stays in memory
    assert all(file.closed for file in made)


def test_each_text_has_its_score() -> None:
    scores = list(scorer().scores(TEXTS))
    with pytest.raises(ValueError, match="shorter"):
        rank_texts(TEXTS, scores[:-1], by="logprob")
    with pytest.raises(ConfigError) as caught:
        rank_texts(TEXTS, scores, by="length")
    assert str(caught.value) == "by must be one of logprob, bits_per_character; got 'length'"
    (first, *_) = rank_texts(["a", "abc"], list(scorer().scores(["a", "abc"])), by="bits_per_character")
    bits = [score.bits_per_character or 0.0 for score in scorer().scores(["a", "abc"])]
    assert first.index == bits.index(min(bits))
