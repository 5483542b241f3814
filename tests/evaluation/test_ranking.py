"""Rankings: in memory, the first few, and with files."""

import math
import random
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
