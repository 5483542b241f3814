"""How pairs of a source and a text are trained where nothing else is said."""

from typing import Any

from unspool.errors import ConfigError
from unspool.text.records import Records
from unspool.training.config import TrainingConfig

# Few symbols in a step make many steps, which is what pairs need. A text that a window's end cuts teaches the
# encoder by its first part alone, so the windows are long and the lanes few: of texts of 50 symbols one in
# five is cut. Twice as many lanes of half the length, which cut twice as many, learn long answers far worse.
PAIR_TRAINING: dict[str, Any] = {"sequence_length": 256, "batch_size": 2, "learning_rate": 1e-2}


def pair_training(**given: Any) -> TrainingConfig:
    """Make the configuration of a training on pairs.

    Args:
        **given: What is said in place of the defaults for pairs.
    """
    return TrainingConfig(**{**PAIR_TRAINING, **given})


def training_of(corpus: Records, training: TrainingConfig | None, **others: object) -> TrainingConfig:
    """Give the configuration of a training: what is said, or the defaults for the kind of texts.

    Args:
        corpus: The texts.
        training: What is said; None for nothing.
        **others: Values, by the names of their parameters, of what cannot go with sources; None where they
            were not given.

    Raises:
        ConfigError: On the first that is there beside sources, or if these are of one document.
    """
    if not corpus.pairs:
        return training or TrainingConfig()
    for name, value in {"document": True if corpus.document else None, **others}.items():
        if value is not None:
            raise ConfigError(f"parameter {name}", expected="none where texts have sources", got="one")
    return training or pair_training()
