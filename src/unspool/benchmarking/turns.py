"""Contenders that take turns, and their figures: medians with the lowest and the highest round.

A figure is worth something only next to another one from the same process: contenders take turns, in an
order that moves on by one each round, so that a slow minute of the machine falls on all of them.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SETTLE_SECONDS = 0.2  # lets the previous contender's threads fall asleep: OpenBLAS's look for work for 0.1 s

WARM_UP_PART = 4  # a first call that takes less than this part of a round is not counted

Clock = Callable[[], float]


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of repeated measurements.

    Args:
        median: Of all rounds.
        low: The smallest.
        high: The largest.
        rounds: How many there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        """Summarise at least one measurement."""
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        return f"{figure(self.median)} ({figure(self.low)} to {figure(self.high)})"


def figure(value: float) -> str:
    """Write a number with as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 100 else f"{value:.2f}"


def seconds(work: Callable[[], object], *, clock: Clock = time.perf_counter) -> float:
    """Time one call."""
    start = clock()
    work()
    return clock() - start


def take_turns(
    contenders: Mapping[str, Callable[[], float]],
    *,
    rounds: int,
    limit: float | None = None,
    settle: float = SETTLE_SECONDS,
    clock: Clock = time.perf_counter,
) -> dict[str, Spread]:
    """Run all contenders in every round, the first of a round moving on by one.

    Args:
        contenders: Name -> a call that does one round's work and returns its figure.
        rounds: How many rounds are counted at most, after one that warms up and is not.
        limit: Seconds after which no further round begins, the warm-up among them; one round is always
            counted. None for no limit.
        settle: Seconds to wait before each call.
        clock: Seconds since any moment.

    Returns:
        The figures of each contender, those of whole rounds alone.
    """
    names = list(contenders)
    figures: dict[str, list[float]] = {name: [] for name in names}
    began = clock()
    for turn in range(-1, rounds):
        if limit is not None and turn > 0 and clock() - began >= limit:
            break
        first = turn % len(names) if names else 0
        for name in names[first:] + names[:first]:
            time.sleep(settle)
            value = contenders[name]()
            if turn >= 0:
                figures[name].append(value)
    return {name: Spread.of(values) for name, values in figures.items()}


def repeated(
    work: Callable[[], object], *, least: float, amount: float, clock: Clock = time.perf_counter
) -> Callable[[], float]:
    """Make a contender that repeats its work until enough time has passed.

    The first call of a round wakes threads and fills caches that others had: where a round has room for
    several calls, it is not counted.

    Args:
        work: Called at least once in a round.
        least: Seconds that a round takes at least.
        amount: What one call does: characters, operations.
        clock: Seconds since any moment.

    Returns:
        A round's work, which gives the amount done in a second.
    """

    def run() -> float:
        start, calls = clock(), 0
        work()
        if (now := clock()) - start < least / WARM_UP_PART:
            start = now
        else:
            calls = 1
        while not calls or clock() - start < least:
            work()
            calls += 1
        return calls * amount / (clock() - start)

    return run
