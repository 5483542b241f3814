"""Everything that decides how a network is trained."""

from dataclasses import dataclass
from typing import Annotated, Any

from unspool._configuration import (
    Allowed,
    OptionRow,
    answers_unknown_names,
    check_rows,
    is_real,
    is_whole,
    one_of,
    real_range,
    whole_range,
)
from unspool._errors import ConfigError
from unspool._views.short_repr import short_repr

COUNT = whole_range(1)
WIDTH = whole_range(1, 1 << 20)
POSITIVE = real_range("a number > 0", above=0)
NOT_NEGATIVE = real_range("a number ≥ 0", least=0)
DECAY = real_range("a number in [0, 1)", least=0, below=1)
FRACTION = real_range("a number in [0, 1]", least=0, most=1)
SHARE = real_range("a number in (0, 1)", above=0, below=1)
SEED = Allowed("a whole number in [0, 2**63)", whole_range(0, 2**63 - 1).holds)


def _is_every(value: Any) -> bool:
    return is_whole(value, least=1) or (
        is_real(value) and (0 < value < 1 or (value >= 1 and float(value).is_integer()))
    )


EVERY = Allowed("a whole number ≥ 1, or a share of the run in (0, 1)", _is_every)
ENGINE = Allowed("a name", lambda value: isinstance(value, str), "unspool._engines:ENGINES")


def _is_order(value: Any) -> bool:
    return value in ("auto", "none") or (str(value).isdecimal() and 1 <= int(str(value)[:9]) <= MOST_ORDER)


MOST_ORDER = 16  # that of the kernels, which are too slow to import here
COUNTS = Allowed(f"auto, or a whole number from 1 to {MOST_ORDER}", _is_order)


@answers_unknown_names
@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The configuration of a training; saved as a whole with the run.

    Args:
        epochs: Passes over the corpus, or None to train until `minutes` are over.
        minutes: Wall time after which the run ends, or None. The learning rate then follows the clock, so two
            runs do not give the same bits.
        batch_size: Number of lanes that are read in parallel; a tiny corpus has fewer.
        sequence_length: Tokens of each lane in one step; gradients flow back through all of them.
        optimizer: A name in `OPTIMIZERS`.
        learning_rate: The highest learning rate of the schedule.
        schedule: A name in `SCHEDULES`.
        warmup_fraction: Share of the run during which the learning rate rises.
        floor_fraction: The last learning rate, as a share of the highest.
        weight_decay: Decoupled weight decay of the kernels and the embedding; only adamw uses it.
        beta1: Decay of the mean gradient; adamw and adam use it.
        beta2: Decay of the mean squared gradient; adamw and adam use it.
        rho: Decay of the mean squared gradient; rmsprop uses it.
        momentum: Decay of the accumulated gradient; sgd uses it.
        epsilon: A small number that avoids a division by zero; all optimizers but sgd use it.
        clip_norm: Highest allowed global norm of the gradients, or None for no clipping.
        ema: Decay of an exponential moving average of the parameters, in (0, 1), or None for no average. With
            an average, the average is evaluated, writes the samples and is saved as the model.
        validation_fraction: Share of the corpus that is held out, or None.
        max_validation_symbols: Highest number of held-out tokens that are measured during the training. They
            are always the same ones: the records with the smallest hashes, or the beginning of the held-out
            part of a document. None measures all of them each time.
        state_reset: In document mode, the chance that a lane starts a window from an empty state, as every
            prompt does. 0 always carries the state on; 1 cuts the document into independent windows of
            `sequence_length` tokens. In line mode the state is reset where a record starts.
        context_dropout: Chance that an attribute of a record is left out in an epoch, so that the model can
            later be used without it. It has no effect without context.
        patience: Number of evaluations in a row without a better result after which the run ends, or None.
        evaluate_every: Number of steps between two evaluations, ≥ 1; or the share of the run between them,
            below 1, by its steps or by the clock, whichever is further; or None for one at the end of each
            epoch. There is always one at the end.
        checkpoint_seconds: Longest time between two checkpoints, in seconds.
        seed: The seed of every random draw.
        threads: Number of threads of the engine, or None to let the engine choose.
        engine: A name in `ENGINES`.
        device: Where the engine computes, if it can choose: auto is a GPU if there is one, else the CPU.
        precision: Number format of the matrix products in training: float32, bf16 (with sums in float32), or
            auto, which is bf16 where the processor supports it. Weights, state, loss and evaluations are
            always float32. If bf16 is asked for and the processor does not support it, the products are
            float32 too.
        counts: Symbols of the longest context that is counted in the training text, as a number or in words;
            "auto" for 8 if they help; None for the network alone. The counts are mixed into the network's
            predictions, by weights that are fitted to the held-out text.

    Example:
        >>> from unspool import TrainingConfig
        >>> config = TrainingConfig(epochs=3, learning_rate=0.01)
        >>> config.epochs, config.optimizer, config.clip_norm
        (3, 'adamw', 1.0)
    """

    # fmt: off
    epochs: Annotated[int | None, OptionRow(COUNT, "Passes over the corpus",
        elsewhere=("n_epochs", "num_epochs", "nb_epoch", "num_train_epochs", "max_epochs", "max_iter",
            "n_iter", "iterations", "steps", "max_steps"))] = 10
    minutes: Annotated[float | None, OptionRow(
        POSITIVE,
        "Stop after so many minutes; without --epochs, choose all other settings to fit this time",
        elsewhere=("time", "max_time", "time_limit"))] = None
    batch_size: Annotated[int, OptionRow(WIDTH, "Streams of text processed in parallel",
        elsewhere=("bs", "batch", "minibatch_size", "train_batch_size", "per_device_train_batch_size"))] = 16
    sequence_length: Annotated[int, OptionRow(WIDTH,
        "Symbols per stream in one training step (how far gradients reach back)",
        elsewhere=("seq_length", "seq_len", "block_size", "context_length", "max_seq_length", "max_length",
            "max_len", "maxlen", "bptt"))] = 32
    optimizer: Annotated[str, OptionRow(
        one_of("unspool._training.optimizers:OPTIMIZERS"), "{choices}",
        elsewhere=("optim", "solver"))] = "adamw"
    learning_rate: Annotated[float, OptionRow(POSITIVE, "Highest learning rate of the schedule",
        elsewhere=("lr", "learning_rate_init", "eta", "eta0", "step_size"))] = 2e-2
    schedule: Annotated[str, OptionRow(
        one_of("unspool._training.schedules:SCHEDULES"), "{choices}",
        elsewhere=("scheduler", "lr_schedule", "lr_scheduler", "lr_scheduler_type"))] = "cosine"
    warmup_fraction: Annotated[float, OptionRow(DECAY,
        elsewhere=("warmup", "warmup_ratio"))] = 0.02
    floor_fraction: Annotated[float, OptionRow(FRACTION)] = 0.05
    weight_decay: Annotated[float, OptionRow(
        NOT_NEGATIVE, "Weight decay of the kernels, for adamw only",
        elsewhere=("wd", "l2"))] = 0.01
    beta1: Annotated[float, OptionRow(DECAY,
        elsewhere=("beta_1", "adam_beta1"))] = 0.9
    beta2: Annotated[float, OptionRow(DECAY,
        elsewhere=("beta_2", "adam_beta2"))] = 0.99
    rho: Annotated[float, OptionRow(DECAY)] = 0.9
    momentum: Annotated[float, OptionRow(DECAY)] = 0.0
    epsilon: Annotated[float, OptionRow(POSITIVE,
        elsewhere=("eps", "adam_epsilon"))] = 1e-7
    clip_norm: Annotated[float | None, OptionRow(POSITIVE, "Clip the gradient norm to this",
        elsewhere=("grad_clip", "clipnorm", "global_clipnorm", "max_grad_norm", "gradient_clipping",
            "gradient_clip_val", "clip_grad_norm", "clip"))] = 1.0
    ema: Annotated[float | None, OptionRow(
        SHARE, "Keep a moving average of the weights with this decay as the model",
        elsewhere=("use_ema", "ema_decay", "ema_momentum"))] = None
    validation_fraction: Annotated[float | None, OptionRow(SHARE,
        "Share of the texts to hold out for evaluation",
        elsewhere=("validation_split", "val_split", "val_fraction", "test_size"))] = 0.1
    max_validation_symbols: Annotated[int | None, OptionRow(
        COUNT, "Evaluate on at most so many held-out symbols while training")] = 2_000_000
    state_reset: Annotated[float, OptionRow(
        FRACTION, "With --document: chance that a stream starts from an empty state at a step")] = 0.05
    context_dropout: Annotated[float, OptionRow(
        DECAY, "Chance that an attribute of --context is hidden for an epoch")] = 0.1
    patience: Annotated[int | None, OptionRow(COUNT,
        "Stop after so many evaluations without improvement",
        elsewhere=("early_stopping", "early_stopping_patience", "n_iter_no_change"))] = None
    evaluate_every: Annotated[float | None, OptionRow(
        EVERY, "Steps between evaluations, or the share of the run between them", shown="an epoch",
        elsewhere=("eval_steps", "eval_every", "eval_interval", "eval_strategy", "evaluation_strategy",
            "val_check_interval", "logging_steps"))] = None
    checkpoint_seconds: Annotated[float, OptionRow(NOT_NEGATIVE,
        "Longest time between two checkpoints, in seconds",
        elsewhere=("save_steps", "save_interval", "save_strategy"))] = 30.0
    seed: Annotated[int, OptionRow(SEED,
        "Seed of all random numbers: the same seed gives the same model",
        elsewhere=("random_state", "random_seed", "manual_seed"))] = 0
    threads: Annotated[int | None, OptionRow(
        COUNT, "Number of threads", shown="one on each processor", takes_none=False,
        elsewhere=("n_jobs", "num_threads", "num_workers", "dataloader_num_workers", "nthread",
            "cpu"))] = None
    engine: Annotated[str, OptionRow(ENGINE, "{choices}",
        elsewhere=("backend",))] = "cpu"
    device: Annotated[str, OptionRow(one_of("unspool._engines:DEVICES"),
        "Where engine torch computes: {choices}; auto is the best one that is there",
        elsewhere=("accelerator", "gpu"))] = "auto"
    precision: Annotated[str, OptionRow(
        one_of("unspool._kernels.precision:PRECISIONS"),
        "Number format of matrix products in training: {choices}; auto is bf16 where available",
        elsewhere=("dtype", "torch_dtype", "fp16", "bf16", "amp", "mixed_precision"))] = "float32"
    counts: Annotated[int | str | None, OptionRow(COUNTS,
        "Count contexts of so many symbols as well, and mix the counts into the network", shown="none",
        elsewhere=("ngram", "ngrams", "ngram_order", "order"))] = None
    # fmt: on

    __repr__ = short_repr

    def __post_init__(self) -> None:
        check_rows(self)
        counts = None if self.counts in (None, "none") else str(self.counts)
        object.__setattr__(self, "counts", counts)
        if self.evaluate_every is not None and self.evaluate_every >= 1:
            object.__setattr__(self, "evaluate_every", int(self.evaluate_every))  # JSON tells 8 from 8.0
        if self.epochs is None and self.minutes is None:
            raise ConfigError("epochs and minutes are both None", expected="a number for one of them")
