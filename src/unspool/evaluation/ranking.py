"""Put texts in the order of what a model thinks of them: in memory, the first few, or more than fit."""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from unspool.configuration import check
from unspool.evaluation.scorer import TextScore

Row = TypeVar("Row")
Key = Callable[[Row], float]
Json = dict[str, Any]

ROWS_IN_MEMORY = 100_000
CHARACTERS_IN_MEMORY = 1 << 25
LISTED = 32  # characters of text that a row's lists need the memory of, for each symbol
WORST = float("inf")


@dataclass(frozen=True, eq=False, slots=True)
class RankedText:
    """Hold a text with its score and its place among those that were given.

    Args:
        index: Its place in the list that was ranked, from 0.
        text: The text.
        score: What the model says of it.
    """

    index: int
    text: str
    score: TextScore


def _by_logprob(score: TextScore) -> float:
    return -score.total_logprob


def _by_bits(score: TextScore) -> float:
    return WORST if score.bits_per_character is None else score.bits_per_character


# The smaller the key, the better the text.
MEASURES: dict[str, Callable[[TextScore], float]] = {"logprob": _by_logprob, "bits_per_character": _by_bits}


def rank_texts(texts: Iterable[str], scores: Iterable[TextScore], *, by: str) -> list[RankedText]:
    """Rank texts from the best on; equal ones keep their order.

    Args:
        texts: The texts.
        scores: The score of each.
        by: A name in `MEASURES`. A long text has a low probability whatever it says; bits per character
            are fair to texts of every length, and put those without a character last.

    Raises:
        ConfigError: If `by` is not in the table.
    """
    check("by", by, f"one of {', '.join(MEASURES)}", by in MEASURES)
    ranked = [RankedText(i, t, s) for i, (t, s) in enumerate(zip(texts, scores, strict=True))]
    return sorted(ranked, key=lambda one: MEASURES[by](one.score))


def smallest(rows: Iterable[Row], key: Key[Row], count: int) -> list[Row]:
    """Keep the `count` rows with the smallest keys while reading any number of them, in order."""
    return heapq.nsmallest(count, rows, key=key)


def in_order(rows: Iterable[Json], key: Key[Json]) -> Iterator[Json]:
    """Sort any number of rows by their keys; what does not fit in memory waits in temporary files.

    Equal ones keep their order.

    Args:
        rows: In plain JSON types.
        key: What to sort by.
    """
    with ExitStack() as files:
        runs: list[IO[str]] = []
        last: list[Json] = []
        for held in _loads(rows):
            if last:
                file = files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
                runs.append(_written(last, file))
            last = sorted(held, key=key)
        yield from heapq.merge(*map(_rows_of, runs), last, key=key)


def _loads(rows: Iterable[Json]) -> Iterator[list[Json]]:
    held: list[Json] = []
    characters = 0
    for row in rows:
        held.append(row)
        characters += len(row.get("text", "")) + LISTED * len(row.get("bits", ()))
        if len(held) >= ROWS_IN_MEMORY or characters >= CHARACTERS_IN_MEMORY:
            yield held
            held, characters = [], 0
    if held:
        yield held


def _written(rows: Iterable[Json], run: IO[str]) -> IO[str]:
    run.writelines(f"{json.dumps(row)}\n" for row in rows)
    return run


def _rows_of(run: IO[str]) -> Iterator[Json]:
    run.seek(0)
    return map(json.loads, run)
