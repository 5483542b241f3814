"""Options go by their names here; what other libraries call them is answered with that name."""

import copy
import inspect
import pickle
from typing import Any, Unpack, get_type_hints

import pytest

import unspool
from unspool import ConfigError
from unspool._configuration import names_elsewhere
from unspool._network.config import NetworkConfig
from unspool._tables.corpus import TableLike
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sources import read_records
from unspool._training.by_name import (
    ARGUMENTS,
    COLUMNS,
    NETWORK,
    READING,
    TRAINING,
    TrainKeywords,
    divided,
    network_with,
    training_with,
)
from unspool._training.config import TrainingConfig

CONFIGURATIONS = (NetworkConfig, TrainingConfig, ReadOptions)

# As users of scikit-learn, of Keras and of transformers would write it.
SKLEARN = {
    "hidden_layer_sizes": "hidden_size",
    "learning_rate_init": "learning_rate",
    "max_iter": "epochs",
    "random_state": "seed",
    "n_iter_no_change": "patience",
    "n_jobs": "threads",
    "verbose": "progress",
}
KERAS = {
    "units": "hidden_size",
    "validation_split": "validation_fraction",
    "validation_data": "validation",
    "callbacks": "on_record",
    "clipnorm": "clip_norm",
    "beta_1": "beta1",
    "maxlen": "sequence_length",
}
TRANSFORMERS = {
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "output_dir": "out",
    "lr_scheduler_type": "schedule",
    "max_grad_norm": "clip_norm",
    "warmup_ratio": "warmup_fraction",
    "eval_dataset": "validation",
    "resume_from_checkpoint": "resume",
    "bf16": "precision",
}


@pytest.mark.parametrize(("name", "here"), [*SKLEARN.items(), *KERAS.items(), *TRANSFORMERS.items()])
def test_the_names_of_other_libraries_are_answered_with_those_here(name: str, here: str) -> None:
    with pytest.raises(ConfigError, match=f"^unknown option '{name}'; it is '{here}' here$"):
        unspool.train(["a text"] * 9, **{name: 1})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hiden_size", "did you mean 'hidden_size'"),
        ("otu", "did you mean 'out'"),
        ("Units", "it is 'hidden_size'"),
        ("delimeter", "did you mean 'delimiter'"),
        ("zzzz", "expected one of epochs, minutes"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        unspool.train(["a text"] * 9, **{name: 1})


def test_every_name_elsewhere_means_one_option_and_is_none_here() -> None:
    spelled = [other for cls in CONFIGURATIONS for other in names_elsewhere(cls)]
    spelled += [other for others in ARGUMENTS.values() for other in others]
    assert len(spelled) == len(set(spelled)) > 100
    assert [other for other in spelled if not other.isidentifier()] == []
    assert len(ARGUMENTS["out"]) == 7
    assert set(spelled) & {*TRAINING, *NETWORK, *READING} == {"vocab_size"}
    assert ARGUMENTS.keys() <= inspect.signature(unspool.train).parameters.keys()


def test_values_are_divided_by_where_they_belong() -> None:
    values = {"epochs": 1, "cell": "gru", "source": 0, "target": 1}
    network, training, reading = divided(values)
    assert (network, training, reading) == ({"cell": "gru"}, {"epochs": 1}, {"source_text": 0, "text": 1})


@pytest.mark.parametrize(
    "cls", [unspool.TrainingConfig, unspool.NetworkConfig, unspool.SweepConfig, unspool.GenerationOptions]
)
def test_a_configuration_answers_an_unknown_name_itself(cls: Any) -> None:
    name = next(iter(inspect.signature(cls).parameters))
    with pytest.raises(ConfigError, match=f"^unknown option '{name}s'; did you mean '{name}'"):
        cls(**{f"{name}s": 1})
    config = cls()
    assert pickle.loads(pickle.dumps(config)) == copy.deepcopy(config) == config


def test_two_names_of_one_value_and_values_that_are_none_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        divided({"source": 0, "source_text": 1})
    assert str(caught.value) == "source_text and another name of source_text are given: expected one of them"
    assert divided({}) == ({}, {}, {})
    assert network_with(None, {}) is None
    assert network_with(None, {"hidden_size": 3}) == NetworkConfig(hidden_size=3)
    assert network_with(NetworkConfig(cell="gru"), {"hidden_size": 3}) == NetworkConfig(
        cell="gru", hidden_size=3
    )
    training = TrainingConfig(seed=3)
    assert training_with(training, {}) is training
    assert training_with(training, {"epochs": 2}) == TrainingConfig(seed=3, epochs=2)


def test_type_checkers_and_editors_know_every_option_of_train() -> None:
    reading = {name: kind for name, kind in get_type_hints(read_records).items() if name in READING}
    columns = {other: reading[name] for other, name in COLUMNS.items()}
    fields = get_type_hints(NetworkConfig) | get_type_hints(TrainingConfig)
    del fields["minutes"]  # an argument of its own
    assert get_type_hints(TrainKeywords) == fields | reading | columns | {"table": TableLike}
    taken = inspect.signature(unspool.train).parameters
    assert taken["options"].annotation == Unpack[TrainKeywords]
    assert not set(TrainKeywords.__annotations__) & set(taken)
