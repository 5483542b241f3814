"""Contenders that take turns, and their results: medians with the lowest and the highest round.

A result is only useful beside another one from the same process. So contenders take turns, in an order that
moves on by one in each round, and a slow minute of the machine affects all of them.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SETTLE_SECONDS = 0.2  # lets the last contender's threads fall asleep: OpenBLAS's wait actively for 0.1 s

WARM_UP_PART = 4  # a first call is not counted if it takes less than a round divided by this

Clock = Callable[[], float]


@dataclass(frozen=True)
class Spread:
    """The median and the extremes of repeated measurements.

    Args:
        median: Median of all rounds.
        low: The smallest value.
        high: The largest value.
        rounds: Number of rounds.
    """

    median: float
    low: float
    high: float
    rounds: int

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        """Return the spread of at least one measurement."""
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        return f"{figure(self.median)} ({figure(self.low)} to {figure(self.high)})"


def figure(value: float) -> str:
    """Return a number as text, with a suitable number of digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 100 else f"{value:.2f}"


def seconds(work: Callable[[], object], *, clock: Clock = time.perf_counter) -> float:
    """Return the seconds that one call takes."""
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
    """Run all contenders in every round; each round starts with the next contender.

    Args:
        contenders: Name -> a function that does the work of one round and returns its result.
        rounds: Highest number of counted rounds, after one to warm up.
        limit: Seconds after which no new round begins, with the warm-up; one round is always counted. None
            for no limit.
        settle: Seconds to wait before each call.
        clock: A function that returns the time in seconds, from any starting point.

    Returns:
        The results of each contender in the counted rounds.
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
    """Return a contender that repeats its work until enough time has passed.

    The first call of a round wakes threads and fills caches that others had used. It is not counted if a
    round has time for several calls.

    Args:
        work: The work; it is done at least once in a round.
        least: Least number of seconds of a round.
        amount: Amount of work in one call: characters, operations.
        clock: A function that returns the time in seconds, from any starting point.

    Returns:
        A function that runs one round and returns the amount done in a second.
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
