"""Default training configuration for pairs of a source and a text."""

from typing import Any

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._tables.corpus import TableRecords
from unspool._text.records import Records
from unspool._training.config import TrainingConfig

# Few tokens in a step make many steps, and pairs need many steps. If the end of a window cuts a text, the
# encoder learns from the first part only. So the windows are long and the lanes few: of texts of 50 tokens,
# one in five is cut. Twice as many lanes of half the length cut twice as many texts and learn long answers
# far worse.
PAIR_TRAINING: dict[str, Any] = {"sequence_length": 256, "batch_size": 2, "learning_rate": 1e-2}


def pair_training(**values: Any) -> TrainingConfig:
    """Return the configuration of a training on pairs.

    Args:
        **values: Values that replace the defaults for pairs, by the names of the fields of `TrainingConfig`.
    """
    return TrainingConfig(**{**PAIR_TRAINING, **values})


def training_of(corpus: Records, training: TrainingConfig | None, **unpaired: object) -> TrainingConfig:
    """Return the training configuration: the one given, or the defaults for this kind of texts.

    Args:
        corpus: The texts.
        training: The configuration that the user gave, or None.
        **unpaired: Values of parameters that cannot be combined with sources, by name; None for each that was
            not given.

    Raises:
        ConfigError: If the texts have sources, or are rows of a table, and one of these parameters is given;
            or texts with sources are one document.
    """
    if isinstance(corpus, TableRecords):
        for name, value in unpaired.items():
            check(name, value, "left out with rows of a table", value is None)
    if not corpus.pairs:
        return training or TrainingConfig()
    for name, value in {"document": True if corpus.document else None, **unpaired}.items():
        if value is not None:
            raise ConfigError(name, expected="left out where texts have sources")
    return training or pair_training()
