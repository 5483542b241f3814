"""The pace of a writer: calls that are short enough for Ctrl-C, and long enough to lose no time."""

import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager

CALL_SECONDS = 0.05  # duration of a call, about; Ctrl-C is heard between two calls
FIRST_TOKENS = 64  # tokens of the first call, of all sequences together
MOST_GROWTH = 8  # the tokens of a call relative to the call before, at most
LEAST_SEQUENCES = 64  # sequences side by side that fill the tiles of a product
MOST_SEQUENCES = 4096  # sequences side by side, which bounds the memory


class Pace:
    """The number of sequences and of steps for the next call of a writer, from the time of the last one.

    Only the time depends on it: the text of a sequence is the same at every pace.

    Attributes:
        seconds: How long a call should take, about.
    """

    def __init__(self) -> None:
        self.seconds = CALL_SECONDS
        self._tokens = float(FIRST_TOKENS)

    @property
    def sequences(self) -> int:
        """Return how many sequences to write side by side: so few that two steps fit into a call."""
        return max(LEAST_SEQUENCES, min(MOST_SEQUENCES, int(self._tokens / 2)))

    @contextmanager
    def call(self, writer: Sized, *, most: int | None = None) -> Iterator[int]:
        """Measure a call, and set the size of the next one.

        Args:
            writer: The writer, whose length is the number of its sequences.
            most: Highest number of steps; None for no bound.

        Yields:
            The steps of the call.
        """
        before, began = len(writer), time.perf_counter()
        steps = max(1, int(self._tokens / before))
        steps = steps if most is None else min(steps, most)
        yield steps
        share = self.seconds / max(time.perf_counter() - began, 1e-9)
        # if most sequences have ended early, the call was short for another reason than its size
        growth = MOST_GROWTH if len(writer) > before // 2 else 1
        self._tokens = max(1.0, steps * before * min(growth, share))
