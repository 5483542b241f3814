"""The collection of N good texts: texts are drawn by their indices, and the good ones are kept.

The result depends only on the seed. Text i does not depend on the number of texts that are drawn at once,
texts are judged in the order of i, and texts that were drawn after the last one needed do not count.
"""

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from enum import Enum
from typing import TypeAlias

from unspool._configuration import check, is_whole
from unspool._generation.results import Generation, Generations
from unspool._generation.selecting.report import CollectionReport
from unspool._generation.selecting.selection import Selection, validator
from unspool._text.novelty import NoveltyIndex, text_hash

FIRST_DRAW = 64  # texts; few, so that the first one is there soon
LEAST_DRAW = 16
LARGEST_DRAW = 4096
LARGEST_DRAW_SYMBOLS = 1 << 22  # bounds the memory of one draw of long texts
SAFETY = 4  # texts may be so many times as long as the longest so far, where the limit is higher
ATTEMPTS_PER_TEXT = 100
LEAST_ATTEMPTS = 10_000

Draw: TypeAlias = Callable[[int, int, int], Sequence[Generation]]
"""Draws texts: the number of their prompt, how many, and the index of the first; fewer once it is stopped."""


class Judgement(Enum):
    """The judgement on a text; the values are fields of the report, in the order of the checks."""

    BLOCKED = "blocked"
    CUT_OFF = "cut_off"
    DUPLICATE = "duplicates"
    COPY = "copies"
    INVALID = "invalid"
    ACCEPTED = "accepted"


class Collection(Iterator[Generation]):
    """An iterator over good texts, with only one draw of texts in memory.

    With `unique`, it needs about 100 bytes for each accepted text.

    Args:
        draw: Function that draws texts of a prompt by their indices.
        prompts: Number of prompts. The first index of a prompt follows the last index of the prompt before.
        n: Number of texts for each prompt.
        first: Index of the first text.
        selection: The conditions on a good text.
        constrained: Whether texts must meet a constraint; a text that was blocked does not.
        known: The index of the texts that are refused as copies, or None.
        max_new_tokens: Greatest number of tokens of a text.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> import numpy as np
        >>> from unspool import Collection, Generation, Selection
        >>> def text(i):
        ...     return Generation(f"{i}", "", f"{i}", np.ones(1), np.zeros(1), "stop")
        >>> def draw(prompt, count, first):
        ...     return [text(i) for i in range(first, first + count)]
        >>> even = Selection(valid="[0-9]*[02468]")
        >>> texts = Collection(draw, 1, n=3, first=0, selection=even, known=None, max_new_tokens=9)
        >>> [each.text for each in texts]
        ['0', '2', '4']
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
        self._draw, self._n, self._first, self._numbers = draw, n, first, range(prompts * n)
        self._selection, self._known, self._valid = selection, known, validator(selection.valid)
        self._constrained = constrained
        self._max_attempts = selection.max_attempts or max(LEAST_ATTEMPTS, ATTEMPTS_PER_TEXT * n)
        self._limit, self._longest = max_new_tokens, 0  # tokens: the most allowed, the most seen
        self._counts, self._cut, self._held_out_copies = dict.fromkeys(Judgement, 0), 0, 0
        self._seen: set[int] = set()
        self._began: float | None = None
        self._ended: float | None = None
        self._stopped: Callable[[], bool] = lambda: False
        self._texts = self._collect()

    def __next__(self) -> Generation:
        """Return the next good text.

        Raises:
            StopIteration: If all texts are found, `max_attempts` is reached, or the collection was stopped.
        """
        return next(self._texts)

    def stop_when(self, stopped: Callable[[], bool]) -> None:
        """End early once the function `stopped` returns true; it is called after each text.

        Example:
            >>> texts = model.collect(n=10, seed=0)
            >>> texts.stop_when(lambda: texts.report.accepted == 2)
            >>> len(list(texts))
            2
        """
        self._stopped = stopped

    def only(self, numbers: range) -> None:
        """Write no other texts than those of some numbers: a part of the whole, as another machine writes it.

        Args:
            numbers: The numbers of the texts, from 0 over all prompts, one after the other.

        Raises:
            ConfigError: If texts may be refused: then the number of a text is known once those before it are
                judged.

        Example:
            >>> texts = model.collect(["a", "e"], n=2, seed=0)
            >>> texts.only(range(1, 3))
            >>> [text.prompt for text in texts]
            ['a', 'e']
        """
        check("selection", self._selection, "one that refuses nothing, for a part", self._selection.is_off)
        self._numbers = numbers

    def stopped(self) -> bool:
        """Return whether the collection is to end early, for what draws its texts.

        Example:
            >>> model.collect(n=2, seed=0).stopped()
            False
        """
        return self._stopped()

    def gather(self) -> Generations:
        """Return all remaining texts, with the report.

        Example:
            >>> texts = model.collect(n=3, seed=0).gather()
            >>> len(texts), texts.report.accepted
            (3, 3)
        """
        texts = list(self)
        return Generations(texts, report=self.report)

    def __repr__(self) -> str:
        """Return the report on the texts so far."""
        return f"<{type(self).__name__}: {self.report}>"

    @property
    def report(self) -> CollectionReport:
        """The report on the texts so far.

        Example:
            >>> texts = model.collect(n=3, seed=0)
            >>> first = next(texts)
            >>> texts.report.accepted
            1
        """
        ended = time.perf_counter() if self._ended is None else self._ended
        return CollectionReport(
            asked=len(self._numbers),
            attempts=sum(self._counts.values()),
            cut=self._cut,
            seconds=0.0 if self._began is None else ended - self._began,
            held_out_copies=self._held_out_copies,
            **{verdict.value: count for verdict, count in self._counts.items()},
        )

    def _collect(self) -> Iterator[Generation]:
        self._began = time.perf_counter()
        begin, end = self._numbers.start, self._numbers.stop
        first = self._first + begin
        while begin < end:
            prompt = begin // self._n
            wanted = min(end, (prompt + 1) * self._n) - begin
            first = yield from self._of_prompt(prompt, wanted, first)
            begin += wanted
        self._ended = time.perf_counter()

    def _of_prompt(self, prompt: int, n: int, first: int) -> Generator[Generation, None, int]:
        """Yield n good texts of a prompt, and return the index after the last judged text."""
        wanted, attempts, size = n, 0, FIRST_DRAW
        while wanted and attempts < self._max_attempts and not self._stopped():
            needed = math.ceil(1.1 * wanted * max(1, attempts) / max(1, n - wanted))
            needed = max(LEAST_DRAW, needed) if attempts else wanted
            count = min(size, needed, self._largest(), self._max_attempts - attempts)
            drawn = self._draw(prompt, count, first + attempts)
            cut_short = self._stopped()  # what was finished before is still judged
            for generation in drawn:
                verdict = self._judge(generation)
                self._counts[verdict] += 1
                attempts += 1
                self._longest = max(self._longest, len(generation.ids))
                if verdict is Judgement.ACCEPTED:
                    wanted -= 1
                    self._cut += generation.finish_reason == "length"
                    yield generation
                if not wanted or (self._stopped() and not cut_short):
                    break
            size = min(2 * size, self._largest())
        return first + attempts

    def _largest(self) -> int:
        """Return how many texts to draw at once at most, so that they need little memory."""
        expected = min(self._limit, SAFETY * self._longest or self._limit)
        return max(LEAST_DRAW, min(LARGEST_DRAW, LARGEST_DRAW_SYMBOLS // expected))

    def _judge(self, generation: Generation) -> Judgement:
        """Return the judgement on a text: the first reason to refuse it, the cheap checks first."""
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
            self._held_out_copies += self._known.holds_out(text, cut=cut)
            return Judgement.COPY
        if self._valid is not None and not self._valid(text):
            return Judgement.INVALID
        if key is not None:
            self._seen.add(key)
        return Judgement.ACCEPTED
