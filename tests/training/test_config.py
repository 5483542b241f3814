import dataclasses
import math
import sys
from typing import Any

import pytest

from unspool._configuration import from_dict, to_dict
from unspool._errors import ConfigError
from unspool._training.config import TrainingConfig


def test_the_defaults_are_in_range_and_survive_json() -> None:
    config = TrainingConfig()
    assert from_dict(TrainingConfig, to_dict(config), where="training") == config
    assert set(to_dict(config)) == {field.name for field in dataclasses.fields(config)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("minutes", 0.0),
        ("batch_size", 0),
        ("batch_size", "32"),
        ("sequence_length", -1),
        ("optimizer", "adagrad"),
        ("optimizer", ["adamw"]),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("schedule", "linear"),
        ("warmup_fraction", 1.0),
        ("floor_fraction", 1.1),
        ("weight_decay", -0.1),
        ("beta2", 1.0),
        ("clip_norm", 0.0),
        ("ema", 0.0),
        ("ema", 1.0),
        ("validation_fraction", 1.0),
        ("validation_fraction", 0.0),
        ("patience", 0),
        ("evaluate_every", True),
        ("checkpoint_seconds", -1.0),
        ("seed", -1),
        ("seed", 2**63),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        TrainingConfig(**{name: value})


@pytest.mark.parametrize(
    "name", ["minutes", "clip_norm", "ema", "validation_fraction", "patience", "evaluate_every", "threads"]
)
def test_none_means_off(name: str) -> None:
    assert getattr(TrainingConfig(**{name: None}), name) is None


def test_a_run_must_end() -> None:
    with pytest.raises(ConfigError, match="epochs and minutes"):
        TrainingConfig(epochs=None)
    assert TrainingConfig(epochs=None, minutes=1.0).minutes == 1.0


TINY = math.nextafter(0.0, 1)
BELOW_ONE = math.nextafter(1.0, 0)
HUGE = sys.float_info.max
COUNT = (1, None)
SHARE = (TINY, BELOW_ONE)
BELOW_1 = (0.0, BELOW_ONE)
ENDS: dict[str, tuple[Any, Any]] = {  # the first and the last number of each range; None: it has no end
    "epochs": COUNT,
    "minutes": (TINY, HUGE),
    "batch_size": (1, 1048576),
    "sequence_length": (1, 1048576),
    "learning_rate": (TINY, HUGE),
    "warmup_fraction": BELOW_1,
    "floor_fraction": (0.0, 1.0),
    "weight_decay": (0.0, HUGE),
    "beta1": BELOW_1,
    "beta2": BELOW_1,
    "rho": BELOW_1,
    "momentum": BELOW_1,
    "epsilon": (TINY, HUGE),
    "clip_norm": (TINY, HUGE),
    "ema": SHARE,
    "validation_fraction": SHARE,
    "max_validation_symbols": COUNT,
    "state_reset": (0.0, 1.0),
    "context_dropout": BELOW_1,
    "patience": COUNT,
    "checkpoint_seconds": (0.0, HUGE),
    "seed": (0, 9223372036854775807),
    "threads": COUNT,
}


def test_every_option_that_is_a_number_is_among_the_ends() -> None:
    others = ("optimizer", "schedule", "evaluate_every", "engine", "precision", "counts", "device")
    assert sorted([*ENDS, *others]) == sorted(field.name for field in dataclasses.fields(TrainingConfig))


@pytest.mark.parametrize("name", ENDS)
def test_the_first_and_the_last_number_are_allowed_and_the_next_ones_are_not(name: str) -> None:
    least, most = ENDS[name]
    for value in (least, 10**400 if most is None else most):
        assert getattr(TrainingConfig(**{name: value}), name) == value
    whole = isinstance(least, int)
    beyond = [least - 1 if whole else math.nextafter(least, -math.inf)]
    if most is not None:
        beyond.append(most + 1 if whole else math.nextafter(most, math.inf))
    for value in beyond:
        with pytest.raises(ConfigError, match=rf"^{name} must be"):
            TrainingConfig(**{name: value})


def test_an_evaluation_comes_after_some_steps_or_a_share_of_the_run() -> None:
    for allowed in (1, 1.0, 10**400, *SHARE):
        assert TrainingConfig(evaluate_every=allowed).evaluate_every == allowed
    for refused in (0, -1, 0.0, -TINY, 1.5, math.inf, math.nan):
        with pytest.raises(ConfigError, match=r"^evaluate_every must be"):
            TrainingConfig(evaluate_every=refused)
