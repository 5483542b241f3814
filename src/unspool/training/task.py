"""What is trained on what: the loop's task, its fresh start and the identity that a checkpoint remembers."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from unspool.configuration import to_dict
from unspool.engines.protocol import Engine
from unspool.errors import ConfigError
from unspool.kernels.machine import chosen_kernels
from unspool.text.streams.lanes import Lanes
from unspool.text.streams.stream import TokenStream
from unspool.training.checkpoints import Checkpoint, Identity
from unspool.training.config import TrainingConfig
from unspool.training.optimizers import FloatArray, Optimizer
from unspool.training.records import SampleRecord

# Changing these leaves every number of a run as it is, so a run may go on with other values. The number of
# threads is looked at on its own: the native kernels give the same bits for any. So is the precision: the one
# that is used counts.
FREE_TO_CHANGE = frozenset({"checkpoint_seconds", "threads", "precision"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Show a callback where the run stands; it must change nothing.

    Args:
        engine: The engine that trains.
        parameters: The parameters as they are now, or their average where the run keeps one.
        step: Steps made.
        epoch: Number of the epoch, from 1.
    """

    engine: Engine
    parameters: dict[str, FloatArray]
    step: int
    epoch: int


Callback: TypeAlias = Callable[[Moment], Iterable[SampleRecord]]


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """Bring together what is trained and what it is trained on.

    Args:
        engine: The engine, its network's vocab_size set.
        training: The texts to learn from.
        validation: The texts held out; its ids may be empty.
        eos_id: The id that ends every record.
        document: Whether the training stream is one document, its state carried on across records.
        config: How to train.
        callbacks: Called after every evaluation, in this order; what they return is yielded.

    Raises:
        ConfigError: If `patience` is set and nothing is held out.
    """

    engine: Engine
    training: TokenStream
    validation: TokenStream
    eos_id: int
    document: bool
    config: TrainingConfig
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        """Refuse patience with nothing to measure."""
        if self.config.patience is not None and not len(self.validation.ids):
            hint = "set validation_fraction, or leave patience out"
            raise ConfigError("parameter patience", expected="None: no text is held out", hint=hint)

    def lanes(self) -> Lanes:
        """Lay out the training stream."""
        return Lanes(
            self.training,
            batch_size=self.config.batch_size,
            sequence_length=self.config.sequence_length,
            seed=self.config.seed,
            eos_id=self.eos_id,
            document=self.document,
            context_dropout=self.config.context_dropout,
        )


def fresh_start(task: TrainingTask, parameters: dict[str, FloatArray]) -> Checkpoint:
    """Make the checkpoint of a run that has made no step yet.

    Args:
        task: What will be trained.
        parameters: First values, which the loop will change in place.
    """
    return Checkpoint(
        parameters=parameters,
        slots=Optimizer(task.config.optimizer, parameters, task.config).slots,
        state=np.ascontiguousarray(task.engine.initial_state(task.lanes().batch_size)),
        average=None if task.config.ema is None else {name: a.copy() for name, a in parameters.items()},
        identity=identity(task),
    )


def identity(task: TrainingTask) -> Identity:
    """Describe everything that decides the numbers of a run, in JSON types."""
    training: dict[str, Any] = to_dict(task.config)
    native = task.config.engine == "cpu"
    corpus = [task.training.fingerprint(), task.validation.fingerprint(), task.eos_id, task.document]
    return {
        "network": to_dict(task.engine.config),
        "training": {name: value for name, value in training.items() if name not in FREE_TO_CHANGE},
        "corpus": hashlib.blake2b(json.dumps(corpus).encode(), digest_size=16).hexdigest(),
        "threads": None if native else task.config.threads,
        "kernels": chosen_kernels(),
        "precision": task.engine.precision,
    }
