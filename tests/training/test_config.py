import dataclasses

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
