"""When a training of a sweep is given up: once it can have shown something, if it is behind."""

from dataclasses import replace
from typing import Any

import pytest

from tests.sweeping.runs import SMALL
from unspool._sweeping.ledger import STARTUP_TRIALS, _pruner


@pytest.mark.parametrize(
    ("pruner", "evaluations", "first"),  # the evaluation at which one that is behind is given up
    [("median", 9, 3), ("median", 12, 4), ("halving", 12, 3), ("halving", 3, 1), (None, 9, None)],
)
def test_one_that_is_behind_is_given_up_after_its_beginning(
    pruner: Any, evaluations: int, first: int | None
) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    config = replace(SMALL, pruner=pruner, evaluations=evaluations)
    study = optuna.create_study(pruner=_pruner(optuna, config))
    for _ in range(STARTUP_TRIALS):
        trial = study.ask()
        for part in range(1, evaluations + 1):
            trial.report(1.0, part)
            assert not trial.should_prune()
        study.tell(trial, 1.0)
    behind, given_up = study.ask(), []
    for part in range(1, evaluations + 1):
        behind.report(2.0, part)
        if behind.should_prune():
            given_up.append(part)
    assert next(iter(given_up), None) == first
