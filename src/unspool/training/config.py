"""Everything that decides how a network is trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unspool.configuration import check, is_real, is_whole
from unspool.errors import ConfigError
from unspool.kernels.precision import PRECISIONS
from unspool.training.optimizers import OPTIMIZERS
from unspool.training.schedules import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Decide how a network is trained; saved whole with the run.

    Args:
        epochs: Passes over the corpus, or None to go by `minutes` alone.
        minutes: Wall time after which the run ends, or None. The learning rate then follows the clock, so
            two runs do not give the same bits.
        batch_size: Lanes that are read side by side (fewer if the corpus is tiny).
        sequence_length: Symbols of each lane per step, through which gradients flow.
        optimizer: A name in `OPTIMIZERS`.
        learning_rate: The peak of the schedule.
        schedule: A name in `SCHEDULES`.
        warmup_fraction: Share of the run in which the learning rate rises.
        floor_fraction: Where the learning rate ends, as a share of its peak.
        weight_decay: Decoupled decay of kernels and the embedding; adamw only.
        beta1: Decay of the mean gradient; adamw and adam.
        beta2: Decay of the mean squared gradient; adamw and adam.
        rho: Decay of the mean squared gradient; rmsprop.
        momentum: Decay of the accumulated gradient; sgd.
        epsilon: What keeps a division from blowing up; all but sgd.
        clip_norm: Greatest global norm of the gradients, or None.
        ema: Decay of an exponential moving average of the parameters, in (0, 1), or None for none. The
            average is then what is evaluated, writes samples and is kept as the model.
        validation_fraction: Share of the corpus held out of training, or None.
        max_validation_symbols: Most symbols of the held-out text that are measured while it trains, always
            the same ones: the records with the smallest hashes, or the beginning of what is held out of a
            document. None measures all of it each time.
        state_reset: In document mode, the chance that a lane starts a window from an empty state, as every
            prompt does: 0 always carries it on, and 1 cuts the document into fixed windows of
            `sequence_length` symbols, each read on its own. In line mode the state is reset where a record
            starts.
        context_dropout: Chance that an attribute of a record is left unsaid in an epoch, so that any of them
            can be left out later. Without context it has no say.
        patience: Evaluations without a better validation after which the run ends, or None.
        evaluate_every: Steps between two evaluations, or None for one at the end of each epoch.
        checkpoint_seconds: Longest time between two checkpoints.
        seed: What every random draw comes from.
        threads: Threads of the engine, or None to let the engine choose.
        engine: A name in `ENGINES`.
        precision: In what products are computed while it learns: float32, bf16 with sums in float32, or auto
            for bf16 where the processor has it. Weights, state, loss and what is measured are float32 in any
            case, and so is all where bf16 is asked for and the processor has none.
    """

    epochs: int | None = 10
    minutes: float | None = None
    batch_size: int = 16
    sequence_length: int = 32
    optimizer: str = "adamw"
    learning_rate: float = 2e-2
    schedule: str = "cosine"
    warmup_fraction: float = 0.02
    floor_fraction: float = 0.05
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    clip_norm: float | None = 1.0
    ema: float | None = None
    validation_fraction: float | None = 0.1
    max_validation_symbols: int | None = 2_000_000
    state_reset: float = 0.05
    context_dropout: float = 0.1
    patience: int | None = None
    evaluate_every: int | None = None
    checkpoint_seconds: float = 30.0
    seed: int = 0
    threads: int | None = None
    engine: str = "cpu"
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name in ("batch_size", "sequence_length"):
            self._check(name, "a whole number ≥ 1", lambda v: is_whole(v, least=1))
        for name in ("epochs", "patience", "evaluate_every", "threads", "max_validation_symbols"):
            self._check(name, "a whole number ≥ 1, or None", lambda v: v is None or is_whole(v, least=1))
        for name in ("learning_rate", "epsilon"):
            self._check(name, "a number > 0", lambda v: is_real(v) and 0 < v < math.inf)
        for name in ("minutes", "clip_norm"):
            self._check(
                name, "a number > 0, or None", lambda v: v is None or (is_real(v) and 0 < v < math.inf)
            )
        for name in ("warmup_fraction", "context_dropout", "beta1", "beta2", "rho", "momentum"):
            self._check(name, "a number in [0, 1)", lambda v: is_real(v) and 0 <= v < 1)
        for name in ("weight_decay", "checkpoint_seconds"):
            self._check(name, "a number ≥ 0", lambda v: is_real(v) and 0 <= v < math.inf)
        for name in ("floor_fraction", "state_reset"):
            self._check(name, "a number in [0, 1]", lambda v: is_real(v) and 0 <= v <= 1)
        share = "a number in (0, 1), or None"
        for name in ("validation_fraction", "ema"):
            self._check(name, share, lambda v: v is None or (is_real(v) and 0 < v < 1))
        self._check("precision", f"one of {', '.join(PRECISIONS)}", lambda v: v in PRECISIONS)
        self._check("seed", "a whole number in [0, 2**63)", lambda v: is_whole(v, least=0) and v < 2**63)
        self._check(
            "optimizer", f"one of {', '.join(OPTIMIZERS)}", lambda v: isinstance(v, str) and v in OPTIMIZERS
        )
        self._check(
            "schedule", f"one of {', '.join(SCHEDULES)}", lambda v: isinstance(v, str) and v in SCHEDULES
        )
        if self.epochs is None and self.minutes is None:
            raise ConfigError("parameters epochs and minutes", expected="a number in one", got="None in both")

    def _check(self, name: str, allowed: str, accept: Callable[[Any], bool]) -> None:
        value = getattr(self, name)
        check(name, value, allowed, accept(value))
