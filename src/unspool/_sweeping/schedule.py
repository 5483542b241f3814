"""The order of the trainings of a sweep: every configuration once, then the survivors with other seeds."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from unspool._sweeping.results import SETTLED, Run
from unspool._sweeping.space import Configuration, grid, key
from unspool._sweeping.sweep_config import SweepConfig

ALIVE = (*SETTLED, "running")
Name = tuple[Any, int]  # the name of a training: the key of its configuration, and its seed


@dataclass(frozen=True)
class Task:
    """A training to run.

    Args:
        configuration: A value for each parameter, or None if the sampler has to draw one.
        seed: Number of the seed, from 0.
        drawn: Whether it counts as one of the drawn configurations.
    """

    configuration: Configuration | None
    seed: int
    drawn: bool = False


def name_of(run: Run) -> Name:
    """Return the name of a training, the same for its repetition after a failure."""
    return key(run.configuration), run.seed


def next_task(config: SweepConfig, runs: Sequence[Run], given_up: Collection[Name] = ()) -> Task | None:
    """Choose the next training.

    Args:
        config: The sweep.
        runs: All trainings so far, also the running ones.
        given_up: The names of trainings that failed too often.

    Returns:
        The next training; None if there is none left, or none before a running one has ended.
    """
    done = {name_of(run) for run in runs if run.state in ALIVE} | set(given_up)
    for task in _first(config, runs, done):
        return task
    if any(run.state == "running" and run.seed == 0 for run in runs):
        return None  # the repetitions depend on their results
    return next(_repeats(config, runs, done), None)


def planned(config: SweepConfig, runs: Sequence[Run], given_up: Collection[Name] = ()) -> int:
    """Return the greatest number of trainings that are not done yet, with the running ones."""
    done = {name_of(run) for run in runs if run.state in ALIVE} | set(given_up)
    running = sum(run.state == "running" for run in runs)
    first = list(_first(config, runs, done))
    fresh = len(first) + sum(run.state == "running" and run.seed == 0 for run in runs)
    if not fresh:
        return running + sum(1 for _ in _repeats(config, runs, done))
    lasting = fresh + len(_survivors(config, runs))
    if config.finalists is not None:
        lasting = min(lasting, config.finalists)
    return running + len(first) + lasting * (config.seeds - 1)


def _first(config: SweepConfig, runs: Sequence[Run], done: Collection[Name]) -> Iterator[Task]:
    """Yield the first training of every configuration that has none."""
    if config.trials is None:
        yield from (Task(each, 0) for each in grid(config.space) if (key(each), 0) not in done)
        return
    drawn = {name_of(run): run for run in runs if run.drawn}
    yield from (Task(run.configuration, run.seed, drawn=True) for n, run in drawn.items() if n not in done)
    yield from (Task(None, 0, drawn=True) for _ in range(config.trials - len(drawn)))


def _repeats(config: SweepConfig, runs: Sequence[Run], done: Collection[Name]) -> Iterator[Task]:
    """Yield the trainings with the other seeds: all configurations with one seed, then with the next."""
    survivors = _survivors(config, runs)
    for seed in range(1, config.seeds):
        yield from (Task(each, seed) for each in survivors if (key(each), seed) not in done)


def _survivors(config: SweepConfig, runs: Sequence[Run]) -> list[Configuration]:
    """Return the configurations whose first training was completed, or the `finalists` best of them."""
    allowed = None if config.trials is not None else {key(each) for each in grid(config.space)}
    ended = [run for run in runs if run.state == "complete" and run.seed == 0]
    ended = [run for run in ended if allowed is None or key(run.configuration) in allowed]
    if config.finalists is not None:
        ended = sorted(ended, key=lambda run: run.bits_per_character)[: config.finalists]
    return [run.configuration for run in ended]


def free_seed(runs: Sequence[Run], configuration: Configuration) -> int:
    """Return the first seed that a configuration was not trained with, 0 for a new configuration."""
    taken = Counter(run.seed for run in runs if key(run.configuration) == key(configuration))
    return next(seed for seed in range(len(runs) + 1) if not taken[seed])
