"""The configurations of a training from values by name, as keyword arguments of one function."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, TypedDict

from unspool._configuration import from_dict, names_elsewhere, refuse_unknown, rows_of, to_dict
from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._tables.corpus import TableLike
from unspool._text.opening import READING
from unspool._text.reading.read_options import Column, ReadOptions
from unspool._training.config import TrainingConfig

NETWORK = tuple(field.name for field in fields(NetworkConfig))
TABLE = "table"  # whether rows of a table are learnt
TRAINING = tuple(field.name for field in fields(TrainingConfig))
# The names of columns as the command line has them, too: --source and --target.
COLUMNS = {
    other: name
    for name, row in rows_of(ReadOptions).items()
    for other in (*row.aliases, *filter(None, [row.flag]))
}
# What other libraries call the arguments of `train` that are no fields of a configuration.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "out": ("output_dir", "output", "output_file", "save", "save_dir", "default_root_dir", "log_dir"),
    "tokenizer": ("processing_class", "analyzer"),
    "max_vocab_size": ("vocab", "vocab_size", "num_words", "max_features", "max_tokens"),
    "init_from": ("init_model", "pretrained", "warm_start", "checkpoint_path"),
    "validation": ("val", "validation_data", "eval_dataset", "eval_set", "valid_file", "eval_file"),
    "resume": ("continue", "resume_from_checkpoint"),
    "overwrite": ("force", "overwrite_output_dir"),
    "progress": ("verbose", "disable_tqdm", "show_progress"),
    "on_record": ("callback", "callbacks", "report_to", "logger"),
    "sample_prompts": ("prompt", "prompts"),
    "sample_temperatures": ("temperature", "temperatures"),
}


class TrainKeywords(TypedDict, total=False):
    """What `train` takes by name beside its own arguments: fields of configurations, and options of reading.

    A type checker and an editor read a TypedDict from the source, so it cannot be made from the rows. A test
    compares it with the fields and with the arguments of `read_records`. `minutes` is an argument of `train`.
    """

    # of NetworkConfig and TrainingConfig
    cell: str
    hidden_size: int
    num_layers: int
    embedding_size: int | None
    residual: bool
    tied_output: bool
    dropout: float
    input_dropout: float
    recurrent_dropout: float
    reset_after: bool
    context_size: int | None
    start_size: int | None
    vocab_size: int | None
    source_vocab_size: int | None
    epochs: int | None
    batch_size: int
    sequence_length: int
    optimizer: str
    learning_rate: float
    schedule: str
    warmup_fraction: float
    floor_fraction: float
    weight_decay: float
    beta1: float
    beta2: float
    rho: float
    momentum: float
    epsilon: float
    clip_norm: float | None
    ema: float | None
    validation_fraction: float | None
    max_validation_symbols: int | None
    state_reset: float
    context_dropout: float
    patience: int | None
    evaluate_every: float | None
    checkpoint_seconds: float
    seed: int
    threads: int | None
    engine: str
    device: str
    precision: str
    counts: str | int | None
    # of read_records
    text: Column | Sequence[Column] | None
    source_text: Column | Sequence[Column] | None
    context: Column | Sequence[Column]
    target: Column | Sequence[Column] | None
    source: Column | Sequence[Column] | None
    document: bool
    format: str | None
    header: bool | None
    delimiter: str | None
    quoting: str | None
    separator: str
    record_separator: str | None
    encoding: str | None
    normalization: str | None
    split: str | None
    language: str
    reuse: bool
    # of tables
    table: TableLike


class Divided(NamedTuple):
    """Values by name, divided: of the network, of the training, of reading."""

    network: dict[str, Any]
    training: dict[str, Any]
    reading: dict[str, Any]


def divided(options: Mapping[str, Any]) -> Divided:
    """Divide values by name into those of the network, of the training and of reading.

    Raises:
        ConfigError: If a name belongs to none, with the nearest name in the message, or one value has two
            names.
    """
    known = (*TRAINING, *NETWORK, *READING, TABLE, *COLUMNS, *ARGUMENTS)
    arguments = {other: name for name, others in ARGUMENTS.items() for other in others}
    elsewhere = arguments | names_elsewhere(ReadOptions, NetworkConfig, TrainingConfig)
    refuse_unknown(options, known, "", elsewhere)
    reading: dict[str, Any] = {}
    for spelling in (name for name in options if name in {*READING, TABLE, *COLUMNS}):
        name = COLUMNS.get(spelling, spelling)
        if name in reading:
            raise ConfigError(f"{spelling} and another name of {name} are given", expected="one of them")
        reading[name] = options[spelling]
    of_network = {name: value for name, value in options.items() if name in NETWORK}
    of_training = {name: value for name, value in options.items() if name in TRAINING}
    return Divided(of_network, of_training, reading)


def network_with(network: NetworkConfig | None, values: Mapping[str, Any]) -> NetworkConfig | None:
    """Return a network with other values, or the network itself; None stays None without values."""
    if not values:
        return network
    return from_dict(NetworkConfig, {**to_dict(network or NetworkConfig()), **values}, where="")


def training_with(training: TrainingConfig, values: Mapping[str, Any]) -> TrainingConfig:
    """Return a training with other values."""
    return from_dict(TrainingConfig, {**to_dict(training), **values}, where="") if values else training
