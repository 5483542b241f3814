"""How pairs of a source and a text are trained where nothing else is said."""

from typing import Any

from unspool.errors import ConfigError
from unspool.training.config import TrainingConfig

# Records that a window's end cuts teach their encoder by their first part alone. With windows of 256 symbols
# that is one in twenty where texts have a dozen symbols. See benchmarks/pairs.py for the others.
PAIR_TRAINING: dict[str, Any] = {
    "sequence_length": 256,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "epochs": 10,
}
PAIR_HIDDEN_SIZE = 256


def pair_training(**given: Any) -> TrainingConfig:
    """Make the configuration of a training on pairs.

    Args:
        **given: What is said in place of the defaults for pairs.
    """
    return TrainingConfig(**{**PAIR_TRAINING, **given})


def refuse_with_pairs(*, document: bool, **others: object) -> None:
    """Refuse what cannot go with sources.

    Args:
        document: Whether the texts are one document.
        **others: Values by the names of their parameters, None where they were not given.

    Raises:
        ConfigError: On the first that is there.
    """
    others = {"document": True if document else None, **others}
    for name, value in others.items():
        if value is not None:
            raise ConfigError(f"parameter {name}", expected="none where texts have sources", got="one")
