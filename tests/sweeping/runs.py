"""Trainings that never happened, for what looks at trainings."""

from typing import Any

from unspool._sweeping.results import Run
from unspool._sweeping.space import Configuration
from unspool._sweeping.sweep_config import SweepConfig

SMALL = SweepConfig(cell=["lstm", "gru"], hidden_size=[4, 8], learning_rate=[0.02], seeds=2)


def made(**changes: Any) -> Configuration:
    usual = {"cell": "lstm", "hidden_size": 8, "num_layers": 1, "learning_rate": 0.02, "dropout": 0.0}
    return {**usual, "batch_size": 16, **changes}


def ended(bits: float, *, seed: int = 0, state: str = "complete", number: int = 0, **changes: Any) -> Run:
    """Make a training that ended, its last evaluation the best."""
    configuration = made(**changes)
    size = int(configuration["hidden_size"])
    curve = ((0.5, bits + 1), (1.0, bits))
    return Run(number=number, configuration=configuration, seed=seed, state=state, curve=curve, seconds=1.0,
               characters=1000, parameters=8 * size * size, steps=10)  # fmt: skip
