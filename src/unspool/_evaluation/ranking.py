"""Sort texts by their scores: all in memory, only the first few, or more than fit in memory."""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, TypeVar

from unspool._configuration import check
from unspool._evaluation.scorer import TextScore
from unspool._views.short_repr import short_repr

Row = TypeVar("Row")
Key = Callable[[Row], float]
Json = dict[str, Any]

ROWS_IN_MEMORY = 100_000
CHARACTERS_IN_MEMORY = 1 << 25
LISTED = 32  # memory of a row's lists for each token, as a number of characters
WORST = float("inf")


@dataclass(frozen=True, eq=False, slots=True)
class RankedText:
    """A text with its score and its place in the original list.

    Args:
        index: Its place in the list that was ranked, from 0.
        text: The text.
        score: The score of the text.

    Example:
        >>> import numpy as np
        >>> from unspool import RankedText, TextScore
        >>> RankedText(0, "a cat", TextScore(-2.0, np.zeros(6), 0.6)).text
        'a cat'
    """

    index: int
    text: str
    score: TextScore

    __repr__ = short_repr


def _by_logprob(score: TextScore) -> float:
    return -score.total_logprob


def _by_bits(score: TextScore) -> float:
    return WORST if score.bits_per_character is None else score.bits_per_character


# The smaller the key, the better the text.
MEASURES: dict[str, Callable[[TextScore], float]] = {"logprob": _by_logprob, "bits_per_character": _by_bits}


def rank_texts(texts: Iterable[str], scores: Iterable[TextScore], *, by: str) -> list[RankedText]:
    """Return texts from the best to the worst; equal ones keep their order.

    Args:
        texts: The texts.
        scores: The score of each text.
        by: A name in `MEASURES`. A long text has a low probability, whatever it says. Bits per character are
            fair to texts of every length, and put texts without a character last.

    Raises:
        ConfigError: If `by` is not in the table.
    """
    check("by", by, f"one of {', '.join(MEASURES)}", by in MEASURES)
    ranked = [RankedText(i, t, s) for i, (t, s) in enumerate(zip(texts, scores, strict=True))]
    return sorted(ranked, key=lambda one: MEASURES[by](one.score))


def smallest(rows: Iterable[Row], key: Key[Row], count: int) -> list[Row]:
    """Return the `count` rows with the smallest keys, in order, of any number of rows.

    Args:
        rows: The rows; only `count` of them are in memory.
        key: A function that returns the key of a row.
        count: Number of rows to return.
    """
    return heapq.nsmallest(count, rows, key=key)


def in_order(rows: Iterable[Json], key: Key[Json]) -> Iterator[Json]:
    """Yield any number of rows sorted by their keys; rows that do not fit in memory go to temporary files.

    Equal ones keep their order.

    Args:
        rows: The rows, in plain JSON types.
        key: A function that returns the key of a row.
    """
    with ExitStack() as files:
        runs: list[IO[str]] = []
        last: list[Json] = []
        for load in _loads(rows):
            if last:
                file = files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline=""))
                runs.append(_written(last, file))
            last = sorted(load, key=key)
        yield from heapq.merge(*map(_rows_of, runs), last, key=key)


def _loads(rows: Iterable[Json]) -> Iterator[list[Json]]:
    load: list[Json] = []
    characters = 0
    for row in rows:
        load.append(row)
        characters += len(row.get("text", "")) + LISTED * len(row.get("bits", ()))
        if len(load) >= ROWS_IN_MEMORY or characters >= CHARACTERS_IN_MEMORY:
            yield load
            load, characters = [], 0
    if load:
        yield load


def _written(rows: Iterable[Json], run: IO[str]) -> IO[str]:
    run.writelines(f"{json.dumps(row)}\n" for row in rows)
    return run


def _rows_of(run: IO[str]) -> Iterator[Json]:
    run.seek(0)
    return map(json.loads, run)
