"""Give me N good ones: draw texts in the order of their indices and keep those that pass.

Which texts are kept follows from the seed alone. Text i is the same however many are drawn at once, texts are
judged in the order of i, and what was drawn beyond the last one needed is forgotten without being counted.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from enum import Enum
from typing import TypeAlias

from unspool.configuration import check, is_whole
from unspool.generation.results import Generation, Generations
from unspool.generation.selecting.report import CollectionReport
from unspool.generation.selecting.selection import Selection, validator
from unspool.text.novelty import NoveltyIndex, text_hash

FIRST_DRAW = 64  # texts: a first one is there soon
LEAST_DRAW = 16
LARGEST_DRAW = 4096
LARGEST_DRAW_SYMBOLS = 1 << 22  # bounds the memory of one draw, where texts may be long
ATTEMPTS_PER_TEXT = 100
LEAST_ATTEMPTS = 10_000

Draw: TypeAlias = Callable[[int, int, int], Sequence[Generation]]
"""Draws texts: the number of their prompt, how many, and the index of the first."""


class Judgement(Enum):
    """Say what becomes of a text; the values are the report's fields, in the order of the checks."""

    BLOCKED = "blocked"
    CUT_OFF = "cut_off"
    DUPLICATE = "duplicates"
    COPY = "copies"
    INVALID = "invalid"
    ACCEPTED = "accepted"


class Collection(Iterator[Generation]):
    """Give good texts one by one, holding no more than one draw of them in memory.

    With `unique`, about 100 bytes are kept for each text that was accepted.

    Args:
        draw: Draws texts of a prompt by their indices.
        prompts: How many prompts there are. The indices run on: a prompt begins where the one before it
            ended.
        n: Texts for each prompt.
        first: Index of the first text.
        selection: Which are good.
        constrained: Whether texts must meet a constraint, which one that was blocked does not.
        known: What a text must not be, or None.
        max_new_tokens: Symbols of the longest text.

    Raises:
        ConfigError: If a value is out of its range.
    """

    def __init__(
        self,
        draw: Draw,
        prompts: int,
        *,
        n: int,
        first: int,
        selection: Selection,
        constrained: bool = False,
        known: NoveltyIndex | None,
        max_new_tokens: int,
    ) -> None:
        check("n", n, "a whole number ≥ 1", is_whole(n, least=1))
        check("first", first, "a whole number ≥ 0", is_whole(first, least=0))
        self._draw, self._prompts, self._n, self._first = draw, prompts, n, first
        self._selection, self._known, self._valid = selection, known, validator(selection.valid)
        self._constrained = constrained
        self._max_attempts = selection.max_attempts or max(LEAST_ATTEMPTS, ATTEMPTS_PER_TEXT * n)
        self._largest = max(LEAST_DRAW, min(LARGEST_DRAW, LARGEST_DRAW_SYMBOLS // max_new_tokens))
        self._counts = dict.fromkeys(Judgement, 0)
        self._seen: set[int] = set()
        self._began: float | None = None
        self._ended: float | None = None
        self._stopped: Callable[[], bool] = lambda: False
        self._texts = self._collect()

    def __next__(self) -> Generation:
        """Give the next good text.

        Raises:
            StopIteration: If all are there, `max_attempts` is used up, or it was stopped.
        """
        return next(self._texts)

    def stop_when(self, stopped: Callable[[], bool]) -> None:
        """End early, with what is there, as soon as a function says so; it is asked after every text."""
        self._stopped = stopped

    def gather(self) -> Generations:
        """Give all texts that are left, and the report."""
        texts = list(self)
        return Generations(texts, report=self.report)

    @property
    def report(self) -> CollectionReport:
        """Tell what became of the texts so far."""
        ended = time.perf_counter() if self._ended is None else self._ended
        return CollectionReport(
            asked=self._n * self._prompts,
            attempts=sum(self._counts.values()),
            seconds=0.0 if self._began is None else ended - self._began,
            **{verdict.value: count for verdict, count in self._counts.items()},
        )

    def _collect(self) -> Iterator[Generation]:
        self._began = time.perf_counter()
        first = self._first
        for prompt in range(self._prompts):
            first = yield from self._of_prompt(prompt, first)
        self._ended = time.perf_counter()

    def _of_prompt(self, prompt: int, first: int) -> Generator[Generation, None, int]:
        """Yield the good texts of a prompt, and give the index that comes after the last one judged."""
        wanted, attempts, size = self._n, 0, FIRST_DRAW
        while wanted and attempts < self._max_attempts and not self._stopped():
            needed = math.ceil(1.1 * wanted * max(1, attempts) / max(1, self._n - wanted))
            needed = max(LEAST_DRAW, needed) if attempts else wanted
            count = min(size, needed, self._largest, self._max_attempts - attempts)
            for generation in self._draw(prompt, count, first + attempts):
                verdict = self._judge(generation)
                self._counts[verdict] += 1
                attempts += 1
                if verdict is Judgement.ACCEPTED:
                    wanted -= 1
                    yield generation
                if not wanted or self._stopped():
                    break
            size = min(2 * size, self._largest)
        return first + attempts

    def _judge(self, generation: Generation) -> Judgement:
        """Find the first reason to refuse a text; cheap ones come first."""
        selection, text = self._selection, generation.text
        if self._constrained and generation.finish_reason == "blocked":
            return Judgement.BLOCKED
        cut = generation.finish_reason == "length"
        if selection.finished and cut:
            return Judgement.CUT_OFF
        key = text_hash(text) if selection.unique else None
        if key in self._seen:
            return Judgement.DUPLICATE
        if self._known is not None and self._known.knows(text, cut=cut):
            return Judgement.COPY
        if self._valid is not None and not self._valid(text):
            return Judgement.INVALID
        if key is not None:
            self._seen.add(key)
        return Judgement.ACCEPTED
