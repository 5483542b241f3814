"""unspool's part of a comparison: training steps and writing, as calls that can be timed."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unspool._engines import make_engine
from unspool._errors import UnspoolError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._network.config import NetworkConfig
from unspool._network.parameters import Parameters
from unspool._text.streams.lanes import Window
from unspool._training.config import TrainingConfig
from unspool._training.optimizers import Optimizer

Floats = NDArray[np.float32]

LEARNING_RATE = 1e-3
WINDOWS = 8  # different windows, which are repeated
NEVER = np.float32(-1e4)  # a bias so low that <eos> never ends a text early


def random_windows(*, vocab_size: int, sequence_length: int, batch_size: int) -> list[Window]:
    """Draw the windows (T, B) that all contenders train on: tokens from 1 to V - 1."""
    random = np.random.default_rng(0)
    drawn = random.integers(1, vocab_size, (WINDOWS, sequence_length + 1, batch_size)).astype(np.int32)
    return [Window(ids=symbols[:-1], targets=symbols[1:]) for symbols in drawn]


def training_step(
    config: NetworkConfig,
    start: Mapping[str, Floats],
    windows: Sequence[Window],
    *,
    threads: int,
    precision: str = "float32",
) -> Callable[[], float]:
    """Prepare unspool's training of a network: forward, backward, clipping and AdamW.

    Args:
        config: The network; its vocab_size is set.
        start: The initial parameters; they are copied.
        windows: The windows to train on, one after the other, repeated.
        threads: Number of threads.
        precision: Precision of the products; see `unspool._kernels.precision`.

    Returns:
        A function that makes one step and returns its loss in nats per token.
    """
    engine = make_engine("cpu", config, threads=threads, precision=precision)
    parameters = {name: array.copy() for name, array in start.items()}
    recipe = TrainingConfig(optimizer="adamw", clip_norm=1.0)
    optimizer = Optimizer("adamw", parameters, recipe, threads=threads)
    state = engine.initial_state(windows[0].ids.shape[1])
    turns = itertools.cycle(windows)

    def step() -> float:
        nonlocal state
        loss, gradients, state = engine.loss_and_gradients(parameters, next(turns), state, reset_id=None)
        optimizer.update(parameters, gradients, LEARNING_RATE)
        return loss.mean

    return step


def writing(
    config: NetworkConfig, start: Mapping[str, Floats], *, texts: int, count: int, threads: int
) -> Callable[[], object]:
    """Prepare unspool's writing of `count` tokens for each text; no text ends earlier.

    Args:
        config: The network; its vocab_size is set.
        start: The parameters.
        texts: Number of texts that are written at once.
        count: Number of tokens of each text.
        threads: Number of threads.
    """
    parameters: Parameters = {**start, "output.bias": start["output.bias"].copy()}
    parameters["output.bias"][-1] = NEVER
    engine = make_engine("cpu", config, threads=threads)
    options = GenerationOptions(max_new_tokens=count, temperature=1.0, seed=0)
    request = EngineRequest([np.zeros(0, np.int32)] * texts, options)
    return lambda: generate(engine.writer(parameters), request)


def refuse_other_work(losses: Mapping[str, float], *, tolerance: Mapping[str, float]) -> None:
    """Check that the losses of the first step agree, since network and window are the same.

    Args:
        losses: Loss of each contender in nats per token; the others are compared with the first.
        tolerance: The allowed relative difference of each other contender.

    Raises:
        UnspoolError: If a contender does other work.
    """
    (first, expected), *rest = losses.items()
    for name, loss in rest:
        if not abs(loss - expected) <= tolerance[name] * expected:
            raise UnspoolError(
                f"{name} does other work than {first}: the losses of the first step are {loss} and {expected}"
            )
