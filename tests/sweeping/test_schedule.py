"""What comes next: everything once, then what is left with the other seeds, and nothing twice."""

from dataclasses import replace

from unspool._sweeping.results import Run
from unspool._sweeping.schedule import free_seed, name_of, next_task, planned
from unspool._sweeping.space import key
from unspool._sweeping.sweep_config import SweepConfig

from .runs import SMALL, ended, made

ALL = [("lstm", 4), ("lstm", 8), ("gru", 4), ("gru", 8)]


def first(*states: str) -> list[Run]:
    """The first trainings of the small grid, in the given states; better and better."""
    return [
        ended(3.0 - i / 10, cell=cell, hidden_size=size, state=state, number=i)
        for i, ((cell, size), state) in enumerate(zip(ALL, states, strict=False))
    ]


def test_a_grid_is_gone_through_and_then_repeated() -> None:
    runs: list[Run] = []
    while (task := next_task(SMALL, runs)) is not None:
        assert task.configuration is not None
        runs.append(ended(2.0, seed=task.seed, **task.configuration))
    assert [(run.configuration["cell"], run.configuration["hidden_size"], run.seed) for run in runs] == [
        (*each, seed) for seed in (0, 1) for each in ALL
    ]
    assert planned(SMALL, runs) == 0


def test_what_was_pruned_or_diverged_is_not_repeated() -> None:
    runs = first("complete", "pruned", "diverged", "complete")
    assert planned(SMALL, runs) == 2
    task = next_task(SMALL, runs)
    assert task is not None
    assert (task.configuration, task.seed) == (runs[0].configuration, 1)


def test_repeats_wait_for_the_first_trainings() -> None:
    assert next_task(SMALL, first("complete", "complete", "complete", "running")) is None
    assert planned(SMALL, first("complete", "complete", "complete", "running")) == 5


def test_what_failed_is_tried_again_unless_it_is_given_up() -> None:
    runs = first("complete", "failed", "complete", "complete")
    task = next_task(SMALL, runs)
    assert task is not None
    assert key(task.configuration or {}) == key(runs[1].configuration)
    again = next_task(SMALL, runs, {name_of(runs[1])})
    assert again is not None
    assert again.seed == 1
    assert planned(SMALL, runs, {name_of(runs[1])}) == 3


def test_finalists_alone_are_repeated() -> None:
    runs = first("complete", "complete", "complete", "complete")
    finals = replace(SMALL, finalists=1)
    task = next_task(finals, runs)
    assert task is not None
    assert task.configuration == runs[-1].configuration
    assert planned(finals, runs) == 1


def test_more_values_and_seeds_are_added_to_what_is_there() -> None:
    runs = first("complete", "complete", "complete", "complete")
    larger = replace(SMALL, hidden_size=[4, 8, 16], seeds=3)
    assert planned(larger, runs) == 2 + 6 * 2
    smaller = replace(SMALL, cell=["gru"])
    assert planned(smaller, runs) == 2


def test_as_many_are_drawn_as_were_asked_for() -> None:
    drawing = SweepConfig(trials=2, seeds=2)
    task = next_task(drawing, [])
    assert task is not None
    assert (task.configuration, task.drawn) == (None, True)
    assert planned(drawing, []) == 4
    one = replace(ended(2.0), drawn=True)
    lost = replace(ended(9.0, cell="gru"), drawn=True, state="failed")
    again = next_task(drawing, [one, lost])
    assert again is not None
    assert (again.configuration, again.drawn) == (lost.configuration, True)
    repeat = next_task(drawing, [one, lost, replace(lost, state="complete")])
    assert repeat is not None
    assert (repeat.configuration, repeat.seed) == (one.configuration, 1)


def test_a_configuration_drawn_again_gets_another_seed() -> None:
    assert free_seed([], made()) == 0
    assert free_seed([ended(1.0), ended(1.0, seed=1), ended(1.0, cell="gru")], made()) == 2
