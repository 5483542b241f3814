"""unspool's side of a comparison: one training step, or texts to write, as a call that can be timed."""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unspool.engines import make_engine
from unspool.errors import UnspoolError
from unspool.generation.engine import EngineRequest
from unspool.generation.options.generation_options import GenerationOptions
from unspool.generation.writer import generate
from unspool.network.config import NetworkConfig
from unspool.network.parameters import Parameters
from unspool.text.streams.lanes import Window
from unspool.training.config import TrainingConfig
from unspool.training.optimizers import Optimizer

Floats = NDArray[np.float32]

LEARNING_RATE = 1e-3
WINDOWS = 8  # different ones, over and over
NEVER = np.float32(-1e4)  # the bias that keeps <eos> from ending a text early


def random_windows(*, vocab_size: int, sequence_length: int, batch_size: int) -> list[Window]:
    """Draw the windows (T, B) that all contenders train on: symbols from 1 to V - 1."""
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
        config: The network, its vocab_size set.
        start: The parameters to start from; they are copied.
        windows: What it is trained on, one after the other, over and over.
        threads: Threads that it computes on.
        precision: In what it multiplies; see `unspool.kernels.precision`.

    Returns:
        A call that makes one step and gives its loss in nats per symbol.
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
    """Prepare unspool's writing of `count` symbols of each text, none of which ends before."""
    parameters: Parameters = {**start, "output.bias": start["output.bias"].copy()}
    parameters["output.bias"][-1] = NEVER
    engine = make_engine("cpu", config, threads=threads)
    options = GenerationOptions(max_new_tokens=count, temperature=1.0, seed=0)
    request = EngineRequest([np.zeros(0, np.int32)] * texts, options)
    return lambda: generate(engine.writer(parameters), request)


def refuse_other_work(losses: Mapping[str, float], *, tolerance: Mapping[str, float]) -> None:
    """Compare the losses of the first step, which are those of the same network on the same window.

    Args:
        losses: Nats per symbol of each contender, the first being the one to compare with.
        tolerance: The relative difference that each other contender may have.

    Raises:
        UnspoolError: If a contender does other work.
    """
    (first, wanted), *others = losses.items()
    for name, loss in others:
        if not abs(loss - wanted) <= tolerance[name] * wanted:
            raise UnspoolError(
                f"{name} does other work than {first}: the losses of the first step are {loss} and {wanted}"
            )
