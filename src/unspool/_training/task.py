"""The task of the training loop, its first checkpoint, and the identity that a checkpoint stores."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from unspool._configuration import to_dict
from unspool._engines import make_engine
from unspool._engines.protocol import Engine
from unspool._errors import ConfigError
from unspool._kernels.counts import MOST_VOCABULARY
from unspool._kernels.machine import chosen_kernels
from unspool._network.config import NetworkConfig
from unspool._network.memory import check_memory
from unspool._text.streams.lanes import Lanes
from unspool._text.streams.stream import TokenStream
from unspool._training.changes import FREE_TO_CHANGE
from unspool._training.checkpoints import Checkpoint, Identity
from unspool._training.config import TrainingConfig
from unspool._training.optimizers import FloatArray, Optimizer, arrays_of
from unspool._training.records import SampleRecord
from unspool._training.stepping.ranks import own_processors

if TYPE_CHECKING:
    from unspool._training.stepping.torch_ranks import Ranks


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The point where a run stands, as a callback sees it; a callback must not change anything in it.

    Args:
        engine: The engine that trains.
        parameters: The current parameters, or their average where the run keeps one.
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
    """A network with the texts and the configuration of its training.

    Args:
        engine: The engine that trains; the vocab_size of its network is set.
        training: The token stream to learn from.
        validation: The token stream that is held out; it may be empty.
        eos_id: The id of the token that ends every record.
        document: Whether the training stream is one document, whose state is carried across records.
        config: The training configuration.
        callbacks: Functions that are called in this order after every evaluation; the loop yields the records
            that they return.
        held_out_decides: Whether the model with the lowest loss on the held-out text is kept. Otherwise it is
            the last one, as if nothing were held out.
        ranks: The processes that train together; None for this one alone.

    Raises:
        ConfigError: If `patience` is set and nothing is held out, or the training needs more memory than the
            machine has.
    """

    engine: Engine
    training: TokenStream
    validation: TokenStream
    eos_id: int
    document: bool
    config: TrainingConfig
    callbacks: Sequence[Callback] = ()
    held_out_decides: bool = True
    ranks: "Ranks | None" = None

    def __post_init__(self) -> None:
        """Refuse `patience` where nothing is held out, and what cannot fit into the memory."""
        if self.config.patience is not None and not len(self.validation.ids):
            hint = "set validation_fraction, or leave patience out"
            raise ConfigError("patience needs held-out text, and there is none", hint=hint)
        self._check_counts()
        if len(self.training):
            lanes = self.lanes()
            symbols = (lanes.own.stop - lanes.own.start) * lanes.window_length
            check_memory(
                self.engine.config,
                arrays=arrays_of(self.config),
                symbols=symbols,
                of_device=getattr(self.engine, "memory", None),
            )

    @property
    def reset_id(self) -> int | None:
        """Return the id that resets the state of its lane; None in a document."""
        return None if self.document else self.eos_id

    def _check_counts(self) -> None:
        network = self.engine.config
        what = f"counts={self.config.counts}"
        if self.config.counts is None:
            return
        if network.encoder is not None:
            raise ConfigError(what, expected="None with sources: an answer depends on its source")
        if network.symbols > MOST_VOCABULARY:
            expected, got = f"at most {MOST_VOCABULARY:,} symbols", f"{network.symbols:,}"
            raise ConfigError(what, expected=expected, got=got, hint="set max_vocab_size")

    def lanes(self) -> Lanes:
        """Return the lanes of the training stream, of which this process may read a part."""
        return Lanes(
            self.training,
            batch_size=self.config.batch_size,
            sequence_length=self.config.sequence_length,
            seed=self.config.seed,
            eos_id=self.eos_id,
            document=self.document,
            context_dropout=self.config.context_dropout,
            part=(0, 1) if self.ranks is None else self.ranks.part,
        )


def engine_of(config: TrainingConfig, network: NetworkConfig) -> Engine:
    """Make the engine that a training asks for.

    Args:
        config: The training configuration.
        network: The network, its vocab_size set.
    """
    return make_engine(
        config.engine,
        network,
        threads=config.threads or own_processors(),
        precision=config.precision,
        device=config.device,
    )


def fresh_start(task: TrainingTask, parameters: dict[str, FloatArray]) -> Checkpoint:
    """Make the checkpoint of a run that has made no step yet.

    Args:
        task: The task of the run.
        parameters: The initial parameters; the loop changes them in place.
    """
    return Checkpoint(
        parameters=parameters,
        slots=Optimizer(task.config.optimizer, parameters, task.config).slots,
        state=np.ascontiguousarray(task.engine.initial_state(task.lanes().batch_size)),
        average=None if task.config.ema is None else {name: a.copy() for name, a in parameters.items()},
        identity=identity(task),
    )


def identity(task: TrainingTask) -> Identity:
    """Return everything that decides the numbers of a run, in JSON types."""
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
